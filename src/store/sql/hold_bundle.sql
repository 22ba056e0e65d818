-- Goes on holding a bundle that is being closed; nothing comes back when somebody else took it.
update sluicegate.bundles
   set expander_until = clock_timestamp() + $3 * interval '1 millisecond'
 where id = $1 and expander = $2 and status = 'running'
returning cancelled_at is not null as cancelled
