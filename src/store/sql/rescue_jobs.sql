select job_id, quarantined from sluicegate.rescue_jobs($1, $2, $3)
