-- What a command names, as far as it belongs to the user, and what the command has done to it. Read
-- afterwards: several daemons may be applying the same command.
select (select b.status from sluicegate.bundles b where b.id = $2 and b.user_id = $1) as bundle_status,
       (select coalesce((select case o.status when 1 then 'completed' when 2 then 'failed'
                                              else 'cancelled' end
                           from sluicegate.outcomes o where o.job_id = j.id), 'open')
          from sluicegate.jobs j where j.id = $3 and j.user_id = $1) as job_status,
       coalesce((select b.cancelled_at >= c.created_at
                   from sluicegate.bundles b, sluicegate.commands c where b.id = $2 and c.id = $4),
                (select o.error = 'cancelled by command ' || $4::bigint
                   from sluicegate.outcomes o where o.job_id = $3),
                false) as reached,
       coalesce((select c.affected from sluicegate.commands c where c.id = $4), 0) as jobs,
       (select count(*)::int from sluicegate.bundles b, sluicegate.commands c
         where c.id = $4 and b.user_id = $1 and b.cancelled_at >= c.created_at) as bundles,
       coalesce(sluicegate.dedupe_key_taken(coalesce(
           $2, (select j.bundle_id from sluicegate.jobs j where j.id = $3))), false) as dedupe_key_taken
