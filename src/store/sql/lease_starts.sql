-- Starts of a pipe, leased from the budget that all processes share.
select starts, begins_in_ms from sluicegate.lease_starts($1, $2, $3)
