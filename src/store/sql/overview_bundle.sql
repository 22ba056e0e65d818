-- One bundle with all its counts.
select s.id, s.user_id, s.name, s.status, s.priority, s.paused, s.progress, s.total, s.completed, s.failed,
       s.cancelled, left(s.error, 300) as error,
       extract(epoch from s.eta - clock_timestamp())::double precision as left_s,
       extract(epoch from coalesce(s.finished_at, s.cancelled_at) - s.created_at)::double precision as took_s,
       (s.best ->> 'sharpe')::double precision as best_sharpe,
       (s.best ->> 'total_return')::double precision as best_return,
       to_char(s.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at,
       s.pending, s.queued, s.running, s.left_out,
       to_char(s.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as started_at,
       to_char(s.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as finished_at,
       to_char(s.cancelled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as cancelled_at,
       (select b.summary ->> 'verdict' from sluicegate.bundles b where b.id = s.id) as verdict
  from sluicegate.bundle_status s where s.id = $1
