-- The best variants of a bundle, the best one first.
select r.job_id, j.spec::text as spec, r.from_time, r.until_time, r.result_digest,
       coalesce(r.variant_digest, '') as variant_digest, r.trades is not null as has_trades,
       coalesce(r.validation, '{}')::text as validation
  from sluicegate.results r join sluicegate.jobs j on j.id = r.job_id
 where r.bundle_id = $1
 order by r.sharpe desc nulls last, r.total_return desc, r.job_id limit $2
