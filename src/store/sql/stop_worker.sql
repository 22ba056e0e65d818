with told as (delete from sluicegate.worker_figures where worker = $1)
update sluicegate.workers
   set draining = true, idle = false, stopped_at = clock_timestamp(), lease_until = clock_timestamp()
 where id = $1 and stopped_at is null
