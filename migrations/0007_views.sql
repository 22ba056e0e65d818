-- What users read. Status words are constants of their branches, so that a filter on status reads
-- one branch only.

create view sluicegate.job_status as
select j.id, j.bundle_id, j.user_id, j.kind, 'pending'::text as status, l.priority,
       0::double precision as progress, q.attempt, q.failures, null::int as worker, j.created_at,
       null::timestamptz as queued_at, null::timestamptz as started_at,
       null::timestamptz as finished_at, null::timestamptz as cancelled_at,
       (select f.error from sluicegate.failed_attempts f
         where f.job_id = j.id order by f.attempt desc limit 1) as error,
       null::jsonb as output, j.seq
  from sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
  join sluicegate.lanes l on l.lane_id = q.lane_id
 where q.state in (0, 2)
union all
select j.id, j.bundle_id, j.user_id, j.kind, 'queued', j.priority, 0, q.attempt, q.failures, q.worker,
       j.created_at, q.claimed_at, null, null, null, null, null, j.seq
  from sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
 where q.state = 1 and q.started_at is null
union all
select j.id, j.bundle_id, j.user_id, j.kind, 'running', j.priority,
       coalesce((select p.percent from sluicegate.progress p
                  where p.job_id = q.job_id and p.fence = q.fence), 0),
       q.attempt, q.failures, q.worker, j.created_at, q.claimed_at, q.started_at, null, null, null,
       null, j.seq
  from sluicegate.queue q join sluicegate.jobs j on j.id = q.job_id
 where q.state = 1 and q.started_at is not null
union all
select j.id, j.bundle_id, j.user_id, j.kind, 'completed', j.priority, 100, o.attempt, o.failures,
       o.worker, j.created_at, o.claimed_at, o.started_at, o.ended_at, null, null, o.output, j.seq
  from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
 where o.status = 1
union all
select j.id, j.bundle_id, j.user_id, j.kind, 'failed', j.priority, 100, o.attempt, o.failures,
       o.worker, j.created_at, o.claimed_at, o.started_at, o.ended_at, null, o.error, o.output, j.seq
  from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
 where o.status = 2
union all
select j.id, j.bundle_id, j.user_id, j.kind, 'cancelled', j.priority, 100, o.attempt, o.failures,
       o.worker, j.created_at, o.claimed_at, o.started_at, null, o.ended_at, o.error, o.output, j.seq
  from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
 where o.status = 3;
comment on view sluicegate.job_status is 'One row per job: pending, queued (claimed by a daemon), running, completed, failed or cancelled, with the five times.';

create view sluicegate.bundle_status as
select b.id, b.user_id, b.name, b.status, b.priority, b.progress, b.total,
       greatest(b.expanded - b.completed - b.failed - b.cancelled
                - coalesce(c.queued, 0) - coalesce(c.running, 0), 0)::int as pending,
       coalesce(c.queued, 0)::int as queued, coalesce(c.running, 0)::int as running,
       b.completed, b.failed, b.cancelled, b.left_out,
       case when b.status = 'running' and b.progress > 0
            then b.started_at + (clock_timestamp() - b.started_at) * (100 / b.progress) end as eta,
       case when b.summary is not null then b.summary -> 'best' -> 0
            when b.status in ('expanding', 'running') then (
                select jsonb_build_object('job_id', r.job_id, 'ticker', r.ticker, 'sharpe', r.sharpe,
                           'total_return', r.total_return, 'max_drawdown', r.max_drawdown,
                           'trade_count', r.trade_count, 'scenario', r.scenario,
                           'money_management', r.money_management)
                  from sluicegate.results r where r.bundle_id = b.id
                 order by r.sharpe desc nulls last, r.total_return desc, r.job_id limit 1) end as best,
       b.error, b.created_at, b.started_at, b.finished_at, b.cancelled_at, b.paused
  from sluicegate.bundles b
  left join lateral (
       select count(*) filter (where q.started_at is null) as queued,
              count(*) filter (where q.started_at is not null) as running
         from sluicegate.claimed_jobs(b.user_id) q where q.bundle_id = b.id) c
    on b.status in ('expanding', 'running');
comment on view sluicegate.bundle_status is 'One row per bundle: status, counts, progress in percent, expected end, best variant so far.';

-- What lanes count, with the news that no claim has folded yet. Only what is delayed is counted here, and
-- of what is ready the next in line is looked at.
create view sluicegate.lane_counts as
select l.lane_id, l.kind, l.priority, l.has_ready and not l.paused as may_start,
       l.jobs + coalesce(n.jobs, 0) - l.running + coalesce(n.released, 0) - coalesce(d.jobs, 0) as ready,
       l.running - coalesce(n.released, 0) as running, coalesce(d.jobs, 0) as delayed,
       least(l.low_id, n.low_id) as low_id
  from sluicegate.lanes l
  left join (select lane_id, sum(jobs) as jobs, sum(released) as released, min(low_id) as low_id
               from sluicegate.lane_deltas group by lane_id) n on n.lane_id = l.lane_id
  left join (select lane_id, count(*) as jobs
               from sluicegate.queue where delayed group by lane_id) d on d.lane_id = l.lane_id;
comment on view sluicegate.lane_counts is 'One row per lane: its ready, running (claimed) and delayed jobs.';

create view sluicegate.queue_health as
with waiting as (
    select c.kind, sum(c.ready) as ready, sum(c.running) as running, sum(c.delayed) as delayed,
           min((select q.run_at from sluicegate.queue q
                 where not q.delayed and q.state = 0 and q.lane_id = c.lane_id and q.job_id >= c.low_id
                 order by q.job_id limit 1)) filter (where c.ready > 0) as oldest
      from sluicegate.lane_counts c group by c.kind),
ended as (
    select t.kind, sum(t.failed) as failed_24h,
           sum(t.jobs) filter (where t.ended_at > clock_timestamp() - interval '1 minute') / 60.0
               as throughput
      from (select kind, ended_at, failed, completed + failed + cancelled as jobs
              from sluicegate.tallies
            union all
            select kind, minute, failed, 0 from sluicegate.tally_minutes
             where minute > clock_timestamp() - interval '24 hours') t
     group by t.kind),
live as (
    select min(pace) as pace, (array_agg(slowed_by order by pace))[1] as slowed_by
      from sluicegate.workers
     where lease_until > clock_timestamp() and dead_at is null and not draining)
select w.kind, w.ready::bigint as ready,
       coalesce(extract(epoch from clock_timestamp() - w.oldest), 0)::double precision as oldest_ready_s,
       w.running::bigint as running, w.delayed::bigint as delayed,
       coalesce(e.failed_24h, 0)::bigint as failed_24h,
       coalesce(e.throughput, 0)::double precision as throughput, live.pace, live.slowed_by
  from waiting w
  left join ended e on e.kind = w.kind
 cross join live;
comment on view sluicegate.queue_health is 'One row per kind: ready, running (claimed) and delayed jobs, failures of 24 hours, jobs per second over the last minute; the pace of the slowest live worker, and what slows it.';

-- Why the limit of its kind or its user keeps a job from being claimed; null where none does.
create function sluicegate.held_by_limit(of_user text, of_kind text) returns text
language sql volatile set search_path = sluicegate, pg_temp as $$
    select case when b.running >= m.cap
                then format('%s %s is at its limit of %s jobs at once', m.scope, m.name, m.cap)
                else format('rate budget of %s %s: %s per second', m.scope, m.name, m.rate) end
      from limits_of(array[of_user], array[of_kind]) m
     cross join lateral (
           select coalesce(sum(l.running), 0) as running from lanes l
            where case m.scope when 'kind' then l.kind = m.name else l.user_id = m.name end) b
     where b.running >= m.cap
        or exists (select from budgets d
                    where (d.scope, d.name) = (m.scope, m.name) and d.due > clock_timestamp())
     order by m.scope limit 1
$$;

create view sluicegate.why_waiting as
with live as (
    select count(*) as workers,
           case when count(*) = count(waits_for) then min(waits_for) end as waits_for,
           case when count(*) = count(slowed_by) then min(slowed_by) end as slowed_by
      from sluicegate.workers
     where lease_until > clock_timestamp() and dead_at is null and not draining),
ready as (
    select c.priority, sum(c.ready) as jobs
      from sluicegate.lane_counts c where c.may_start group by c.priority),
ahead as (
    select p.priority, coalesce(sum(r.jobs), 0) as jobs
      from (select distinct priority from sluicegate.lanes) p
      left join ready r on r.priority > p.priority group by p.priority)
select q.job_id,
       case when q.state = 2 and q.run_at = 'infinity' then 'paused'
            when q.state = 2 then 'delayed until ' || to_char(q.run_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
            when l.paused then 'paused'
            when live.workers = 0 then 'no live worker'
            when live.waits_for is not null and l.kind in ('backtest', 'walk_forward') then live.waits_for
            when l.running >= l.running_max then 'at its limit of ' || l.running_max || ' jobs at once'
            else coalesce(case when (select exists (select from sluicegate.limits where scope <> 'pipe'))
                               then sluicegate.held_by_limit(l.user_id, l.kind) end,
                          case when a.jobs > 0 then 'lower priority than ' || a.jobs || ' jobs' end,
                          (select 'rate budget of pending_job: ' || b.rate || ' starts per second'
                             from sluicegate.budgets b
                            where b.scope = 'pipe' and b.name = 'pending_job' and b.due > clock_timestamp()),
                          'slowed: ' || live.slowed_by,
                          'no free slot on ' || live.workers || ' workers') end as reason
  from sluicegate.queue q
  join sluicegate.lanes l on l.lane_id = q.lane_id
  join ahead a on a.priority = l.priority
 cross join live
 where q.state in (0, 2);
comment on view sluicegate.why_waiting is 'One row per waiting job and the reason in words.';
