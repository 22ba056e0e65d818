-- The daemon's own tables. Users have no business here; operators may look.

create sequence sluicegate.worker_ids as int;

create table sluicegate.workers (
    id                  int primary key default nextval('sluicegate.worker_ids'),
    host                text not null,
    version             text not null,
    slots               int not null,
    started_at          timestamptz not null default clock_timestamp(),
    renewed_at          timestamptz not null default clock_timestamp(),
    lease_until         timestamptz not null,
    session_lock        boolean not null default false,
    idle                boolean not null default false,
    draining            boolean not null default false,
    stopped_at          timestamptz,
    dead_at             timestamptz,
    late_writes_refused bigint not null default 0,
    waits_for           text,
    pace                double precision not null default 1,
    slowed_by           text
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
alter sequence sluicegate.worker_ids owned by sluicegate.workers.id;
comment on table sluicegate.workers is 'One row per start of a daemon process.';
comment on column sluicegate.workers.id is 'From a sequence, never a host name: pod names are used again.';
comment on column sluicegate.workers.host is 'The machine or pod it runs on.';
comment on column sluicegate.workers.version is 'Version of the program.';
comment on column sluicegate.workers.slots is 'Threads for jobs that compute.';
comment on column sluicegate.workers.started_at is 'When it registered.';
comment on column sluicegate.workers.renewed_at is 'Last renewal of the lease.';
comment on column sluicegate.workers.lease_until is 'Trusted until then.';
comment on column sluicegate.workers.session_lock is 'Whether it holds an advisory lock that vanishes with its session.';
comment on column sluicegate.workers.idle is 'Whether it wants to be notified of new jobs.';
comment on column sluicegate.workers.draining is 'Whether it finishes what it has and claims nothing more.';
comment on column sluicegate.workers.stopped_at is 'When it said goodbye.';
comment on column sluicegate.workers.dead_at is 'When it was declared dead; it never comes back under this id.';
comment on column sluicegate.workers.late_writes_refused is 'Writes of runs that had lost their claim; each changed nothing.';
comment on column sluicegate.workers.waits_for is 'Why it claims nothing that needs a slot: candles do not answer. Null while they do.';
comment on column sluicegate.workers.pace is 'Part of its full pace at which it goes, out of regard for others on this database; 1: it holds nothing back.';
comment on column sluicegate.workers.slowed_by is 'Why that is less than 1, in words.';

-- Beside the workers' rows, which every renewal copies. Unlogged: written every few seconds, no WAL.
create unlogged table sluicegate.worker_figures (
    worker  int primary key,
    figures jsonb not null,
    told_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
comment on table sluicegate.worker_figures is 'What each daemon process tells of its pipes, slots, candles and statements, every worker.figures_ms; for sluicegate top.';
comment on column sluicegate.worker_figures.worker is 'As in sluicegate.workers.';
comment on column sluicegate.worker_figures.figures is 'pipes, slots, cache, database. Figures that are 0 or absent are left out.';
comment on column sluicegate.worker_figures.told_at is 'When it was told.';

create table sluicegate.lanes (
    lane_id     bigint generated always as identity primary key,
    user_id     text not null,
    kind        text not null,
    priority    int not null,
    weight      double precision not null default 1 check (weight > 0),
    running_max int not null default 2147483647 check (running_max >= 0),
    paused      boolean not null default false,
    vtime       double precision not null default 0,
    running     int not null default 0,
    jobs        bigint not null default 0,
    delayed     bigint not null default 0,
    has_ready   boolean not null default false,
    low_id      bigint not null default 0,
    oldest_id   bigint not null default 0,
    newest_id   bigint not null default 0,
    idle_since  timestamptz,
    idle_vtime  double precision,
    unique (user_id, kind, priority)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index lanes_with_work on sluicegate.lanes (priority desc) where has_ready;
comment on table sluicegate.lanes is 'One row per user, kind and priority. Claims lock it, so caps are exact and shares fair.';
comment on column sluicegate.lanes.weight is 'Share relative to other lanes of the same priority.';
comment on column sluicegate.lanes.running_max is 'At most this many jobs claimed at once.';
comment on column sluicegate.lanes.paused is 'Nothing is claimed while true.';
comment on column sluicegate.lanes.vtime is 'Virtual time: jobs served divided by weight. The least-served lane goes first.';
comment on column sluicegate.lanes.running is 'Claimed jobs, as far as deltas have been folded.';
comment on column sluicegate.lanes.jobs is 'Jobs in the queue, whatever their state, as far as deltas have been folded.';
comment on column sluicegate.lanes.delayed is 'How many of them wait for a time, as far as deltas have been folded.';
comment on column sluicegate.lanes.has_ready is 'Whether a ready job may be there.';
comment on column sluicegate.lanes.low_id is 'Watermark: no ready job of the lane has a smaller id.';
comment on column sluicegate.lanes.oldest_id is 'While running is not 0: no claimed job of the lane has a smaller id.';
comment on column sluicegate.lanes.newest_id is 'While running is not 0: no claimed job of the lane has a larger id.';

comment on column sluicegate.lanes.idle_since is 'When the retention found it without jobs first, at the virtual time beside; a claim since then shows in vtime.';
comment on column sluicegate.lanes.lane_id is 'Its number.';
comment on column sluicegate.lanes.user_id is 'Whose jobs.';
comment on column sluicegate.lanes.kind is 'Of which kind.';
comment on column sluicegate.lanes.priority is 'At which priority.';
comment on column sluicegate.lanes.idle_vtime is 'Its virtual time then.';

create table sluicegate.lane_deltas (
    lane_id  bigint not null,
    released int not null,
    delayed  int not null default 0,
    low_id   bigint,
    jobs     int not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table sluicegate.lane_deltas is 'News for lanes, folded by the next claim: places given back, the smallest id made ready, jobs that came or (negative) went, and of these the delayed ones.';
comment on column sluicegate.lane_deltas.lane_id is 'The lane.';
comment on column sluicegate.lane_deltas.released is 'Places given back.';
comment on column sluicegate.lane_deltas.delayed is 'How many more jobs wait for a time.';
comment on column sluicegate.lane_deltas.low_id is 'The smallest id made ready.';
comment on column sluicegate.lane_deltas.jobs is 'How many more jobs are in the queue.';

create table sluicegate.limits (
    scope           text not null check (scope in ('pipe', 'kind', 'user')),
    name            text not null,
    set_by          text not null check (set_by in ('config', 'command')),
    rate_per_second double precision check (rate_per_second > 0),
    in_flight_max   int check (in_flight_max > 0),
    command_id      bigint,
    set_at          timestamptz not null default clock_timestamp(),
    primary key (scope, name, set_by)
);
comment on table sluicegate.limits is 'Rates and caps of the whole cluster. What a command says wins over the configuration.';
comment on column sluicegate.limits.name is 'A pipe, a kind or a user; * for every user who has no limit of their own.';
comment on column sluicegate.limits.rate_per_second is 'Most starts per second; infinity for no limit, null where nothing is said.';
comment on column sluicegate.limits.in_flight_max is 'Most jobs claimed at once; 2147483647 for no limit, null where nothing is said. For a pipe: most items at once in each process.';
comment on column sluicegate.limits.command_id is 'The newest command that set it.';
comment on column sluicegate.limits.scope is 'pipe, kind or user.';
comment on column sluicegate.limits.set_by is 'config or command.';
comment on column sluicegate.limits.set_at is 'When.';

-- The rate and the cap of each kind and each user among these that has one: a command wins over the
-- configuration, and what is said of a user over what is said of every user ('*').
create function sluicegate.limits_of(users text[], kinds text[])
returns table (scope text, name text, rate double precision, cap int)
language sql stable set search_path = sluicegate, pg_temp as $$
    with given as materialized (
        select l.scope, l.name,
               coalesce(max(l.rate_per_second) filter (where l.set_by = 'command'),
                        max(l.rate_per_second)) as rate,
               coalesce(max(l.in_flight_max) filter (where l.set_by = 'command'),
                        max(l.in_flight_max)) as cap
          from limits l where l.scope <> 'pipe' group by l.scope, l.name),
    every as (select g.rate, g.cap from given g where g.scope = 'user' and g.name = '*')
    select 'kind', g.name, coalesce(g.rate, 'infinity'), coalesce(g.cap, 2147483647)
      from given g where g.scope = 'kind' and g.name = any (kinds)
    union all
    select 'user', u.name, coalesce(g.rate, e.rate, 'infinity'), coalesce(g.cap, e.cap, 2147483647)
      from unnest(users) as u (name)
      left join given g on g.scope = 'user' and g.name = u.name
      left join every e on true
     where g.name is not null or e.rate is not null or e.cap is not null
$$;
comment on function sluicegate.limits_of is 'For the daemon: the rate and the cap of each of these users and kinds that has one.';

create unlogged table sluicegate.budgets (
    scope text not null,
    name  text not null,
    rate  double precision not null,
    due   timestamptz not null,
    primary key (scope, name)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
comment on table sluicegate.budgets is 'When the next start under a rate is due. Begins afresh after a crash of the server, without a burst.';
comment on column sluicegate.budgets.scope is 'pipe, kind or user.';
comment on column sluicegate.budgets.name is 'Which one.';
comment on column sluicegate.budgets.rate is 'Starts per second.';
comment on column sluicegate.budgets.due is 'When the next start is due.';

create table sluicegate.queue (
    job_id       bigint primary key,
    lane_id      bigint not null,
    bundle_id    uuid,
    fence        bigint not null default 0,
    run_at       timestamptz not null,
    claimed_at   timestamptz,
    started_at   timestamptz,
    deadline     timestamptz,
    worker       int,
    attempt      int not null default 0,
    failures     int not null default 0,
    max_failures int not null,
    crashes      smallint not null default 0,
    orphaned     smallint not null default 0,
    state        smallint not null check (state between 0 and 2),
    delayed      boolean not null generated always as (state = 2) stored,
    check ((state = 1) = (worker is not null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
-- A claim changes no column of an index, nor of its condition, and finds room for the new row in the
-- same page: it touches no index. Claimed jobs are found by the bounds that their lane keeps; those that
-- run long enough for a start mark have an index.
create index queue_in_line on sluicegate.queue (lane_id, job_id) where not delayed;
create index queue_delayed on sluicegate.queue (run_at) where delayed;
create index queue_delayed_of_lane on sluicegate.queue (lane_id, job_id) where delayed;
create index queue_started on sluicegate.queue (job_id) where started_at is not null;
-- Lanes are as uneven as users. Told that a lane has few jobs, views go to it by index; an average over one
-- user with a million and others with ten would have them read the whole queue.
alter table sluicegate.queue alter column lane_id set (n_distinct = -0.05);
comment on table sluicegate.queue is 'Only what is ready (0), claimed (1) or delayed (2). A job that ended is in outcomes.';
comment on column sluicegate.queue.fence is 'Rises at every claim, rescue and release. A write with an older one changes nothing.';
comment on column sluicegate.queue.deadline is 'When the run exceeds its time limit; null until the start mark.';
comment on column sluicegate.queue.attempt is 'How often it was claimed.';
comment on column sluicegate.queue.failures is 'How often it failed by an error of its own.';
comment on column sluicegate.queue.delayed is 'Whether it stands in no line; in place of state in the conditions of indexes.';
comment on column sluicegate.queue.crashes is 'How often the process that ran it died.';
comment on column sluicegate.queue.orphaned is 'How often a process died that held it without having marked its start.';
comment on column sluicegate.queue.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.queue.lane_id is 'Its line.';
comment on column sluicegate.queue.bundle_id is 'Its bundle.';
comment on column sluicegate.queue.run_at is 'Not before; infinity while it is paused.';
comment on column sluicegate.queue.claimed_at is 'When it was claimed.';
comment on column sluicegate.queue.started_at is 'When its run began; null for runs that no tick has seen.';
comment on column sluicegate.queue.worker is 'Who has claimed it.';
comment on column sluicegate.queue.max_failures is 'As in sluicegate.jobs.';
comment on column sluicegate.queue.state is '0 ready, 1 claimed, 2 delayed.';

create table sluicegate.outcomes (
    job_id       bigint primary key,
    fence        bigint not null,
    attempt      int not null,
    failures     int not null,
    status       smallint not null check (status between 1 and 3),
    worker       int,
    claimed_at   timestamptz,
    started_at   timestamptz,
    ended_at     timestamptz not null default clock_timestamp(),
    error_class  text,
    error        text,
    output       jsonb
);
create index outcomes_not_completed on sluicegate.outcomes (status) where status <> 1;
create index outcomes_failed on sluicegate.outcomes (ended_at desc) where status = 2;
create index outcomes_by_time on sluicegate.outcomes using brin (ended_at);
comment on table sluicegate.outcomes is 'How each ended job ended: 1 completed, 2 failed, 3 cancelled. The primary key holds at most one per job; a retry moves it to failed_attempts.';
comment on column sluicegate.outcomes.fence is 'Fence of the claim that wrote the end; one above it where somebody else ended the job.';
comment on column sluicegate.outcomes.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.outcomes.attempt is 'How often it had been claimed.';
comment on column sluicegate.outcomes.failures is 'How often it had failed.';
comment on column sluicegate.outcomes.status is '1 completed, 2 failed, 3 cancelled.';
comment on column sluicegate.outcomes.worker is 'Who had claimed it last.';
comment on column sluicegate.outcomes.claimed_at is 'When it was claimed last.';
comment on column sluicegate.outcomes.started_at is 'When its last run began.';
comment on column sluicegate.outcomes.ended_at is 'When it ended.';
comment on column sluicegate.outcomes.error_class is 'What kind of error, one word.';
comment on column sluicegate.outcomes.error is 'What went wrong, in words.';
comment on column sluicegate.outcomes.output is 'What the kind returns.';

create table sluicegate.tallies (
    kind      text not null,
    ended_at  timestamptz not null default clock_timestamp(),
    completed int not null,
    failed    int not null,
    cancelled int not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table sluicegate.tallies is 'Ends of the last minutes, a row per batch and kind, so that nobody counts outcomes.';
comment on column sluicegate.tallies.kind is 'Of which kind.';
comment on column sluicegate.tallies.ended_at is 'When the batch was written.';
comment on column sluicegate.tallies.completed is 'How many succeeded.';
comment on column sluicegate.tallies.failed is 'How many failed for good.';
comment on column sluicegate.tallies.cancelled is 'How many were cancelled.';

create table sluicegate.tally_minutes (
    kind      text not null,
    minute    timestamptz not null,
    completed bigint not null,
    failed    bigint not null,
    cancelled bigint not null
);
comment on table sluicegate.tally_minutes is 'Ends of the last day, a row per minute and kind.';
comment on column sluicegate.tally_minutes.kind is 'Of which kind.';
comment on column sluicegate.tally_minutes.minute is 'Begin of the minute.';
comment on column sluicegate.tally_minutes.completed is 'How many succeeded.';
comment on column sluicegate.tally_minutes.failed is 'How many failed for good.';
comment on column sluicegate.tally_minutes.cancelled is 'How many were cancelled.';

create table sluicegate.failed_attempts (
    job_id      bigint not null,
    attempt     int not null,
    worker      int,
    ended_at    timestamptz not null default clock_timestamp(),
    error_class text not null,
    error       text not null,
    primary key (job_id, attempt)
);
comment on table sluicegate.failed_attempts is 'Runs that ended badly and were tried again: errors and dead workers.';
comment on column sluicegate.failed_attempts.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.failed_attempts.attempt is 'Which claim of it.';
comment on column sluicegate.failed_attempts.worker is 'Who ran it.';
comment on column sluicegate.failed_attempts.ended_at is 'When that run ended.';
comment on column sluicegate.failed_attempts.error_class is 'What kind of error, one word; crashed: its process died.';
comment on column sluicegate.failed_attempts.error is 'What went wrong, in words.';

create table sluicegate.bundle_deltas (
    bundle_id uuid not null,
    completed int not null default 0,
    failed    int not null default 0,
    cancelled int not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index bundle_deltas_of_bundle on sluicegate.bundle_deltas (bundle_id);
comment on table sluicegate.bundle_deltas is 'News for bundles, appended with each batch of outcomes, folded by the roll-up.';
comment on column sluicegate.bundle_deltas.bundle_id is 'The bundle.';
comment on column sluicegate.bundle_deltas.completed is 'How many more succeeded.';
comment on column sluicegate.bundle_deltas.failed is 'How many more failed for good.';
comment on column sluicegate.bundle_deltas.cancelled is 'How many more were cancelled.';

create unlogged table sluicegate.progress (
    job_id     bigint primary key,
    fence      bigint not null,
    percent    double precision not null,
    stall_ms   bigint,
    updated_at timestamptz not null default clock_timestamp(),
    checkpoint          bytea,
    checkpoint_key      text,
    checkpoint_failures int
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
-- Out of the way of the ticks, which then do not copy it; numbers do not compress.
alter table sluicegate.progress alter column checkpoint set storage external;
comment on table sluicegate.progress is 'Newest progress of running jobs; one statement per process and tick.';
comment on column sluicegate.progress.checkpoint is 'What another run of the job goes on from after an interruption; gone with a crash of the server, as the whole table.';
comment on column sluicegate.progress.checkpoint_key is 'Variant, candles and versions: only the same run goes on from it.';
comment on column sluicegate.progress.checkpoint_failures is 'Failures of the job when it was kept: after one more it counts no longer.';
comment on column sluicegate.progress.stall_ms is 'The run counts as stalled when nothing moved for so long; null: not watched.';
comment on column sluicegate.progress.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.progress.fence is 'Of which claim.';
comment on column sluicegate.progress.percent is '0 to 100.';
comment on column sluicegate.progress.updated_at is 'When it last moved.';
