select job_id, fence, attempt, kind, spec, timeout_s, waited_ms, age_ms, traceparent
  from sluicegate.claim_jobs($1, $2, $3, $4)
