-- The jobs of a bundle that ended without success: how many by reason, and the first of each.
with ended as (
    select o.status, j.kind, coalesce(o.error_class, 'cancelled') as reason, count(*) as jobs,
           min(j.id) as job_id
      from sluicegate.jobs j join sluicegate.outcomes o on o.job_id = j.id
     where j.bundle_id = $1 and o.status <> 1 group by 1, 2, 3)
select case e.status when 2 then 'failed' else 'cancelled' end as status, e.kind, e.reason, e.jobs, e.job_id,
       o.error
  from ended e join sluicegate.outcomes o on o.job_id = e.job_id
 order by e.jobs desc, e.job_id limit $2
