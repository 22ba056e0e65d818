-- Removes bundles that ended long ago and whose jobs are gone. Of a user's bundles the oldest are looked at,
-- by the index that their list uses, and users one by one; $3 has no meaning.
with recursive users as (
    (select b.user_id from sluicegate.bundles b order by b.user_id limit 1)
    union all
    select (select b.user_id from sluicegate.bundles b where b.user_id > u.user_id
             order by b.user_id limit 1)
      from users u where u.user_id is not null),
old as materialized (
    select o.id from users u
     cross join lateral (
           select b.id from sluicegate.bundles b
            where b.user_id = u.user_id and b.created_at < clock_timestamp() - $1 * interval '1 day'
              and b.status not in ('pending', 'expanding', 'running')
              and coalesce(b.finished_at, b.cancelled_at) < clock_timestamp() - $1 * interval '1 day'
              and not exists (select from sluicegate.jobs j where j.bundle_id = b.id)
              and not exists (select from sluicegate.bundle_deltas d where d.bundle_id = b.id)
            limit $2) o
     where u.user_id is not null limit $2),
gone as (
    delete from sluicegate.bundles b where b.id = any (array(select id from old)) returning b.id)
select coalesce($3::bigint, 0) as last_id, (select count(*) from gone) as gone,
       (select count(*) from old) = $2 as more
