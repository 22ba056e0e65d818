-- Tells listeners which of these jobs have ended, and that $2 more have. What is tried again has not.
select pg_notify('sluicegate_events', json_build_object(
           'jobs', json_build_object(
               'completed', coalesce(json_agg(o.job_id order by o.job_id) filter (where o.status = 1), '[]'),
               'failed', coalesce(json_agg(o.job_id order by o.job_id) filter (where o.status = 2), '[]'),
               'cancelled', coalesce(json_agg(o.job_id order by o.job_id) filter (where o.status = 3), '[]')),
           'more', $2::bigint)::text)
  from sluicegate.outcomes o where o.job_id = any ($1::bigint[])
having count(*) > 0 or $2::bigint > 0
