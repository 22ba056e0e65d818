-- Bundles that are open, and the newest that have ended; of one user where $1 says so. At most $2 of each.
with chosen as materialized (
    (select b.id from sluicegate.bundles b
      where b.status in ('pending', 'expanding') and ($1::text is null or b.user_id = $1)
      order by b.priority desc, b.created_at limit $2)
    union
    (select b.id from sluicegate.bundles b
      where b.status = 'running' and ($1::text is null or b.user_id = $1)
      order by b.created_at desc limit $2)
    union
    (select b.id from sluicegate.bundles b
      where $1::text is null or b.user_id = $1
      order by b.created_at desc limit $2))
select s.id, s.user_id, s.name, s.status, s.priority, s.paused, s.progress, s.total, s.completed, s.failed,
       s.cancelled, left(s.error, 300) as error,
       extract(epoch from s.eta - clock_timestamp())::double precision as left_s,
       extract(epoch from coalesce(s.finished_at, s.cancelled_at) - s.created_at)::double precision as took_s,
       (s.best ->> 'sharpe')::double precision as best_sharpe,
       (s.best ->> 'total_return')::double precision as best_return,
       to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at
  from sluicegate.bundle_status s
 where s.id = any (array(select c.id from chosen c))
 order by s.created_at desc, s.id
