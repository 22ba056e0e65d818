-- What a command names, as far as it belongs to the user.
select (select b.status from sluicegate.bundles b where b.id = $2 and b.user_id = $1) as bundle_status,
       (select coalesce((select case o.status when 1 then 'completed' when 2 then 'failed'
                                              else 'cancelled' end
                           from sluicegate.outcomes o where o.job_id = j.id), 'open')
          from sluicegate.jobs j where j.id = $3 and j.user_id = $1) as job_status
