update sluicegate.commands set applied_at = clock_timestamp(), outcome = $2
 where id = $1 and applied_at is null
