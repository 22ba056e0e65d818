select job_id, fence, death, limit_ms, silent_ms from sluicegate.find_dead_jobs($1)
