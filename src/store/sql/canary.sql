-- A write of a few bytes that a commit must flush: no row, no lock, nothing to vacuum.
select pg_logical_emit_message(true, 'sluicegate', 'canary')
