select sluicegate.configure_limits($1, $2, $3, $4)
