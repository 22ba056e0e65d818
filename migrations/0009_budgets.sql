-- Rates of the whole cluster: one row per pipe. Starts are leased as slices of time one after the other
-- (GCRA), so that what all processes start together keeps the rate whoever comes, goes or is silent.

create unlogged table sluicegate.budgets (
    pipe text primary key,
    rate double precision not null,
    due  timestamptz not null
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on table sluicegate.budgets is 'When the next start of a pipe may be leased. Begins afresh after a crash of the server, without a burst.';

-- Leases starts at a rate per second: how many, and in how many milliseconds the first is due; no starts
-- while others have leased more than a second ahead. A hundredth of a second may be made good, so that
-- the way to the database is not lost from the rate. The clock is read under the lock. At a new rate, what
-- has been leased ahead counts as many starts as before.
create function sluicegate.lease_starts(which text, rate double precision, want int)
returns table (starts int, begins_in_ms double precision)
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    begins timestamptz;
    now_is timestamptz;
    rate_before double precision;
begin
    insert into budgets (pipe, rate, due) values (which, lease_starts.rate, clock_timestamp())
        on conflict do nothing;
    select b.due, b.rate into begins, rate_before from budgets b where b.pipe = which
       for no key update;
    now_is := clock_timestamp();
    if begins > now_is and rate_before <> lease_starts.rate then
        begins := now_is + (begins - now_is) * (rate_before / lease_starts.rate);
    end if;
    begins := greatest(begins, now_is - interval '10 milliseconds');
    if begins > now_is + interval '1 second' then
        return query select 0, (extract(epoch from begins - now_is) * 1000 - 1000)::double precision;
        return;
    end if;
    update budgets b
       set rate = lease_starts.rate,
           due = begins + want / lease_starts.rate * interval '1 second'
     where b.pipe = which;
    return query select want, greatest(extract(epoch from begins - now_is) * 1000, 0)::double precision;
end $$;
