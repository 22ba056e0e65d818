update sluicegate.results r set trades = null, equity = null
 where r.bundle_id = $1 and (r.trades is not null or r.equity is not null)
   and r.job_id <> all (array(
        select t.job_id from sluicegate.results t where t.bundle_id = $1
         order by t.sharpe desc nulls last, t.total_return desc, t.job_id limit $2))
