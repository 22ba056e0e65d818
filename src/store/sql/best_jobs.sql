-- The best variants of a bundle whose trades are not stored.
select t.job_id, j.spec::text as spec from (
    select r.job_id, r.trades is null as bare from sluicegate.results r
     where r.bundle_id = $1
     order by r.sharpe desc nulls last, r.total_return desc, r.job_id limit $2) t
  join sluicegate.jobs j on j.id = t.job_id
 where t.bare
