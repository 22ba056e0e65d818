-- What became of a command; null until it has taken effect.
select outcome from sluicegate.commands where id = $1 and applied_at is not null
