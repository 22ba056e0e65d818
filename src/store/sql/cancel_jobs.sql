-- Cancels jobs of a user, at most $5 in one call: one job, a bundle's, or all there were when the command
-- was given. The number cancelled is added to the command in the same statement. Answers how many were
-- found, and which ended: another process may have ended some of them meanwhile.
with command as (
    select c.created_at from sluicegate.commands c where c.id = $1::bigint),
chosen as materialized (
    select q.job_id from command c, sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
      left join sluicegate.bundles b on b.id = j.bundle_id
     where j.user_id = $2 and ($3::uuid is null or j.bundle_id = $3) and ($4::bigint is null or j.id = $4)
       and ($3 is not null or $4 is not null or coalesce(b.created_at, j.created_at) < c.created_at)
     order by q.job_id limit $5),
ended as materialized (
    select sluicegate.end_jobs(
               array_agg(c.job_id), array_agg(null::bigint), array_agg(3::smallint),
               array_agg('cancelled'::text), array_agg('cancelled by command ' || $1::bigint),
               array_agg(null::text), array_agg(null::text)) as jobs
      from chosen c having count(*) > 0),
counted as (
    update sluicegate.commands c set affected = c.affected + cardinality(e.jobs) from ended e where c.id = $1)
select count(*)::int as found, coalesce((select jobs from ended), '{}') as ended from chosen
