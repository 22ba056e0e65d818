-- What a doctor asks of server and schema. Sessions of others are seen as far as our role may.
with tables as materialized (
    select c.oid, c.relname, c.reloptions, s.n_live_tup, s.n_dead_tup, s.last_autovacuum
      from pg_class c left join pg_stat_user_tables s on s.relid = c.oid
     where c.relnamespace = to_regnamespace('sluicegate') and c.relkind = 'r'),
holders as (
    select a.pid::text as who, a.xact_start as since from pg_stat_activity a
     where a.pid <> pg_backend_pid() and a.datname = current_database()
       and (a.backend_xmin is not null or a.backend_xid is not null)
    union all
    select 'prepared transaction ' || p.gid, p.prepared from pg_prepared_xacts p
     where p.database = current_database())
select current_setting('server_version') as version,
       current_setting('server_version_num')::int as version_num,
       current_user::text as role_name,
       (extract(epoch from clock_timestamp()) * 1000)::double precision as server_ms,
       coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
       inet_server_addr() is null or host(inet_server_addr()) in ('127.0.0.1', '::1') as is_local,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_others,
       current_setting('autovacuum') = 'on' and current_setting('track_counts') = 'on' as vacuums,
       current_setting('max_connections')::int as connections_max,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
       (select count(*) from pg_replication_slots where not active) as idle_slots,
       coalesce((select array_agg(t.relname::text order by t.relname) from tables t
                  where not (has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert')
                             and has_table_privilege(t.oid, 'update') and has_table_privilege(t.oid, 'delete'))
                    and t.relname not in ('schema_version', 'migrations')), '{}') as forbidden,
       (select h.who from holders h where h.since is not null order by h.since limit 1) as held_by,
       (select extract(epoch from clock_timestamp() - min(h.since))::double precision from holders h) as held_s,
       coalesce((select array_agg(format('%s (%s dead, %s live)', t.relname, t.n_dead_tup, t.n_live_tup)
                                  order by t.n_dead_tup desc)
                   from tables t where t.n_dead_tup > 10000 + t.n_live_tup), '{}') as bloated,
       coalesce((select array_agg(t.relname::text order by t.relname) from tables t
                  where array_to_string(t.reloptions, ',') like '%autovacuum_enabled=%'
                    and array_to_string(t.reloptions, ',') !~ 'autovacuum_enabled=(true|on|1)'), '{}')
           as not_vacuumed
