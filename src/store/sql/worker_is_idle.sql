select idle from sluicegate.workers where id = $1
