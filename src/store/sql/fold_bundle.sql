select sluicegate.fold_bundle($1)
