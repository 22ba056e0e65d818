-- The jobs of a bundle that have a result, best first: what a report is read by, page by page.
select coalesce(array_agg(r.job_id order by r.sharpe desc nulls last, r.total_return desc, r.job_id), '{}')
           as job_ids
  from sluicegate.results r where r.bundle_id = $1
