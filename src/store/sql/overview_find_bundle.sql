-- Bundles whose ids lie between, both included.
select id from sluicegate.bundles where id between $1 and $2 order by id limit 2
