update sluicegate.workers set late_writes_refused = late_writes_refused + $2 where id = $1
