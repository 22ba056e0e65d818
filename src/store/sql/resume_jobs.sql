-- Goes on with jobs that were paused, at most $2 in one call.
select sluicegate.resume_jobs($1, $2) as found
