-- Notes since when lanes have had no job; beside claims, which go by the same lock.
with alone as materialized (
    select pg_advisory_xact_lock('sluicegate.lanes'::regclass::oid::int, 0))
update sluicegate.lanes l set idle_since = clock_timestamp(), idle_vtime = l.vtime
  from alone
 where l.jobs = 0 and l.running = 0 and l.idle_vtime is distinct from l.vtime
