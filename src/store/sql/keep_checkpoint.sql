-- What the next run of a job can go on from, on its row of progress; nothing for a run that lost its
-- claim. Only beside a start mark: the end of a job clears the row where there was one.
with locked as materialized (
    select q.job_id, q.fence, q.failures from sluicegate.queue q
     where q.job_id = $1 and q.fence = $2 and q.state = 1 and q.started_at is not null
       for no key update)
insert into sluicegate.progress (job_id, fence, percent, checkpoint, checkpoint_key, checkpoint_failures)
select l.job_id, l.fence, 0, $4, $3, l.failures from locked l
    on conflict (job_id) do update
   set checkpoint = excluded.checkpoint, checkpoint_key = excluded.checkpoint_key,
       checkpoint_failures = excluded.checkpoint_failures
