-- Workers whose lease ran out, or whose session is gone and who have not renewed for a while. After a
-- start of the server everybody gets time to come back. One process at a time looks.
with singleton as materialized (
    select pg_try_advisory_xact_lock('sluicegate.lanes'::regclass::oid::int, 1) as mine),
suspects as materialized (
    select w.id, w.lease_until, w.session_lock from sluicegate.workers w, singleton s
     where s.mine and w.dead_at is null and w.stopped_at is null
       and w.renewed_at < clock_timestamp() - $1 * interval '1 millisecond'
       and pg_postmaster_start_time() < clock_timestamp() - $2 * interval '1 millisecond')
update sluicegate.workers w set dead_at = clock_timestamp(), idle = false
  from suspects s
 where w.id = s.id
   and (s.lease_until < clock_timestamp()
        or (s.session_lock
            and pg_try_advisory_xact_lock('sluicegate.workers'::regclass::oid::int, s.id)))
returning w.id, w.host
