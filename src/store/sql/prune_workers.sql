-- Removes workers that stopped or died long ago and whose claims are gone; $3 has no meaning.
with old as materialized (
    select w.id from sluicegate.workers w
     where coalesce(w.stopped_at, w.dead_at) < clock_timestamp() - $1 * interval '1 day'
       and not exists (select from sluicegate.claimed_jobs(null) q where q.worker = w.id)
     limit $2),
told as (
    delete from sluicegate.worker_figures f where f.worker = any (array(select id from old))),
gone as (
    delete from sluicegate.workers w where w.id = any (array(select id from old)) returning w.id)
select coalesce($3::bigint, 0) as last_id, (select count(*) from gone) as gone,
       (select count(*) from old) = $2 as more
