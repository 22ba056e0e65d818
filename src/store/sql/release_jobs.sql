select sluicegate.release_jobs($1, $2)
