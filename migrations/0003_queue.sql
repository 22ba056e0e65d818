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
    has_ready   boolean not null default false,
    low_id      bigint not null default 0,
    unique (user_id, kind, priority)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index lanes_with_work on sluicegate.lanes (priority desc) where has_ready;
comment on table sluicegate.lanes is 'One row per user, kind and priority. Claims lock it, so caps are exact and shares fair.';
comment on column sluicegate.lanes.weight is 'Share relative to other lanes of the same priority.';
comment on column sluicegate.lanes.running_max is 'At most this many jobs claimed at once.';
comment on column sluicegate.lanes.paused is 'Nothing is claimed while true.';
comment on column sluicegate.lanes.vtime is 'Virtual time: jobs served divided by weight. The least-served lane goes first.';
comment on column sluicegate.lanes.running is 'Claimed jobs, as far as deltas have been folded.';
comment on column sluicegate.lanes.has_ready is 'Whether a ready job may be there.';
comment on column sluicegate.lanes.low_id is 'Watermark: no ready job of the lane has a smaller id.';

create table sluicegate.lane_deltas (
    lane_id  bigint not null,
    released int not null,
    low_id   bigint
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table sluicegate.lane_deltas is 'News for lanes, folded by the next claim: places given back, and the smallest id made ready.';

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
    check ((state = 1) = (worker is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
create index queue_ready on sluicegate.queue (lane_id, job_id) where state = 0;
create index queue_claimed on sluicegate.queue (worker) where state = 1;
create index queue_delayed on sluicegate.queue (run_at) where state = 2;
comment on table sluicegate.queue is 'Only what is ready (0), claimed (1) or delayed (2). A job that ended is in outcomes.';
comment on column sluicegate.queue.fence is 'Rises at every claim, rescue and release. A write with an older one changes nothing.';
comment on column sluicegate.queue.deadline is 'When the run exceeds its time limit; null until the start mark.';
comment on column sluicegate.queue.attempt is 'How often it was claimed.';
comment on column sluicegate.queue.failures is 'How often it failed by an error of its own.';
comment on column sluicegate.queue.crashes is 'How often the process that ran it died.';
comment on column sluicegate.queue.orphaned is 'How often a process died that held it without having marked its start.';

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
create index outcomes_by_time on sluicegate.outcomes using brin (ended_at);
comment on table sluicegate.outcomes is 'How each ended job ended: 1 completed, 2 failed, 3 cancelled. The primary key holds at most one per job; a retry moves it to failed_attempts.';
comment on column sluicegate.outcomes.fence is 'Fence of the claim that wrote the end; one above it where somebody else ended the job.';

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

create table sluicegate.bundle_deltas (
    bundle_id uuid not null,
    completed int not null default 0,
    failed    int not null default 0,
    cancelled int not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index bundle_deltas_of_bundle on sluicegate.bundle_deltas (bundle_id);
comment on table sluicegate.bundle_deltas is 'News for bundles, appended with each batch of outcomes, folded by the roll-up.';

create unlogged table sluicegate.progress (
    job_id     bigint primary key,
    fence      bigint not null,
    percent    double precision not null,
    stall_ms   bigint,
    updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table sluicegate.progress is 'Newest progress of running jobs; one statement per process and tick.';
comment on column sluicegate.progress.stall_ms is 'The run counts as stalled when nothing moved for so long; null: not watched.';
