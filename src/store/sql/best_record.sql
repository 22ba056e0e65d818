select coalesce(r.validation, '{}')::text as validation, r.total_return, r.buy_and_hold_return
  from sluicegate.results r where r.job_id = $1
