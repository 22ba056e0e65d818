-- What users insert: bundles, jobs and commands; and where their answers are kept.

create table sluicegate.bundles (
    id                        uuid primary key default gen_random_uuid(),
    user_id                   text not null,
    name                      text,
    priority                  int not null default 0,
    universal_config          jsonb not null default '{}',
    ticker_variants           jsonb not null,
    date_ranges               jsonb not null,
    scenario_variants         jsonb not null,
    money_management_variants jsonb not null default '[{}]',
    run_at                    timestamptz not null default now(),
    dedupe_key                text,
    traceparent               text,

    status       text not null default 'pending',
    total        int,
    left_out     bigint not null default 0,
    completed    int not null default 0,
    failed       int not null default 0,
    cancelled    int not null default 0,
    progress     double precision not null default 0,
    error        text,
    summary      jsonb,
    created_at   timestamptz not null default now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    cancelled_at timestamptz,
    paused       boolean not null default false,

    expanded       int not null default 0,
    expander       bigint,
    expander_until timestamptz,
    closings       smallint not null default 0,

    speed_from_at    timestamptz,
    speed_from_ended int not null default 0,
    speed_next_at    timestamptz,
    speed_next_ended int not null default 0,

    constraint bundles_user_id_is_1_to_200_characters check (length(user_id) between 1 and 200),
    constraint bundles_name_is_at_most_200_characters check (length(name) <= 200),
    constraint bundles_dedupe_key_is_1_to_200_characters check (length(dedupe_key) between 1 and 200),
    constraint bundles_traceparent_is_at_most_100_characters check (length(traceparent) <= 100),
    constraint bundles_json_is_at_most_four_megabytes check (
        pg_column_size(universal_config) + pg_column_size(ticker_variants) + pg_column_size(date_ranges)
        + pg_column_size(scenario_variants) + pg_column_size(money_management_variants) <= 4194304),
    constraint bundles_priority_is_within_a_million check (priority between -1000000 and 1000000),
    constraint bundles_status_is_known check (status in
        ('pending', 'expanding', 'running', 'completed', 'failed', 'cancelled', 'rejected')),
    constraint bundles_counts_fit_total check
        (completed >= 0 and failed >= 0 and cancelled >= 0 and expanded >= 0
         and (total is null or (completed + failed + cancelled <= total and expanded <= total)))
) with (fillfactor = 80);

create unique index bundles_open_dedupe_key on sluicegate.bundles (user_id, dedupe_key)
    where dedupe_key is not null and status in ('pending', 'expanding', 'running');
create index bundles_to_expand on sluicegate.bundles (priority desc, created_at)
    where status in ('pending', 'expanding');
create index bundles_running on sluicegate.bundles (id) where status = 'running';
create index bundles_by_time on sluicegate.bundles (created_at desc);
create index bundles_of_user on sluicegate.bundles (user_id, created_at desc);

comment on table sluicegate.bundles is 'A request for many backtests: one row is one bundle. INSERT here; read sluicegate.bundle_status.';
comment on column sluicegate.bundles.id is 'A client may choose it; inserting the same id twice is a unique violation.';
comment on column sluicegate.bundles.user_id is 'Who asks. Fairness and per-user views go by it.';
comment on column sluicegate.bundles.name is 'Free label.';
comment on column sluicegate.bundles.priority is 'Higher runs sooner.';
comment on column sluicegate.bundles.universal_config is 'What all variants share: timeframe, balance, fees, fill, keep, limits, seed.';
comment on column sluicegate.bundles.ticker_variants is 'JSON array: "NASDAQ" or {"ticker": "SP500", "timeframe": "1d"}.';
comment on column sluicegate.bundles.date_ranges is 'JSON array: {"from": "2024-01-01", "until": "2024-07-01"} (half-open, UTC) or {"last": "365d"}.';
comment on column sluicegate.bundles.scenario_variants is 'JSON array: {"preset": "sma_cross", "params": {"fast": [8, 10], "slow": {"from": 20, "to": 60, "step": 5}}}.';
comment on column sluicegate.bundles.money_management_variants is 'JSON array: {"size": {"units": 100}, "stop_loss_pct": [null, 2], "take_profit_pct": 4}.';
comment on column sluicegate.bundles.run_at is 'Not before.';
comment on column sluicegate.bundles.dedupe_key is 'Unique per user while the bundle is open.';
comment on column sluicegate.bundles.traceparent is 'The trace it is part of, as the W3C writes it: its jobs go on with it where traces are sent.';
comment on column sluicegate.bundles.status is 'pending, expanding, running, then completed (at least one job succeeded), failed (none did), cancelled or rejected.';
comment on column sluicegate.bundles.total is 'Number of jobs; null until the bundle has been read.';
comment on column sluicegate.bundles.left_out is 'Combinations left out because a "where" or the order of parameters refused them.';
comment on column sluicegate.bundles.completed is 'Jobs that succeeded, as far as rolled up.';
comment on column sluicegate.bundles.failed is 'Jobs that failed for good, as far as rolled up.';
comment on column sluicegate.bundles.cancelled is 'Jobs that were cancelled, as far as rolled up.';
comment on column sluicegate.bundles.progress is 'Ended jobs in percent, 0 to 100.';
comment on column sluicegate.bundles.error is 'Why it was rejected: JSON path, what was found, what is allowed. Or, where no job succeeded, how the first one failed.';
comment on column sluicegate.bundles.summary is 'The ranking: best variants and their metrics; what the variants show together, and a verdict in words; written when the bundle ends.';
comment on column sluicegate.bundles.created_at is 'When it was inserted.';
comment on column sluicegate.bundles.started_at is 'When it had been read and its first jobs were about to be inserted.';
comment on column sluicegate.bundles.finished_at is 'When it ended as completed, failed or rejected.';
comment on column sluicegate.bundles.cancelled_at is 'When a command cancelled it; its jobs end soon after.';
comment on column sluicegate.bundles.paused is 'Whether a command keeps its jobs from starting.';
comment on column sluicegate.bundles.expanded is 'How many of its jobs have been inserted.';
comment on column sluicegate.bundles.expander is 'The worker that expands it, or closes it after its last job.';
comment on column sluicegate.bundles.expander_until is 'Until when that worker is trusted to; another one goes on afterwards.';
comment on column sluicegate.bundles.closings is 'How often a worker began to close it and did not give it back.';
comment on column sluicegate.bundles.speed_from_at is 'Since when its speed is measured: half a minute and ten ended jobs back at least; null: since started_at.';
comment on column sluicegate.bundles.speed_from_ended is 'Jobs that had ended then.';
comment on column sluicegate.bundles.speed_next_at is 'Since when its speed will be measured next.';
comment on column sluicegate.bundles.speed_next_ended is 'Jobs that had ended then.';

create table sluicegate.jobs (
    id           bigint generated always as identity primary key,
    bundle_id    uuid,
    seq          int,
    user_id      text not null,
    kind         text not null default 'backtest',
    priority     int not null default 0,
    spec         jsonb not null,
    run_at       timestamptz not null default now(),
    max_failures int not null default 3,
    timeout_s    int,
    traceparent  text,
    created_at   timestamptz not null default now(),
    constraint jobs_user_id_is_1_to_200_characters check (length(user_id) between 1 and 200),
    constraint jobs_kind_is_1_to_100_characters check (length(kind) between 1 and 100),
    constraint jobs_priority_is_within_a_million check (priority between -1000000 and 1000000),
    constraint jobs_traceparent_is_at_most_100_characters check (length(traceparent) <= 100),
    constraint jobs_spec_is_at_most_a_megabyte check (pg_column_size(spec) <= 1048576),
    constraint jobs_max_failures_is_1_to_1000 check (max_failures between 1 and 1000),
    constraint jobs_timeout_s_is_1_second_to_30_days check (timeout_s between 1 and 2592000),
    constraint jobs_seq_comes_with_bundle_id check ((bundle_id is null) = (seq is null))
);
create unique index jobs_of_bundle on sluicegate.jobs (bundle_id, seq) where bundle_id is not null;

comment on table sluicegate.jobs is 'One unit of work, never updated. Bundles insert theirs; a user may insert one directly. Read sluicegate.job_status.';
comment on column sluicegate.jobs.id is 'Its number, rising with the order of the inserts.';
comment on column sluicegate.jobs.bundle_id is 'Set by the expander.';
comment on column sluicegate.jobs.seq is 'Number of the variant within its bundle, from 0. Set by the expander.';
comment on column sluicegate.jobs.user_id is 'Who asks.';
comment on column sluicegate.jobs.kind is 'What to do: backtest, walk_forward or sleep.';
comment on column sluicegate.jobs.priority is 'Higher runs sooner. Equal priority: fair between users, then oldest first.';
comment on column sluicegate.jobs.spec is 'One concrete variant, or what the kind takes.';
comment on column sluicegate.jobs.run_at is 'Not before.';
comment on column sluicegate.jobs.max_failures is 'A job that failed this often is failed for good.';
comment on column sluicegate.jobs.timeout_s is 'Limit on one run in seconds; null takes the limit of the kind.';
comment on column sluicegate.jobs.traceparent is 'The trace it is part of, as the W3C writes it.';
comment on column sluicegate.jobs.created_at is 'When it was inserted.';

create table sluicegate.commands (
    id         bigint generated always as identity primary key,
    user_id    text not null,
    action     text not null,
    bundle_id  uuid,
    job_id     bigint,
    args       jsonb not null default '{}',
    created_at timestamptz not null default now(),
    affected   int not null default 0,
    applied_at timestamptz,
    outcome    text,
    constraint commands_user_id_is_1_to_200_characters check (length(user_id) between 1 and 200),
    constraint commands_action_is_1_to_100_characters check (length(action) between 1 and 100),
    constraint commands_name_a_bundle_or_a_job_not_both check (bundle_id is null or job_id is null)
);
create index commands_to_apply on sluicegate.commands (id) where applied_at is null;

comment on table sluicegate.commands is 'Orders to the daemon, by INSERT: cancel, pause or resume a job, a bundle, or with neither id everything of the user; retry or reprioritise a job or a bundle.';
comment on column sluicegate.commands.id is 'Its number.';
comment on column sluicegate.commands.user_id is 'Whose bundles and jobs the command may reach.';
comment on column sluicegate.commands.action is 'cancel, pause, resume, retry or reprioritise.';
comment on column sluicegate.commands.bundle_id is 'The bundle it is about.';
comment on column sluicegate.commands.job_id is 'The job it is about.';
comment on column sluicegate.commands.args is 'What the action needs besides: reprioritise takes {"priority": n}.';
comment on column sluicegate.commands.created_at is 'When it was inserted.';
comment on column sluicegate.commands.affected is 'Jobs reached so far.';
comment on column sluicegate.commands.applied_at is 'When it had taken effect; null until then.';
comment on column sluicegate.commands.outcome is 'What the daemon did, or why not.';

create table sluicegate.results (
    job_id                   bigint primary key,
    bundle_id                uuid,
    ticker                   text not null,
    timeframe                text not null,
    from_time                timestamptz not null,
    until_time               timestamptz not null,
    scenario                 jsonb not null,
    money_management         jsonb not null,
    final_equity             double precision not null,
    total_return             double precision not null,
    buy_and_hold_return      double precision,
    cagr                     double precision,
    volatility               double precision,
    sharpe                   double precision,
    sortino                  double precision,
    psr                      double precision,
    max_drawdown             double precision not null,
    max_drawdown_intrabar    double precision,
    calmar                   double precision,
    profit_factor            double precision,
    win_rate                 double precision,
    expectancy_r             double precision,
    sqn                      double precision,
    trade_count              int not null,
    exposure                 double precision not null,
    fees                     double precision not null,
    funding                  double precision,
    candles                  int not null,
    metrics                  jsonb not null,
    candle_report            jsonb not null,
    candle_digest            text not null,
    result_digest            text not null,
    engine_version           int not null,
    metrics_version          int not null,
    variant_digest           text,
    reused_from              bigint,
    run_ms                   double precision not null,
    trades                   jsonb,
    equity                   jsonb,
    daily_returns            bytea,
    validation               jsonb,
    created_at               timestamptz not null default clock_timestamp()
);
-- Long lists: lz4 takes a quarter of the default's time. A server built without it keeps the default.
do $$ begin
    alter table sluicegate.results
        alter column trades set compression lz4, alter column equity set compression lz4;
exception when feature_not_supported then null;
end $$;
-- Returns do not compress.
alter table sluicegate.results alter column daily_returns set storage external;
create index results_by_variant on sluicegate.results using hash (variant_digest);
create index results_ranked on sluicegate.results
    (bundle_id, sharpe desc nulls last, total_return desc, job_id);

comment on table sluicegate.results is 'One row per finished backtest. Metrics that have no meaning are null; metrics.undefined says why.';
comment on column sluicegate.results.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.results.bundle_id is 'Its bundle; null for a job inserted directly.';
comment on column sluicegate.results.ticker is 'What was traded.';
comment on column sluicegate.results.timeframe is 'Length of one candle, 1m to 1w.';
comment on column sluicegate.results.from_time is 'Begin of the range that was tested, included.';
comment on column sluicegate.results.until_time is 'End of the range that was tested, excluded.';
comment on column sluicegate.results.scenario is 'The scenario with its parameters, all single values.';
comment on column sluicegate.results.money_management is 'The money management, all single values.';
comment on column sluicegate.results.final_equity is 'Equity after the last candle, account currency.';
comment on column sluicegate.results.total_return is 'final_equity / balance - 1.';
comment on column sluicegate.results.buy_and_hold_return is 'total_return of buying with the whole balance at the first possible fill and selling at the end, same fees and slippage; null under 2 candles.';
comment on column sluicegate.results.cagr is 'Compound annual growth rate, 0.1 is 10 %; null under 30 days.';
comment on column sluicegate.results.volatility is 'Standard deviation of daily returns, times sqrt(days per year: 365 unless asked otherwise).';
comment on column sluicegate.results.sharpe is 'mean / standard deviation of daily returns, times sqrt(days per year).';
comment on column sluicegate.results.sortino is 'mean / downside deviation of daily returns, times sqrt(days per year).';
comment on column sluicegate.results.psr is 'Probability, 0 to 1, that the true Sharpe ratio is above 0, had this been the only variant tried; null under 30 days.';
comment on column sluicegate.results.max_drawdown is 'Largest fall from a peak of equity on closes, 0 to 1.';
comment on column sluicegate.results.max_drawdown_intrabar is 'The same with the worst price of each candle that was held from open to close, 0 to 1.';
comment on column sluicegate.results.calmar is 'cagr / max_drawdown.';
comment on column sluicegate.results.profit_factor is 'Sum of profits / sum of losses, net of fees and funding.';
comment on column sluicegate.results.win_rate is 'Profitable trades / closed trades, 0 to 1.';
comment on column sluicegate.results.expectancy_r is 'Mean profit of a trade in multiples of what its first stop put at risk; null without stops.';
comment on column sluicegate.results.sqn is 'System quality number: sqrt(min(trades, 100)) * mean / standard deviation of trade profits; null under 2 trades.';
comment on column sluicegate.results.trade_count is 'Trades, one cut off by the end of the data included.';
comment on column sluicegate.results.exposure is 'Candles in position / candles, 0 to 1.';
comment on column sluicegate.results.fees is 'All fees, account currency.';
comment on column sluicegate.results.funding is 'Funding paid, account currency; negative if received.';
comment on column sluicegate.results.candles is 'Candles within the range.';
comment on column sluicegate.results.metrics is 'Every metric, and under "undefined" why some are null.';
comment on column sluicegate.results.candle_report is 'What the candles were like: gaps, duplicates, warm-up.';
comment on column sluicegate.results.candle_digest is 'SHA-256 over the candles that were used.';
comment on column sluicegate.results.result_digest is 'SHA-256 over trades and equity: the same job gives the same digest.';
comment on column sluicegate.results.engine_version is 'Rises when the engine would give other trades or equity for the same input.';
comment on column sluicegate.results.metrics_version is 'Rises when a metric would be computed differently.';
comment on column sluicegate.results.variant_digest is 'SHA-256 over the variant, its candles and the versions of engine and metrics: equal digests have equal results.';
comment on column sluicegate.results.reused_from is 'The job that computed this result, where an equal one was stored already; null where this job did.';
comment on column sluicegate.results.run_ms is 'Time the engine took, milliseconds; 0 where the result was reused.';
comment on column sluicegate.results.trades is 'List of {"entry_time", "exit_time", "direction", "entry_price", "exit_price", "quantity", "pnl", "fees", "funding", "slippage", "mae_pct", "mfe_pct", "r", "bars", "ambiguous", "exit_reason"}; null where not kept.';
comment on column sluicegate.results.equity is 'List of [time, equity]; null where not kept.';
comment on column sluicegate.results.daily_returns is 'Return of each UTC day, little-endian: the first day as int4 since 1970-01-01, then one float4 per day (0.01 is 1 %).';
comment on column sluicegate.results.validation is 'How the result was checked: the time kept back from it, and for the best variants of a bundle how they did there, resampled, and against random entries.';
comment on column sluicegate.results.created_at is 'When the row was written.';

create table sluicegate.job_parts (
    job_id     bigint not null,
    attempt    int not null,
    part       int not null,
    progress   double precision not null default 0,
    output     jsonb,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (job_id, attempt, part)
) with (fillfactor = 70);
comment on table sluicegate.job_parts is 'Parallel parts of a job; each part writes its own row.';
comment on column sluicegate.job_parts.job_id is 'The job, as in sluicegate.jobs.';
comment on column sluicegate.job_parts.attempt is 'Which claim of the job wrote it.';
comment on column sluicegate.job_parts.part is 'Number of the part, from 0.';
comment on column sluicegate.job_parts.progress is 'Percent, 0 to 100.';
comment on column sluicegate.job_parts.output is 'What came out of it; null until it is done.';
comment on column sluicegate.job_parts.updated_at is 'When the row was last written.';
