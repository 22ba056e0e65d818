update sluicegate.bundles set expander = null, expander_until = null
 where id = any ($2) and expander = $1
