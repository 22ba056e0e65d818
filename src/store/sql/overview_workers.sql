-- Workers that have neither stopped nor been declared dead, and what they tell of themselves.
select w.id, w.host, w.version, w.slots, w.draining, w.pace, w.slowed_by, w.waits_for, w.late_writes_refused,
       extract(epoch from clock_timestamp() - w.started_at)::double precision as up_s,
       extract(epoch from clock_timestamp() - w.renewed_at)::double precision as silent_s,
       w.lease_until > clock_timestamp() as is_live, f.figures::text as figures
  from sluicegate.workers w left join sluicegate.worker_figures f on f.worker = w.id
 where w.dead_at is null and w.stopped_at is null
 order by w.id limit $1
