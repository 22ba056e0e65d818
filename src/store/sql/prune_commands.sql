-- Removes commands that were applied long ago, among the next ones by id.
with looked as materialized (
    select c.id, c.created_at from sluicegate.commands c where c.id > $3 order by c.id limit $2),
gone as (
    delete from sluicegate.commands c
     where c.id = any (array(select id from looked))
       and c.applied_at < clock_timestamp() - $1 * interval '1 day' returning c.id)
select coalesce((select max(id) from looked), 0) as last_id, (select count(*) from gone) as gone,
       (select count(*) from looked) = $2
       and (select min(created_at) from looked) < clock_timestamp() - $1 * interval '1 day' as more
