update sluicegate.workers set slots = $2 where id = $1
