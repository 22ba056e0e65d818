-- Removes jobs that ended long ago, with all that is theirs, among the next ones by id. Answers the last id
-- looked at, how many went, and whether there may be more. A job goes only with its end: one that is tried
-- again at this moment has none. Jobs of a bundle go when it has ended.
with looked as materialized (
    select j.id, j.bundle_id, j.created_at from sluicegate.jobs j where j.id > $3 order by j.id limit $2),
old as materialized (
    select l.id from looked l join sluicegate.outcomes o on o.job_id = l.id
      left join sluicegate.bundles b on b.id = l.bundle_id
     where o.ended_at < clock_timestamp() - $1 * interval '1 day'
       and (b.id is null or b.status not in ('pending', 'expanding', 'running'))),
gone as (
    delete from sluicegate.outcomes o
     where o.job_id = any (array(select id from old)) returning o.job_id),
gone_ids as materialized (select array(select job_id from gone) as ids),
attempts as (
    delete from sluicegate.failed_attempts f where f.job_id = any ((select ids from gone_ids)::bigint[])),
parts as (
    delete from sluicegate.job_parts p where p.job_id = any ((select ids from gone_ids)::bigint[])),
answers as (
    delete from sluicegate.results r where r.job_id = any ((select ids from gone_ids)::bigint[])),
jobs as (
    delete from sluicegate.jobs j where j.id = any ((select ids from gone_ids)::bigint[]))
select coalesce((select max(id) from looked), 0) as last_id,
       (select cardinality(ids) from gone_ids)::bigint as gone,
       (select count(*) from looked) = $2
       and (select min(created_at) from looked) < clock_timestamp() - $1 * interval '1 day' as more
