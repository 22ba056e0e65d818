update sluicegate.bundles
   set status = 'expanding', total = $2, left_out = $3,
       started_at = coalesce(started_at, clock_timestamp())
 where id = $1 and status = 'pending' and cancelled_at is null
