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
-- Found by the bounds that lanes keep, since what is claimed but not started has no index.
select j.id, j.bundle_id, j.user_id, j.kind, 'queued', j.priority, 0, q.attempt, q.failures, q.worker,
       j.created_at, q.claimed_at, null, null, null, null, null, j.seq
  from sluicegate.lanes l
  join sluicegate.queue q on q.lane_id = l.lane_id and not q.delayed
                         and q.job_id between l.oldest_id and l.newest_id
  join sluicegate.jobs j on j.id = q.job_id
 where l.running > 0 and q.state = 1 and q.started_at is null
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
comment on column sluicegate.job_status.id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.job_status.bundle_id is 'Its bundle; null for a job inserted directly.';
comment on column sluicegate.job_status.user_id is 'Who asks.';
comment on column sluicegate.job_status.kind is 'What to do: backtest, walk_forward or sleep.';
comment on column sluicegate.job_status.status is 'pending, queued, running, completed, failed or cancelled.';
comment on column sluicegate.job_status.priority is 'Higher runs sooner.';
comment on column sluicegate.job_status.progress is 'Percent, 0 to 100.';
comment on column sluicegate.job_status.attempt is 'How often it was claimed.';
comment on column sluicegate.job_status.failures is 'How often it failed by an error of its own.';
comment on column sluicegate.job_status.worker is 'Who holds it, or held it last.';
comment on column sluicegate.job_status.created_at is 'When it was inserted.';
comment on column sluicegate.job_status.queued_at is 'When a daemon claimed it last.';
comment on column sluicegate.job_status.started_at is 'When its last run began.';
comment on column sluicegate.job_status.finished_at is 'When it completed or failed.';
comment on column sluicegate.job_status.cancelled_at is 'When it was cancelled.';
comment on column sluicegate.job_status.error is 'What went wrong, in words; while it waits to be tried again, what went wrong the last time.';
comment on column sluicegate.job_status.output is 'What the kind returns; the figures of a backtest are in sluicegate.results.';
comment on column sluicegate.job_status.seq is 'Number of the variant within its bundle, from 0.';

create view sluicegate.bundle_status as
select b.id, b.user_id, b.name, b.status, b.priority, b.progress, b.total,
       greatest(b.expanded - b.completed - b.failed - b.cancelled
                - coalesce(c.queued, 0) - coalesce(c.running, 0), 0)::int as pending,
       coalesce(c.queued, 0)::int as queued, coalesce(c.running, 0)::int as running,
       b.completed, b.failed, b.cancelled, b.left_out,
       clock_timestamp() + s.left_s * interval '1 second' as eta,
       case when b.summary is not null then b.summary -> 'best' -> 0
            when b.status in ('expanding', 'running') then (
                select jsonb_build_object('job_id', r.job_id, 'ticker', r.ticker, 'sharpe', r.sharpe,
                           'total_return', r.total_return, 'max_drawdown', r.max_drawdown,
                           'trade_count', r.trade_count, 'scenario', r.scenario,
                           'money_management', r.money_management)
                  from sluicegate.results r where r.bundle_id = b.id
                 order by r.sharpe desc nulls last, r.total_return desc, r.job_id limit 1) end as best,
       b.error, b.created_at, b.started_at, b.finished_at, b.cancelled_at, b.paused, s.speed
  from sluicegate.bundles b
  left join lateral (
       select count(*) filter (where q.started_at is null) as queued,
              count(*) filter (where q.started_at is not null) as running
         from sluicegate.claimed_jobs(b.user_id) q where q.bundle_id = b.id) c
    on b.status in ('expanding', 'running')
  -- What ended lately; nothing is said while it is paused, and of more than a hundred years.
  left join lateral (
       select m.speed, case when m.open = 0 then 0
                            when m.open / m.speed < 3.2e9 then m.open / m.speed end as left_s
         from (select b.total - b.completed - b.failed - b.cancelled as open,
                      nullif(b.completed + b.failed + b.cancelled - b.speed_from_ended, 0)
                      / nullif(extract(epoch from clock_timestamp()
                                              - greatest(b.speed_from_at, b.started_at)), 0)::float8 as speed) m
        where not b.paused
          and not exists (select from sluicegate.lanes l where l.user_id = b.user_id and l.paused)) s
    on b.status in ('expanding', 'running') and b.cancelled_at is null;
comment on view sluicegate.bundle_status is 'One row per bundle: status, counts, progress in percent, expected end, best variant so far.';
comment on column sluicegate.bundle_status.id is 'The bundle, as in sluicegate.bundles.';
comment on column sluicegate.bundle_status.user_id is 'Who asks.';
comment on column sluicegate.bundle_status.name is 'Free label.';
comment on column sluicegate.bundle_status.status is 'pending, expanding, running, then completed, failed, cancelled or rejected.';
comment on column sluicegate.bundle_status.priority is 'Higher runs sooner.';
comment on column sluicegate.bundle_status.progress is 'Ended jobs in percent, 0 to 100.';
comment on column sluicegate.bundle_status.total is 'Number of jobs; null until the bundle has been read.';
comment on column sluicegate.bundle_status.pending is 'Jobs that wait.';
comment on column sluicegate.bundle_status.queued is 'Jobs that a daemon has claimed and not started.';
comment on column sluicegate.bundle_status.running is 'Jobs that run.';
comment on column sluicegate.bundle_status.completed is 'Jobs that succeeded.';
comment on column sluicegate.bundle_status.failed is 'Jobs that failed for good.';
comment on column sluicegate.bundle_status.cancelled is 'Jobs that were cancelled.';
comment on column sluicegate.bundle_status.left_out is 'Combinations left out because a "where" or the order of parameters refused them.';
comment on column sluicegate.bundle_status.eta is 'Expected end by the speed of late; null while nothing has ended, while it is paused, and after its end.';
comment on column sluicegate.bundle_status.best is 'The best variant so far, with its figures.';
comment on column sluicegate.bundle_status.error is 'Why it was rejected, or how the first job failed where none succeeded.';
comment on column sluicegate.bundle_status.created_at is 'When it was inserted.';
comment on column sluicegate.bundle_status.started_at is 'When its first jobs were about to be inserted.';
comment on column sluicegate.bundle_status.finished_at is 'When it ended as completed, failed or rejected.';
comment on column sluicegate.bundle_status.cancelled_at is 'When a command cancelled it.';
comment on column sluicegate.bundle_status.paused is 'Whether a command keeps its jobs from starting.';
comment on column sluicegate.bundle_status.speed is 'Ended jobs per second of late: over half a minute and ten jobs at least.';

-- What lanes count, with the news that no claim has folded yet. Of what is ready the next in line is looked at.
create view sluicegate.lane_counts as
select l.lane_id, l.kind, l.priority, l.has_ready and not l.paused as may_start,
       l.jobs + coalesce(n.jobs, 0) - l.running + coalesce(n.released, 0)
       - l.delayed - coalesce(n.delayed, 0) as ready,
       l.running - coalesce(n.released, 0) as running, l.delayed + coalesce(n.delayed, 0) as delayed,
       least(l.low_id, n.low_id) as low_id
  from sluicegate.lanes l
  left join (select lane_id, sum(jobs) as jobs, sum(released) as released, sum(delayed) as delayed,
                    min(low_id) as low_id
               from sluicegate.lane_deltas group by lane_id) n on n.lane_id = l.lane_id;
comment on view sluicegate.lane_counts is 'One row per lane: its ready, running (claimed) and delayed jobs.';
comment on column sluicegate.lane_counts.lane_id is 'The lane.';
comment on column sluicegate.lane_counts.kind is 'Of which kind.';
comment on column sluicegate.lane_counts.priority is 'At which priority.';
comment on column sluicegate.lane_counts.may_start is 'Whether something of it may be claimed now.';
comment on column sluicegate.lane_counts.ready is 'Jobs that could be claimed.';
comment on column sluicegate.lane_counts.running is 'Jobs that are claimed.';
comment on column sluicegate.lane_counts.delayed is 'Jobs that wait for a time, or are paused.';
comment on column sluicegate.lane_counts.low_id is 'No ready job of it has a smaller id.';

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
comment on column sluicegate.queue_health.kind is 'The kind of job.';
comment on column sluicegate.queue_health.ready is 'Jobs that could be claimed.';
comment on column sluicegate.queue_health.oldest_ready_s is 'How long the oldest of them waits, seconds.';
comment on column sluicegate.queue_health.running is 'Jobs that are claimed.';
comment on column sluicegate.queue_health.delayed is 'Jobs that wait for a time, or are paused.';
comment on column sluicegate.queue_health.failed_24h is 'Jobs that failed for good in the last 24 hours.';
comment on column sluicegate.queue_health.throughput is 'Ended jobs per second over the last minute.';
comment on column sluicegate.queue_health.pace is 'Part of its full pace at which the slowest live worker goes.';
comment on column sluicegate.queue_health.slowed_by is 'Why that is less than 1.';

-- What holds a job back is said of its lane, its kind and its user, and worked out once for each.
create view sluicegate.why_waiting as
with live as materialized (
    select count(*) as workers,
           case when count(*) = count(waits_for) then min(waits_for) end as waits_for,
           case when count(*) = count(slowed_by) then min(slowed_by) end as slowed_by
      from sluicegate.workers
     where lease_until > clock_timestamp() and dead_at is null and not draining),
ahead as materialized (
    select r.priority, sum(r.jobs) over (order by r.priority desc) - r.jobs as jobs
      from (select c.priority, coalesce(sum(c.ready) filter (where c.may_start), 0) as jobs
              from sluicegate.lane_counts c
             where (select v.workers > 0 from live v) group by c.priority) r),
busy as materialized (
    select 'kind' as scope, l.kind as name, sum(l.running) as running
      from sluicegate.lanes l where l.running > 0 group by l.kind
    union all
    select 'user', l.user_id, sum(l.running)
      from sluicegate.lanes l where l.running > 0 group by l.user_id),
spent as materialized (
    select b.scope, b.name from sluicegate.budgets b
     where b.scope <> 'pipe' and b.due > clock_timestamp()),
held as materialized (
    select m.scope, m.name,
           case when b.running >= m.cap
                then format('%s %s is at its limit of %s jobs at once', m.scope, m.name, m.cap)
                else format('rate budget of %s %s: %s per second', m.scope, m.name, m.rate) end as reason
      from sluicegate.limits_of(
               array(select n.name from busy n where n.scope = 'user'
                     union select n.name from spent n where n.scope = 'user'),
               array(select n.name from busy n where n.scope = 'kind'
                     union select n.name from spent n where n.scope = 'kind')) m
      left join busy b on (b.scope, b.name) = (m.scope, m.name)
      left join spent s on (s.scope, s.name) = (m.scope, m.name)
     where (b.running >= m.cap or s.name is not null)
       and (select exists (select from sluicegate.limits g where g.scope <> 'pipe')))
select q.job_id,
       case when l.paused then 'paused'
            when live.workers = 0 then 'no live worker'
            when live.waits_for is not null and l.kind in ('backtest', 'walk_forward') then live.waits_for
            when l.running >= l.running_max then 'at its limit of ' || l.running_max || ' jobs at once'
            else coalesce(k.reason, u.reason,
                          case when a.jobs > 0 then 'lower priority than ' || a.jobs || ' jobs' end,
                          (select 'rate budget of pending_job: ' || b.rate || ' starts per second'
                             from sluicegate.budgets b
                            where b.scope = 'pipe' and b.name = 'pending_job' and b.due > clock_timestamp()),
                          'slowed: ' || live.slowed_by,
                          'no free slot on ' || live.workers || ' workers') end as reason,
       l.user_id, q.bundle_id, l.kind, l.priority
  from sluicegate.lanes l
  join sluicegate.queue q on q.lane_id = l.lane_id and not q.delayed
  left join ahead a on a.priority = l.priority
  left join held k on k.scope = 'kind' and k.name = l.kind
  left join held u on u.scope = 'user' and u.name = l.user_id
 cross join live
 where q.state = 0
union all
select q.job_id,
       case when q.run_at = 'infinity' or l.paused then 'paused'
            else 'delayed until '
                 || to_char(q.run_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
       l.user_id, q.bundle_id, l.kind, l.priority
  from sluicegate.lanes l
  join sluicegate.queue q on q.lane_id = l.lane_id and q.delayed;
comment on view sluicegate.why_waiting is 'One row per waiting job and the reason in words.';
comment on column sluicegate.why_waiting.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.why_waiting.reason is 'paused, delayed until a time, no live worker, a limit, a rate budget, jobs of higher priority, a slowed pace, or no free slot.';
comment on column sluicegate.why_waiting.user_id is 'Who asks.';
comment on column sluicegate.why_waiting.bundle_id is 'Its bundle. To look for one name its user as well: the jobs of a user are found by index.';
comment on column sluicegate.why_waiting.kind is 'What to do.';
comment on column sluicegate.why_waiting.priority is 'Higher runs sooner.';
