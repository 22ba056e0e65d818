-- What jobs of a bundle failed of, the most frequent first: of the newest 2,000 failures since it was
-- inserted.
select count(*) as jobs, max(o.job_id) as job_id, o.error_class, left(o.error, 300) as error
  from (select f.job_id, f.error_class, f.error from sluicegate.outcomes f
         where f.status = 2 and f.ended_at >= (select b.created_at from sluicegate.bundles b where b.id = $1)
         order by f.ended_at desc limit 2000) o
  join sluicegate.jobs j on j.id = o.job_id and j.bundle_id = $1
 group by o.error_class, left(o.error, 300)
 order by count(*) desc, max(o.job_id) desc limit $2
