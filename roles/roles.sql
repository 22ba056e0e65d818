-- Roles with the least privileges: who owns the schema, who works, who asks, who looks. Run it in the
-- database of the daemon as a superuser, before the first migration or at any time after, and again
-- after each upgrade: it changes nothing that is as it should be.
--
--   psql "$SUPERUSER_URL" -v ON_ERROR_STOP=1 -1 -f roles/roles.sql
--   alter role sluicegate_owner login password '…';     -- sluicegate migrate
--   alter role sluicegate_daemon login password '…';    -- sluicegate run --no-migrate
--   create role alice login password '…' in role sluicegate_submitter;
--   create role grafana login password '…' in role sluicegate_reader;

do $$
declare
    name text;
begin
    foreach name in array array['sluicegate_owner', 'sluicegate_daemon', 'sluicegate_submitter',
                                'sluicegate_reader'] loop
        if not exists (select from pg_roles r where r.rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
    execute format('grant create on database %I to sluicegate_owner', current_database());
end $$;

-- The daemon sees whether others work and how far replicas are; without it it takes it that they do.
grant pg_read_all_stats to sluicegate_daemon;

create schema if not exists sluicegate;

-- What a superuser or an application's role may have made belongs to the owner from now on.
do $$
declare
    it record;
begin
    execute 'alter schema sluicegate owner to sluicegate_owner';
    for it in select c.oid::regclass as name, c.relkind as kind from pg_class c
               where c.relnamespace = 'sluicegate'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
                 and c.relowner <> 'sluicegate_owner'::regrole
                 -- An identity's or a column's sequence goes with its table.
                 and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')
                                                           and c.relkind = 'S') loop
        execute format('alter %s %s owner to sluicegate_owner',
                       case it.kind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, it.name);
    end loop;
    for it in select p.oid::regprocedure as name from pg_proc p
               where p.pronamespace = 'sluicegate'::regnamespace
                 and p.proowner <> 'sluicegate_owner'::regrole loop
        execute format('alter routine %s owner to sluicegate_owner', it.name);
    end loop;
end $$;

revoke all on schema sluicegate from public;
grant usage on schema sluicegate to sluicegate_daemon, sluicegate_submitter, sluicegate_reader;

-- The daemon: every row, no definition.
grant select, insert, update, delete on all tables in schema sluicegate to sluicegate_daemon;
grant usage, select on all sequences in schema sluicegate to sluicegate_daemon;
revoke execute on all routines in schema sluicegate from public;
grant execute on all routines in schema sluicegate to sluicegate_daemon;

-- Who looks: everything, and changes nothing.
grant select on all tables in schema sluicegate to sluicegate_reader;

-- What later migrations make.
alter default privileges for role sluicegate_owner revoke execute on functions from public;
alter default privileges for role sluicegate_owner in schema sluicegate
    grant select, insert, update, delete on tables to sluicegate_daemon;
alter default privileges for role sluicegate_owner in schema sluicegate
    grant usage, select on sequences to sluicegate_daemon;
alter default privileges for role sluicegate_owner in schema sluicegate
    grant execute on functions to sluicegate_daemon;
alter default privileges for role sluicegate_owner in schema sluicegate
    grant select on tables to sluicegate_reader;

-- Who asks: inserts what is theirs to say, and reads answers. Columns that the daemon writes are not
-- theirs. Without roles/own_rows.sql everybody reads the answers of all.
do $$ begin
    if to_regproc('sluicegate.submit') is null then
        raise notice 'there are no tables yet: run this again after sluicegate migrate';
        return;
    end if;
    grant insert (id, user_id, name, priority, universal_config, ticker_variants, date_ranges,
                  scenario_variants, money_management_variants, run_at, dedupe_key, traceparent)
        on sluicegate.bundles to sluicegate_submitter;
    grant insert (user_id, kind, priority, spec, run_at, max_failures, timeout_s, traceparent)
        on sluicegate.jobs to sluicegate_submitter;
    grant insert (user_id, action, bundle_id, job_id, args) on sluicegate.commands to sluicegate_submitter;
    grant select on sluicegate.bundles, sluicegate.jobs, sluicegate.commands, sluicegate.results,
                    sluicegate.job_parts, sluicegate.bundle_status, sluicegate.job_status,
                    sluicegate.queue_health, sluicegate.why_waiting
        to sluicegate_submitter;
    -- What sluicegate status, top and report read besides.
    grant select on sluicegate.schema_version, sluicegate.workers, sluicegate.worker_figures,
                    sluicegate.outcomes
        to sluicegate_submitter;
    -- Functions inside views run as whoever asks.
    grant select on sluicegate.lanes, sluicegate.queue, sluicegate.limits, sluicegate.budgets
        to sluicegate_submitter;
    grant execute on function sluicegate.claimed_jobs(text), sluicegate.limits_of(text[], text[])
        to sluicegate_submitter, sluicegate_reader;
    grant execute on procedure sluicegate.wait_for to sluicegate_submitter, sluicegate_reader;
    grant execute on function sluicegate.submit, sluicegate.submit_job, sluicegate.command, sluicegate.cancel,
                              sluicegate.pause, sluicegate.resume, sluicegate.retry, sluicegate.reprioritise
        to sluicegate_submitter;
end $$;
