-- Opens a new generation of jobs that failed or were cancelled, at most $2 in one call.
select sluicegate.retry_jobs($1, $2) as found
