-- What an interrupted run of a job has kept. After a failure there is nothing: what failed may lie in it.
select p.checkpoint
  from sluicegate.queue q join sluicegate.progress p on p.job_id = q.job_id
 where q.job_id = $1 and q.fence = $2 and q.state = 1
   and p.checkpoint_key = $3 and p.checkpoint_failures = q.failures
