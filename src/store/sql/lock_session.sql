-- The class of the lock is a table's oid, so that it meets nobody else's. No row: it is still held.
with lock as materialized (
    select pg_try_advisory_lock('sluicegate.workers'::regclass::oid::int, $1) as taken)
update sluicegate.workers w set session_lock = true from lock l where w.id = $1 and l.taken
returning w.id
