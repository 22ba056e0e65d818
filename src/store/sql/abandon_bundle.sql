-- An accepted bundle that cannot be expanded to its end: what is inserted runs, the rest counts as
-- cancelled when the deltas are folded.
update sluicegate.bundles
   set cancelled_at = clock_timestamp(), error = $2, expander = null, expander_until = null
 where id = $1 and status = 'expanding' and cancelled_at is null
