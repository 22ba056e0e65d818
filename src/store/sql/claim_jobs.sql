select job_id, fence, attempt, kind, spec, timeout_s, waited_ms
  from sluicegate.claim_jobs($1, $2, $3, $4)
