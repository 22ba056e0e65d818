-- The newest jobs that failed for good; of one user where $1 says so, among the last thousand.
select o.job_id, j.bundle_id, j.user_id, j.kind, o.attempt, o.error_class, left(o.error, 300) as error,
       to_char(o.ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as ended_at
  from (select f.* from sluicegate.outcomes f where f.status = 2 order by f.ended_at desc limit 1000) o
  join sluicegate.jobs j on j.id = o.job_id
 where $1::text is null or j.user_id = $1
 order by o.ended_at desc limit $2
