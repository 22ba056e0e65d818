-- Limits of the whole cluster: rates of pipes, rates and caps of kinds and users. Tables are in 0003.

-- When the next start of a budget is due at another rate: what has been given out ahead counts as many
-- starts as before.
create function sluicegate.due_at_rate(
    due timestamptz, rate_before double precision, rate double precision, now_is timestamptz)
returns timestamptz
language sql immutable as $$
    select case when due > now_is and rate_before <> rate
                then now_is + (due - now_is) * (rate_before / rate) else due end
$$;
comment on function sluicegate.due_at_rate is 'For the daemon: when the next start of a budget is due at another rate.';

-- Leases starts of a pipe at a rate per second, as slices of time one after the other (GCRA), so that what
-- all processes start together keeps the rate whoever comes, goes or is silent. Answers how many, and in
-- how many milliseconds the first is due; no starts while others have leased more than a second ahead. A
-- hundredth of a second may be made good, so that the way to the database is not lost from the rate. The
-- clock is read under the lock.
create function sluicegate.lease_starts(which text, rate double precision, want int)
returns table (starts int, begins_in_ms double precision)
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    begins timestamptz;
    now_is timestamptz;
    rate_before double precision;
begin
    insert into budgets (scope, name, rate, due)
    values ('pipe', which, lease_starts.rate, clock_timestamp()) on conflict do nothing;
    select b.due, b.rate into begins, rate_before from budgets b
     where b.scope = 'pipe' and b.name = which
       for no key update;
    now_is := clock_timestamp();
    begins := greatest(due_at_rate(begins, rate_before, lease_starts.rate, now_is),
                       now_is - interval '10 milliseconds');
    if begins > now_is + interval '1 second' then
        return query select 0, (extract(epoch from begins - now_is) * 1000 - 1000)::double precision;
        return;
    end if;
    update budgets b
       set rate = lease_starts.rate,
           due = begins + want / lease_starts.rate * interval '1 second'
     where b.scope = 'pipe' and b.name = which;
    return query select want, greatest(extract(epoch from begins - now_is) * 1000, 0)::double precision;
end $$;
comment on function sluicegate.lease_starts is 'For the daemon: leases starts of a pipe at the rate of the whole cluster.';

-- How many jobs the limits of kind and user let each lane with work claim now. Of starts that were not
-- taken a quarter of a second's are kept. What runs is counted by lanes, not by jobs.
create function sluicegate.room_of_lanes()
returns table (lane_id bigint, kind_room int, user_room int)
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    now_is timestamptz := clock_timestamp();
    users text[];
    kinds text[];
begin
    select array_agg(distinct l.user_id), array_agg(distinct l.kind) into users, kinds
      from lanes l where l.has_ready and not l.paused;
    update budgets b
       set rate = m.rate, due = due_at_rate(b.due, b.rate, m.rate, now_is)
      from limits_of(users, kinds) m
     where (m.scope, m.name) = (b.scope, b.name) and m.rate <> b.rate and m.rate < 'infinity';
    return query
    with busy as materialized (
        select 'kind' as scope, l.kind as name, sum(l.running)::int as running
          from lanes l where l.running > 0 group by l.kind
        union all
        select 'user', l.user_id, sum(l.running)::int
          from lanes l where l.running > 0 group by l.user_id),
    rooms as materialized (
        select m.scope, m.name,
               least(m.cap - coalesce(r.running, 0),
                     case when m.rate = 'infinity' then 2147483647
                          else least(floor(1 + m.rate * extract(epoch from now_is - greatest(
                                   coalesce(b.due, now_is),
                                   now_is - interval '250 milliseconds'))), 1000000)::int end) as room
          from limits_of(users, kinds) m
          left join budgets b on (b.scope, b.name) = (m.scope, m.name)
          left join busy r on (r.scope, r.name) = (m.scope, m.name))
    select l.lane_id, coalesce(k.room, 2147483647), coalesce(u.room, 2147483647)
      from lanes l
      left join rooms k on (k.scope, k.name) = ('kind', l.kind)
      left join rooms u on (u.scope, u.name) = ('user', l.user_id)
     where l.has_ready and not l.paused and (k.name is not null or u.name is not null);
end $$;
comment on function sluicegate.room_of_lanes is 'For the daemon: how many jobs the limits let each lane claim now.';

-- Takes the starts of claimed jobs, named by their lanes, from the budgets of kinds and users. Their room
-- was looked at before, so the budgets are at the rates that hold.
create function sluicegate.spend_starts(claimed_lanes bigint[]) returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    now_is timestamptz := clock_timestamp();
begin
    insert into budgets (scope, name, rate, due)
    select m.scope, m.name, m.rate, now_is + s.jobs / m.rate * interval '1 second'
      from (select 'kind' as scope, l.kind as name, count(*) as jobs
              from unnest(claimed_lanes) as c (lane_id) join lanes l on l.lane_id = c.lane_id
             group by l.kind
            union all
            select 'user', l.user_id, count(*)
              from unnest(claimed_lanes) as c (lane_id) join lanes l on l.lane_id = c.lane_id
             group by l.user_id) s
      join limits_of((select array_agg(distinct l.user_id) from lanes l where l.lane_id = any (claimed_lanes)),
                     (select array_agg(distinct l.kind) from lanes l where l.lane_id = any (claimed_lanes))) m
        on (m.scope, m.name) = (s.scope, s.name)
     where m.rate < 'infinity'
        on conflict (scope, name) do update
       set due = greatest(budgets.due, now_is - interval '250 milliseconds') + (excluded.due - now_is);
end $$;
comment on function sluicegate.spend_starts is 'For the daemon: takes the starts of claimed jobs from the budgets of kinds and users.';

-- In how many milliseconds a rate of a kind or a user lets the next waiting job start; null where none
-- waits for a rate. What was due a moment ago may not have been claimed yet.
create function sluicegate.next_start_in_ms() returns double precision
language sql volatile set search_path = sluicegate, pg_temp as $$
    select min(greatest(extract(epoch from b.due - clock_timestamp()) * 1000, 0))::double precision
      from budgets b
     where b.scope <> 'pipe' and b.due > clock_timestamp() - interval '1 second'
       and case b.scope
           when 'kind' then exists (select from lanes l
                                     where l.has_ready and not l.paused and l.kind = b.name)
           else exists (select from lanes l
                         where l.has_ready and not l.paused and l.user_id = b.name) end
$$;
comment on function sluicegate.next_start_in_ms is 'For the daemon: when a rate lets the next waiting job start.';

-- What the settings of the process that was started or reloaded last say, in place of what was said before.
create function sluicegate.configure_limits(
    scopes text[], names text[], rates double precision[], caps int[]) returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
begin
    perform pg_advisory_xact_lock('limits'::regclass::oid::int, 0);
    delete from limits l
     where l.set_by = 'config'
       and not exists (select from unnest(scopes, names) as g (scope, name)
                        where (g.scope, g.name) = (l.scope, l.name));
    insert into limits (scope, name, set_by, rate_per_second, in_flight_max)
    select g.scope, g.name, 'config', g.rate, g.cap
      from unnest(scopes, names, rates, caps) as g (scope, name, rate, cap)
        on conflict (scope, name, set_by) do update
       set rate_per_second = excluded.rate_per_second, in_flight_max = excluded.in_flight_max,
           set_at = clock_timestamp()
     where (limits.rate_per_second, limits.in_flight_max)
           is distinct from (excluded.rate_per_second, excluded.in_flight_max);
    perform notify_wake('limits');
    perform notify_wake('pending_job');
end $$;
comment on function sluicegate.configure_limits is 'For the daemon: limits as the settings say them.';

-- What a command says of a limit: a number, infinity (2147483647 for a cap) for none, null for what is
-- configured. What it does not speak of stays; a command that is older than the last one changes nothing.
create function sluicegate.order_limit(
    which bigint, for_scope text, for_name text, sets_rate boolean, rate double precision,
    sets_cap boolean, cap int) returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
begin
    perform from commands c where c.id = which and c.applied_at is null for update;
    if not found then
        return;
    end if;
    insert into limits (scope, name, set_by, rate_per_second, in_flight_max, command_id)
    values (for_scope, for_name, 'command', rate, cap, which)
        on conflict (scope, name, set_by) do update
       set rate_per_second = case when sets_rate then excluded.rate_per_second
                                  else limits.rate_per_second end,
           in_flight_max = case when sets_cap then excluded.in_flight_max
                                else limits.in_flight_max end,
           command_id = which, set_at = clock_timestamp()
     where limits.command_id <= which;
    perform notify_wake('limits');
    perform notify_wake('pending_job');
end $$;
comment on function sluicegate.order_limit is 'For the daemon: a limit as a command says it.';
