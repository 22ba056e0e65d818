-- Functions for users: an INSERT each, with names and defaults. They run with the rights of whoever calls
-- them and may do no more than that INSERT. And what is said of everything else.

create function sluicegate.submit(
    ticker_variants jsonb, date_ranges jsonb, scenario_variants jsonb,
    universal_config jsonb default '{}', money_management_variants jsonb default '[{}]',
    user_id text default current_user, name text default null, priority int default 0,
    run_at timestamptz default now(), dedupe_key text default null,
    id uuid default gen_random_uuid(), traceparent text default null)
returns uuid
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    made uuid;
begin
    -- The open bundle that has the key may end between the two statements.
    for attempt in 1 .. 10 loop
        insert into bundles as b (id, user_id, name, priority, universal_config, ticker_variants, date_ranges,
                                  scenario_variants, money_management_variants, run_at, dedupe_key, traceparent)
        values (submit.id, submit.user_id, submit.name, submit.priority, submit.universal_config,
                submit.ticker_variants, submit.date_ranges, submit.scenario_variants,
                submit.money_management_variants, submit.run_at, submit.dedupe_key, submit.traceparent)
            on conflict (user_id, dedupe_key)
         where dedupe_key is not null and status in ('pending', 'expanding', 'running') do nothing
        returning b.id into made;
        if made is null then
            select b.id into made from bundles b
             where b.user_id = submit.user_id and b.dedupe_key = submit.dedupe_key
               and b.status in ('pending', 'expanding', 'running');
        end if;
        if made is not null then
            return made;
        end if;
    end loop;
    raise exception 'bundles with dedupe_key % come and go too fast', submit.dedupe_key;
end $$;
comment on function sluicegate.submit is 'Inserts a bundle and returns its id; arguments are the columns of sluicegate.bundles. While a bundle of the user with the same dedupe_key is open, it returns that one''s id and inserts nothing.';

create function sluicegate.submit_job(
    spec jsonb, kind text default 'backtest', user_id text default current_user, priority int default 0,
    run_at timestamptz default now(), max_failures int default 3, timeout_s int default null,
    traceparent text default null)
returns bigint
language sql volatile set search_path = sluicegate, pg_temp as $$
    insert into jobs (spec, kind, user_id, priority, run_at, max_failures, timeout_s, traceparent)
    values (submit_job.spec, submit_job.kind, submit_job.user_id, submit_job.priority, submit_job.run_at,
            submit_job.max_failures, submit_job.timeout_s, submit_job.traceparent)
    returning id
$$;
comment on function sluicegate.submit_job is 'Inserts a job of its own and returns its id; arguments are the columns of sluicegate.jobs.';

create function sluicegate.command(
    action text, bundle uuid default null, job bigint default null, user_id text default null,
    args jsonb default '{}')
returns bigint
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    of_user text := command.user_id;
    made bigint;
begin
    if of_user is null and bundle is not null then
        select b.user_id into of_user from bundles b where b.id = bundle;
        if not found then
            raise exception 'no bundle %', bundle using errcode = 'no_data_found';
        end if;
    elsif of_user is null and job is not null then
        select j.user_id into of_user from jobs j where j.id = job;
        if not found then
            raise exception 'no job %', job using errcode = 'no_data_found';
        end if;
    elsif of_user is null then
        raise exception 'name a bundle, a job or, for all of a user, a user_id'
            using errcode = 'null_value_not_allowed';
    end if;
    insert into commands (user_id, action, bundle_id, job_id, args)
    values (of_user, command.action, bundle, job, coalesce(command.args, '{}'))
    returning id into made;
    return made;
end $$;
comment on function sluicegate.command is 'Inserts a command and returns its id; sluicegate.commands has the outcome. Without user_id it is the user of the bundle or the job.';

create function sluicegate.cancel(bundle uuid default null, job bigint default null, user_id text default null)
returns bigint
language sql volatile set search_path = sluicegate, pg_temp as $$
    select command('cancel', cancel.bundle, cancel.job, cancel.user_id)
$$;
comment on function sluicegate.cancel is 'Cancels a bundle, a job (job => 17), or everything of a user (user_id => ''alice''). Returns the id of the command.';

create function sluicegate.pause(bundle uuid default null, job bigint default null, user_id text default null)
returns bigint
language sql volatile set search_path = sluicegate, pg_temp as $$
    select command('pause', pause.bundle, pause.job, pause.user_id)
$$;
comment on function sluicegate.pause is 'Lets nothing more of a bundle, a job or a user start; what runs goes on. Returns the id of the command.';

create function sluicegate.resume(bundle uuid default null, job bigint default null, user_id text default null)
returns bigint
language sql volatile set search_path = sluicegate, pg_temp as $$
    select command('resume', resume.bundle, resume.job, resume.user_id)
$$;
comment on function sluicegate.resume is 'Goes on with what was paused. Returns the id of the command.';

create function sluicegate.retry(bundle uuid default null, job bigint default null)
returns bigint
language sql volatile set search_path = sluicegate, pg_temp as $$
    select command('retry', retry.bundle, retry.job)
$$;
comment on function sluicegate.retry is 'Runs a job that failed or was cancelled again, or all such jobs of a bundle. Returns the id of the command.';

create function sluicegate.reprioritise(
    bundle uuid default null, priority int default null, job bigint default null)
returns bigint
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
begin
    if priority is null then
        raise exception 'name a priority' using errcode = 'null_value_not_allowed';
    end if;
    return command('reprioritise', bundle, job, null, jsonb_build_object('priority', priority));
end $$;
comment on function sluicegate.reprioritise is 'Gives what waits of a bundle, or a job (job => 17), another priority. Returns the id of the command.';

-- A procedure, since a function would hold one snapshot for as long as it waits: no row that died meanwhile,
-- of any table of the database, could be removed. No settings of its own, which would rule out COMMIT.
create procedure sluicegate.wait_for(
    bundle uuid, timeout interval default '1 hour', inout status text default null,
    inout progress double precision default null, inout total int default null,
    inout completed int default null, inout failed int default null, inout cancelled int default null,
    inout best jsonb default null, inout error text default null)
language plpgsql as $$
#variable_conflict use_column
declare
    last_look timestamptz := pg_catalog.clock_timestamp() + timeout;
    rest_s double precision := 0.02;
begin
    loop
        select b.status into status from sluicegate.bundles b where b.id = bundle;
        if not found then
            raise exception 'no bundle %', bundle using errcode = 'no_data_found';
        end if;
        exit when status not in ('pending', 'expanding', 'running')
               or pg_catalog.clock_timestamp() >= last_look;
        commit;
        perform pg_catalog.pg_sleep(least(rest_s, extract(epoch from last_look - pg_catalog.clock_timestamp())));
        commit;
        rest_s := least(rest_s * 1.5, 0.5);
    end loop;
    select s.status, s.progress, s.total, s.completed, s.failed, s.cancelled, s.best, s.error
      into status, progress, total, completed, failed, cancelled, best, error
      from sluicegate.bundle_status s where s.id = bundle;
end $$;
comment on procedure sluicegate.wait_for is 'CALL sluicegate.wait_for(bundle, timeout): waits until the bundle has ended or the time is over, then answers its row; status says which. Not within a transaction block.';

comment on table sluicegate.migrations is 'Which migrations were applied, written by sluicegate migrate.';
comment on column sluicegate.migrations.version is 'Number of the migration.';
comment on column sluicegate.migrations.description is 'What it is about.';
comment on column sluicegate.migrations.installed_on is 'When it was applied.';
comment on column sluicegate.migrations.success is 'Whether it was.';
comment on column sluicegate.migrations.checksum is 'Of its text, which must not change any more.';
comment on column sluicegate.migrations.execution_time is 'How long it took, nanoseconds.';
