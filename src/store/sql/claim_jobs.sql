select c.job_id, c.fence, c.attempt, j.kind, j.spec::text as spec, j.timeout_s
  from sluicegate.claim_jobs($1, $2, $3, $4) with ordinality as c (job_id, fence, attempt, rank)
  join sluicegate.jobs j on j.id = c.job_id
 order by c.rank
