select sluicegate.finish_bundle($1, $2)
