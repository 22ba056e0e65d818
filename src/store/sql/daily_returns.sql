-- The next results of one market over one time, in the order of their jobs.
select r.job_id, j.seq, coalesce(r.variant_digest, '') as variant_digest, r.sharpe,
       coalesce(r.daily_returns, '') as daily_returns
  from sluicegate.jobs j join sluicegate.results r on r.job_id = j.id
 where j.bundle_id = $1 and r.ticker = $2 and r.timeframe = $3 and r.from_time = $4
   and r.until_time = $5 and j.seq > $6
 order by j.seq limit $7
