-- Start marks and progress of all running jobs of a process, in one statement. A row under the claim's own
-- fence means that the start is marked: it is all that changes then, in an unlogged table, without a lock
-- in the queue. Everything else goes by the locked rows of the queue.
with given as materialized (
    select * from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::bigint[], $5::bigint[], $6::bigint[])
                  as g (job_id, fence, percent, elapsed_ms, timeout_ms, stall_ms)),
known as (
    update sluicegate.progress p
       set percent = g.percent, stall_ms = g.stall_ms, updated_at = clock_timestamp()
      from given g
     where p.job_id = any ($1::bigint[]) and (p.job_id, p.fence) = (g.job_id, g.fence)
       and exists (select from sluicegate.queue q
                    where q.job_id = p.job_id and q.fence = p.fence and q.state = 1)
    returning p.job_id),
locked as materialized (
    select q.job_id, q.fence, q.started_at from sluicegate.queue q
     where q.job_id = any (array(select g.job_id from given g
                                  where not exists (select from known k where k.job_id = g.job_id)))
       and q.state = 1
     order by q.job_id for no key update),
valid as materialized (
    select g.* from given g join locked l on (l.job_id, l.fence) = (g.job_id, g.fence)),
started as (
    update sluicegate.queue q
       set started_at = clock_timestamp() - g.elapsed_ms * interval '1 millisecond',
           deadline = clock_timestamp() + (g.timeout_ms - g.elapsed_ms) * interval '1 millisecond'
      from unnest($1::bigint[], $4::bigint[], $5::bigint[]) as g (job_id, elapsed_ms, timeout_ms)
     where q.job_id = any (array(select v.job_id from valid v)) and q.job_id = g.job_id
       and q.started_at is null)
insert into sluicegate.progress (job_id, fence, percent, stall_ms)
select v.job_id, v.fence, v.percent, v.stall_ms from valid v
    on conflict (job_id) do update
   set fence = excluded.fence, percent = excluded.percent, stall_ms = excluded.stall_ms,
       updated_at = clock_timestamp()
