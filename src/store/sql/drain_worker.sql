update sluicegate.workers set draining = true, idle = false where id = $1
