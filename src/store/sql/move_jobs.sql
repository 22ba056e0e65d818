-- Moves waiting jobs to priority $2, at most $3 in one call.
select sluicegate.move_jobs($1, $2, $3) as found
