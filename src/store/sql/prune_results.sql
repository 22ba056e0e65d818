-- Removes results that were written long ago, among the next ones by job. Those of a bundle go when it has
-- ended.
with looked as materialized (
    select r.job_id, r.bundle_id, r.created_at from sluicegate.results r
     where r.job_id > $3 order by r.job_id limit $2),
old as materialized (
    select l.job_id from looked l left join sluicegate.bundles b on b.id = l.bundle_id
     where l.created_at < clock_timestamp() - $1 * interval '1 day'
       and (b.id is null or b.status not in ('pending', 'expanding', 'running'))),
gone as (
    delete from sluicegate.results r
     where r.job_id = any (array(select job_id from old)) returning r.job_id)
select coalesce((select max(job_id) from looked), 0) as last_id, (select count(*) from gone) as gone,
       (select count(*) from looked) = $2
       and (select min(created_at) from looked) < clock_timestamp() - $1 * interval '1 day' as more
