update sluicegate.bundles
   set expander = null, expander_until = null, closings = greatest(closings - 1, 0)
 where id = any ($2) and expander = $1
