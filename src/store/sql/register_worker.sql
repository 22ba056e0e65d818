insert into sluicegate.workers (id, host, version, slots, lease_until)
values ($1, $2, $3, $4, clock_timestamp() + $5 * interval '1 millisecond')
