-- What the server shows of others. Whose state is not to be seen (that needs pg_read_all_stats) counts as
-- busy; transaction ids are seen by everybody. A vacuum holds nothing back.
with sessions as materialized (
    select a.* from pg_stat_activity a where a.pid <> pg_backend_pid()),
holders as (
    select h.xid, 'session ' || s.pid || coalesce(' of ' || s.usename, '') as who
      from sessions s cross join lateral (values (s.backend_xmin), (s.backend_xid)) as h (xid)
     where coalesce(s.datname, current_database()) = current_database()
       and not exists (select from pg_stat_progress_vacuum v where v.pid = s.pid)
    union all
    select r.xmin, 'replication slot ' || r.slot_name from pg_replication_slots r
    union all
    select p.transaction, 'prepared transaction ' || p.gid from pg_prepared_xacts p
     where p.database = current_database()),
oldest as (
    select xid, who from holders where xid is not null order by age(xid) desc limit 1)
select (select count(*) from sessions s
         where s.usesysid is not null and s.datid is not null
           and s.application_name not like 'sluicegate%'
           and (coalesce(s.state, '') not like 'idle%'
                or s.state_change > clock_timestamp() - $1 * interval '1 second')) as neighbours,
       (select count(*) from sessions s where s.state = 'active') as active_sessions,
       (select o.xid::text from oldest o) as horizon,
       (select o.who from oldest o) as held_by,
       (select extract(epoch from max(r.replay_lag))::double precision
          from pg_stat_replication r) as replica_lag_s
