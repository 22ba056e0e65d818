select id from sluicegate.commands where applied_at is null order by id limit $1
