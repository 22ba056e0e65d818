-- Keeps jobs that a command names from starting, at most $2 in one call.
select sluicegate.pause_jobs($1, $2) as found
