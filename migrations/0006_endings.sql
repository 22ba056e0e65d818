-- How claims end, and bundles with them. Every write names a job by id and fence; what does not match
-- changes nothing and is not among the ids that come back. Rows are locked in the order of their ids.

-- Ends jobs for good: the queue row goes, the outcome stays, and lane and bundle get their deltas, in
-- one statement. A null fence means whatever fence the job has (a cancel); otherwise the job must be
-- claimed under exactly that fence. An end that the run itself did not write (a cancel, a quarantine)
-- raises the fence, so that the run's own end, coming late, is not taken for one written before. When a run
-- began is told as the time since, which no clock but this one's turns into a moment.
create function sluicegate.end_jobs(
    job_ids bigint[], fences bigint[], statuses smallint[], classes text[], errors text[],
    outputs text[], answers text[], ran_ms double precision[] default null)
returns bigint[]
language plpgsql volatile set search_path = sluicegate, pg_temp
set enable_nestloop = off set enable_seqscan = off set enable_bitmapscan = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    ended bigint[];
    marked bigint[];
begin
    -- A cancel meets rows that a claim may be locking in another order.
    if array_position(fences, null) is not null then
        perform pg_advisory_xact_lock('lanes'::regclass::oid::int, 0);
    end if;
    with given as materialized (
        select * from unnest(job_ids, fences, statuses, classes, errors, outputs, answers, ran_ms)
                      as t (job_id, given_fence, status, error_class, error, output, answer, ran_ms)
         order by job_id),
    gone as (
        delete from queue q using given g
         where q.job_id = any (job_ids) and g.job_id = q.job_id
           and (g.given_fence is null or (q.state = 1 and q.fence = g.given_fence))
        returning q.*, g.status, g.error_class, g.error, g.output, g.answer, g.ran_ms),
    done as (
        insert into outcomes (job_id, fence, attempt, failures, status, worker, claimed_at,
                              started_at, error_class, error, output)
        select g.job_id,
               g.fence + case when g.status = 3 or g.error_class = 'crashed' then 1 else 0 end, g.attempt,
               g.failures + case when g.status = 2 and g.error_class <> 'crashed' then 1 else 0 end,
               g.status, g.worker, g.claimed_at,
               coalesce(greatest(g.claimed_at, statement_timestamp() - g.ran_ms * interval '1 millisecond'),
                        g.started_at, case when g.status = 1 then g.claimed_at end),
               g.error_class, g.error, g.output::jsonb
          from gone g),
    answered as (
        insert into results
        select r.* from gone g
         cross join lateral jsonb_populate_record(null::results, g.answer::jsonb || jsonb_build_object(
               'job_id', g.job_id, 'bundle_id', g.bundle_id, 'created_at', clock_timestamp())) r
         where g.answer is not null),
    bundle_news as (
        insert into bundle_deltas (bundle_id, completed, failed, cancelled)
        select g.bundle_id, count(*) filter (where g.status = 1), count(*) filter (where g.status = 2),
               count(*) filter (where g.status = 3)
          from gone g where g.bundle_id is not null group by g.bundle_id),
    by_lane as materialized (
        select g.lane_id, count(*) as jobs, count(*) filter (where g.state = 1) as released,
               count(*) filter (where g.state = 2) as delayed,
               count(*) filter (where g.status = 1) as completed,
               count(*) filter (where g.status = 2) as failed,
               count(*) filter (where g.status = 3) as cancelled
          from gone g group by g.lane_id),
    lane_news as (
        insert into lane_deltas (lane_id, released, jobs, delayed)
        select b.lane_id, b.released, - b.jobs, - b.delayed from by_lane b),
    tally as (
        insert into tallies (kind, completed, failed, cancelled)
        select k.kind, sum(k.completed), sum(k.failed), sum(k.cancelled)
          from (select (select l.kind from lanes l where l.lane_id = b.lane_id) as kind, b.*
                  from by_lane b) k
         group by k.kind)
    select array_agg(g.job_id), array_agg(g.job_id) filter (where g.started_at is not null or g.fence > 1)
      into ended, marked from gone g;
    -- A statement of its own: it sees the mark that the row above was waited for.
    if marked is not null then
        delete from progress p where p.job_id = any (marked);
    end if;
    -- A kind or a user has room again.
    if exists (select from limits where scope <> 'pipe' and in_flight_max is not null)
       and exists (select from workers where idle) then
        perform notify_wake('pending_job');
    end if;
    return coalesce(ended, '{}');
end $$;
comment on function sluicegate.end_jobs is 'For the daemon: ends jobs for good, with their results and the news for lanes and bundles.';

-- Stored results of these variants, one for each, one with trades rather than one without; how they
-- were validated is the business of their bundle. A plan made while the table was small must not stay.
create function sluicegate.find_results(digests text[])
returns table (variant_digest text, answer text)
language sql stable set search_path = sluicegate, pg_temp set enable_seqscan = off set jit = off as $$
    select distinct on (r.variant_digest) r.variant_digest,
           (to_jsonb(r) - '{job_id,bundle_id,created_at,validation}'::text[]
            || jsonb_build_object('reused_from', coalesce(r.reused_from, r.job_id), 'run_ms', 0))::text
      from results r
     where r.variant_digest = any (digests)
     order by r.variant_digest, r.trades is null, r.job_id
$$;
comment on function sluicegate.find_results is 'For the daemon: stored results of equal variants.';

-- Merges the ends of minutes that are over, and lets go of what is older than a day.
create function sluicegate.merge_tallies() returns void
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
declare
    over timestamptz := date_trunc('minute', clock_timestamp()) - interval '1 minute';
begin
    if not exists (select from tallies t where t.ended_at < over) then
        return;
    end if;
    with eaten as (
        delete from tallies t where t.ended_at < over returning t.*)
    insert into tally_minutes (kind, minute, completed, failed, cancelled)
    select e.kind, date_trunc('minute', e.ended_at), sum(e.completed), sum(e.failed), sum(e.cancelled)
      from eaten e group by 1, 2;
    delete from tally_minutes m where m.minute < clock_timestamp() - interval '25 hours';
end $$;
comment on function sluicegate.merge_tallies is 'For the daemon: merges the counts of ended jobs into minutes.';

-- Gives claims back unharmed: they are ready again, at once, and no failure is counted.
create function sluicegate.release_jobs(job_ids bigint[], fences bigint[]) returns bigint[]
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    released bigint[];
begin
    with locked as materialized (
        select q.job_id from queue q join unnest(job_ids, fences) as g (job_id, fence)
            on g.job_id = q.job_id and g.fence = q.fence
         where q.state = 1 order by q.job_id for update of q),
    freed as (
        update queue q
           set state = 0, fence = q.fence + 1, worker = null, claimed_at = null, started_at = null,
               deadline = null
         where q.job_id = any (array(select l.job_id from locked l))
        returning q.job_id, q.lane_id),
    lane_news as (
        insert into lane_deltas (lane_id, released, low_id)
        select f.lane_id, count(*), min(f.job_id) from freed f group by f.lane_id)
    select array_agg(f.job_id) into released from freed f;
    if released is not null and exists (select from workers where idle) then
        perform notify_wake('pending_job');
    end if;
    return coalesce(released, '{}');
end $$;
comment on function sluicegate.release_jobs is 'For the daemon: gives claims back unharmed.';

-- Errors of jobs: tried again after a delay, or failed for good when they failed too often. The delay
-- doubles with each failure of the job, not with claims that were lost or given back, up to retry_max_ms,
-- and is spread by half to either side.
create function sluicegate.fail_jobs(
    job_ids bigint[], fences bigint[], classes text[], errors text[], retry_base_ms bigint,
    retry_max_ms bigint)
returns bigint[]
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
#variable_conflict use_column
declare
    final bigint[];
    ended bigint[];
    again bigint[];
begin
    perform from queue q where q.job_id = any (job_ids) order by q.job_id for update;
    final := array(
        select q.job_id from queue q join unnest(job_ids, fences) as g (job_id, fence)
            on g.job_id = q.job_id and g.fence = q.fence
         where q.state = 1 and q.failures + 1 >= q.max_failures);
    with locked as materialized (
        select q.job_id, q.worker from queue q join unnest(job_ids, fences) as g (job_id, fence)
            on g.job_id = q.job_id and g.fence = q.fence
         where q.state = 1 and q.job_id <> all (final) order by q.job_id for update of q),
    delayed as (
        update queue q
           set state = 2, fence = q.fence + 1, failures = q.failures + 1, worker = null,
               claimed_at = null, started_at = null, deadline = null,
               run_at = clock_timestamp() + interval '1 millisecond' * (0.5 + random())
                        * least(retry_base_ms * 2.0 ^ least(q.failures, 40), retry_max_ms)::float8
         where q.job_id = any (array(select l.job_id from locked l))
        returning q.job_id, q.lane_id, q.attempt),
    kept as (
        insert into failed_attempts (job_id, attempt, worker, error_class, error)
        select d.job_id, d.attempt, l.worker, g.error_class, g.error
          from delayed d join unnest(job_ids, classes, errors) as g (job_id, error_class, error)
            on g.job_id = d.job_id join locked l on l.job_id = d.job_id
            on conflict do nothing),
    lane_news as (
        insert into lane_deltas (lane_id, released, delayed)
        select d.lane_id, count(*), count(*) from delayed d group by d.lane_id)
    select array_agg(d.job_id) into again from delayed d;
    if cardinality(final) > 0 then
        select end_jobs(array_agg(g.job_id), array_agg(g.fence), array_agg(2::smallint),
                        array_agg(g.error_class), array_agg(g.error),
                        array_agg(null::text), array_agg(null::text))
          into ended
          from unnest(job_ids, fences, classes, errors) as g (job_id, fence, error_class, error)
         where g.job_id = any (final);
    end if;
    return coalesce(again, '{}') || coalesce(ended, '{}');
end $$;
comment on function sluicegate.fail_jobs is 'For the daemon: failed runs, to be tried again after a delay or failed for good.';

-- Jobs of dead processes: ready again at once. After crashes_max deaths a job is quarantined; deaths
-- that came before its start mark weigh a fifth, since it may only have waited beside the culprit.
create function sluicegate.rescue_jobs(job_ids bigint[], fences bigint[], crashes_max int)
returns table (job_id bigint, quarantined boolean)
language plpgsql volatile set search_path = sluicegate, pg_temp
set enable_nestloop = off set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
    spots tid[];
    poisoned bigint[];
    ended bigint[];
begin
    select coalesce(array_agg(l.spot) filter (where not l.is_poisoned), '{}'),
           coalesce(array_agg(l.job_id) filter (where l.is_poisoned), '{}')
      into spots, poisoned
      from (select q.job_id, q.ctid as spot,
                   5 * q.crashes + q.orphaned + case when q.started_at is null then 1 else 5 end
                   >= 5 * crashes_max as is_poisoned
              from queue q join unnest(job_ids, fences) as g (job_id, fence) on g.job_id = q.job_id
             where q.job_id = any (job_ids) and q.fence = g.fence and q.state = 1
             order by q.job_id for update of q) l;
    return query
    with kept as (
        insert into failed_attempts (job_id, attempt, worker, error_class, error)
        select q.job_id, q.attempt, q.worker, 'crashed',
               'worker ' || q.worker || ' died while it held this job'
          from queue q where q.ctid = any (spots)
            on conflict do nothing),
    freed as (
        update queue q
           set state = 0, fence = q.fence + 1, worker = null, claimed_at = null, deadline = null,
               crashes = q.crashes + case when q.started_at is null then 0 else 1 end,
               orphaned = q.orphaned + case when q.started_at is null then 1 else 0 end,
               started_at = null
         where q.ctid = any (spots)
        returning q.job_id, q.lane_id),
    lane_news as (
        insert into lane_deltas (lane_id, released, low_id)
        select f.lane_id, count(*), min(f.job_id) from freed f group by f.lane_id)
    select f.job_id, false from freed f;
    if cardinality(poisoned) > 0 then
        select end_jobs(array_agg(g.job_id), array_agg(g.fence), array_agg(2::smallint),
                        array_agg('crashed'::text),
                        array_agg('quarantined: the processes that held it died '
                                  || (select q.crashes + q.orphaned + 1 from queue q
                                       where q.job_id = g.job_id) || ' times'),
                        array_agg(null::text), array_agg(null::text))
          into ended
          from unnest(job_ids, fences) as g (job_id, fence) where g.job_id = any (poisoned);
        return query select unnest(ended), true;
    end if;
    if exists (select from workers where idle) then
        perform notify_wake('pending_job');
    end if;
end $$;
comment on function sluicegate.rescue_jobs is 'For the daemon: jobs of dead processes, ready again or quarantined.';

-- Takes in a bundle's deltas. Answers whether all of its jobs have ended. Its speed is measured over the
-- time between two marks and since: a new mark is set after half a minute and ten ended jobs.
create function sluicegate.fold_bundle(which uuid) returns boolean
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
declare
    ended boolean;
begin
    perform from bundles b where b.id = which for no key update;
    with eaten as (
        delete from bundle_deltas d where d.bundle_id = which
        returning d.completed, d.failed, d.cancelled),
    sums as (
        select coalesce(sum(completed), 0)::int as completed, coalesce(sum(failed), 0)::int as failed,
               coalesce(sum(cancelled), 0)::int as cancelled
          from eaten),
    -- The jobs that a cancel kept from being inserted count as cancelled, once.
    counts as (
        select b.completed + s.completed as completed, b.failed + s.failed as failed,
               b.cancelled + s.cancelled
               + case when b.cancelled_at is not null then b.total - b.expanded else 0 end as cancelled
          from bundles b, sums s where b.id = which),
    totals as (
        select c.*, c.completed + c.failed + c.cancelled as ended,
               greatest(b.speed_next_at, b.started_at) < clock_timestamp() - interval '30 seconds'
               and c.completed + c.failed + c.cancelled >= b.speed_next_ended + 10 as is_marked
          from counts c, bundles b where b.id = which)
    update bundles b
       set completed = c.completed, failed = c.failed, cancelled = c.cancelled,
           status = case when b.cancelled_at is not null then 'running' else b.status end,
           expanded = case when b.cancelled_at is not null then b.total else b.expanded end,
           progress = case when b.total > 0 then 100.0 * c.ended / b.total else 0 end,
           speed_from_at = case when c.is_marked then b.speed_next_at else b.speed_from_at end,
           speed_from_ended = case when c.is_marked then b.speed_next_ended else b.speed_from_ended end,
           speed_next_at = case when c.is_marked then clock_timestamp() else b.speed_next_at end,
           speed_next_ended = case when c.is_marked then c.ended else b.speed_next_ended end
      from totals c
     where b.id = which and b.status in ('expanding', 'running')
    returning b.completed + b.failed + b.cancelled = b.total into ended;
    return coalesce(ended, false);
end $$;
comment on function sluicegate.fold_bundle is 'For the daemon: a bundle takes in its news; whether all of its jobs have ended.';

-- What a bundle says of whose jobs none succeeded: the counts, and how the first one failed.
create function sluicegate.why_failed(which uuid) returns text
language sql stable set search_path = sluicegate, pg_temp as $$
    select left('no job succeeded: ' || b.failed || ' failed, ' || b.cancelled || ' were cancelled'
                || coalesce((select '; job ' || o.job_id || ': ' || o.error
                               from jobs j join outcomes o on o.job_id = j.id
                              where b.failed > 0 and j.bundle_id = which and o.status = 2
                              order by j.seq limit 1), ''), 300)
      from bundles b where b.id = which
$$;
comment on function sluicegate.why_failed is 'What a bundle says of whose jobs none succeeded.';

-- Ends a bundle whose jobs have all ended: its ranking with what is said of it, its last status, the
-- event for listeners.
create function sluicegate.finish_bundle(which uuid, ranks int, said jsonb) returns text
language plpgsql volatile set search_path = sluicegate, pg_temp as $$
declare
    final text;
    best jsonb;
begin
    perform from bundles b
      where b.id = which and b.status in ('expanding', 'running')
        and b.completed + b.failed + b.cancelled = b.total
        for no key update;
    if not found then
        return null;
    end if;
    select coalesce(jsonb_agg(to_jsonb(r) order by r.rank), '[]') into best from (
        select row_number() over (order by sharpe desc nulls last, total_return desc, job_id) as rank,
               job_id, ticker, timeframe, from_time, until_time, scenario, money_management, sharpe,
               total_return, cagr, sortino, max_drawdown, calmar, profit_factor, win_rate,
               trade_count, exposure, fees, final_equity
          from results where bundle_id = which
         order by sharpe desc nulls last, total_return desc, job_id limit ranks) r;
    update bundles b
       set status = case when b.cancelled_at is not null then 'cancelled'
                         when b.completed > 0 then 'completed' else 'failed' end,
           finished_at = case when b.cancelled_at is null then clock_timestamp() end,
           progress = 100, error = case when b.cancelled_at is not null then b.error when b.completed = 0 then why_failed(which) end,
           expander = null, expander_until = null,
           summary = coalesce(said, '{}') || jsonb_build_object(
               'ranked_by', 'sharpe', 'best', best, 'left_out', b.left_out)
     where b.id = which
    returning status into final;
    perform pg_notify('sluicegate_events',
                      json_build_object('bundle', which, 'status', final)::text);
    return final;
end $$;
comment on function sluicegate.finish_bundle is 'For the daemon: ends a bundle whose jobs have all ended, with its ranking.';
