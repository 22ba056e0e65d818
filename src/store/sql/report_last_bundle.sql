-- The newest bundle, of one user where one is named.
select b.id from sluicegate.bundles b
 where $1::text is null or b.user_id = $1
 order by b.created_at desc, b.id limit 1
