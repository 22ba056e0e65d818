//! The wiring: every pipe and every kind, one line each.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::candles::{
    AnySource, CacheOptions, CandleCache, DiskOptions, FileSource, InfluxSource, TrustRules,
};
use crate::consumers::bundle_closing::{BundleClosingConsumer, ClosingLimits};
use crate::consumers::bundle_expansion::{BundleExpansionConsumer, ExpansionLimits};
use crate::consumers::bundle_rollup::BundleRollupConsumer;
use crate::consumers::command::{CommandConsumer, LimitRules};
use crate::consumers::dead_job_canceller::DeadJobCancellerConsumer;
use crate::consumers::outcome::{OutcomeConsumer, RetryDelays};
use crate::consumers::pending_job::PendingJobConsumer;
use crate::consumers::progress::ProgressConsumer;
use crate::domain::time::DAY_MS;
use crate::kinds::backtest::{BacktestKind, Preparer, SharedLimits, Validate, Validator};
use crate::kinds::outage::Outage;
use crate::kinds::sleep::SleepKind;
use crate::kinds::walk_forward::WalkForwardKind;
use crate::kinds::{Kinds, Limits};
use crate::metrics::{JobMetrics, Metrics};
use crate::pipeline::{Governor, Pipes, Slots, StopSettings};
use crate::publishers::bundle_closing::BundleClosingPublisher;
use crate::publishers::bundle_expansion::BundleExpansionPublisher;
use crate::publishers::bundle_rollup::BundleRollupPublisher;
use crate::publishers::command::CommandPublisher;
use crate::publishers::dead_job_canceller::DeadJobCancellerPublisher;
use crate::publishers::pending_job::PendingJobPublisher;
use crate::publishers::progress::ProgressPublisher;
use crate::settings::{CandleSettings, CandleSourceName, KindSettings, PipesSettings, Settings};
use crate::store::Store;
use crate::worker::{PipeBudget, Wakes, Worker};

/// The claims of `pending_job`, as something that has a rate.
const CLAIMS: &str = "pending_job.claims";

/// What a daemon computes with.
pub struct Compute {
    /// All kinds of jobs it runs.
    pub kinds: Kinds,
    /// Whether its candles answer.
    pub outage: Outage,
    slots: Arc<Slots>,
    validate: Validate,
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compute").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// Pipes that go slowly when the database is to be spared. Leases, rescues, commands and progress never do.
const SLOWED: [&str; 5] =
    ["pending_job", "outcome", "bundle_expansion", "bundle_rollup", "bundle_closing"];

/// Builds all pipes of a daemon; nothing runs yet.
#[must_use]
pub fn pipes(
    settings: &Settings,
    store: &Store,
    worker: &Worker,
    compute: &Compute,
    metrics: &Metrics,
) -> Pipes {
    let wakes = Wakes::default();
    let stop =
        StopSettings { drain_ms: worker.settings().drain_ms, abort_ms: worker.settings().abort_ms };
    let mut pipes = Pipes::new(stop);
    add_job_pipes(&mut pipes, settings, store, worker, &wakes, &compute.kinds, metrics.jobs());
    add_bundle_pipes(&mut pipes, settings, store, worker, &wakes, compute);
    let command = &settings.pipes.command;
    pipes.add(
        "command",
        &command.pipe(),
        CommandPublisher::new(store),
        CommandConsumer::new(store, worker, &wakes, limit_rules(settings, &compute.kinds)),
    );
    for (name, _) in settings.pipes.by_name() {
        if let Some(wake) = pipes.wake(name) {
            wakes.insert(name, wake);
        }
    }
    for (name, governor) in governors(&pipes, settings) {
        // Claims are of the cluster where starts are.
        let pipe = name.strip_suffix(".claims").unwrap_or(name);
        if settings.pipes.of_cluster().any(|of_cluster| of_cluster == pipe) {
            governor.draw_from(Arc::new(PipeBudget::new(store, name)));
        }
        worker.limits().govern(name, &governor);
    }
    for name in SLOWED {
        if let Some(governor) = pipes.governor(name) {
            governor.follow(worker.guard().throttle());
        }
    }
    add_tasks(&mut pipes, worker, wakes);
    metrics.show_pipes(pipes.status());
    metrics.show_guard(worker.guard());
    let (guard, watched, settings) = (worker.guard().clone(), store.clone(), settings.guard);
    pipes.add_task("guard", move |shutdown| guard.watch(watched, settings, shutdown));
    pipes
}

/// Everything whose pace can be changed while it runs, under its name.
fn governors(pipes: &Pipes, settings: &Settings) -> Vec<(&'static str, Governor)> {
    let pipes_by_name = settings.pipes.by_name();
    let of_starts =
        pipes_by_name.iter().filter_map(|(name, _)| Some((*name, pipes.governor(name)?)));
    let of_claims = pipes.claims_governor("pending_job").map(|governor| (CLAIMS, governor));
    of_starts.chain(of_claims).collect()
}

/// Who may set limits, and of what.
fn limit_rules(settings: &Settings, kinds: &Kinds) -> LimitRules {
    let pipes = settings.pipes.by_name().into_iter().map(|(name, _)| name);
    LimitRules {
        operators: settings.commands.operators.clone(),
        pipes: pipes.chain([CLAIMS]).collect(),
        kinds: kinds.names(),
    }
}

/// Jobs: run, watched, ended.
fn add_job_pipes(
    pipes: &mut Pipes,
    settings: &Settings,
    store: &Store,
    worker: &Worker,
    wakes: &Wakes,
    kinds: &Kinds,
    metrics: &JobMetrics,
) {
    let PipesSettings { pending_job, dead_job_canceller, outcome, progress, .. } = &settings.pipes;
    let delays =
        RetryDelays { retry_base_ms: outcome.retry_base_ms, retry_max_ms: outcome.retry_max_ms };
    let (silence_ms, grace_ms) =
        (ms(dead_job_canceller.silence_ms), ms(dead_job_canceller.grace_ms));
    let outcomes = pipes.add_fed(
        "outcome",
        &outcome.pipe(),
        &outcome.batch(),
        OutcomeConsumer::new(store, worker, wakes, delays, metrics),
    );
    pipes.add(
        "pending_job",
        &pending_job.pipe(),
        PendingJobPublisher::new(store, worker, wakes, kinds.with_slot()),
        PendingJobConsumer::new(store, worker, wakes, kinds, outcomes, metrics),
    );
    pipes.add_batched(
        "dead_job_canceller",
        &dead_job_canceller.pipe(),
        &dead_job_canceller.batch(),
        DeadJobCancellerPublisher::new(store, worker, silence_ms, grace_ms),
        DeadJobCancellerConsumer::new(
            store,
            worker,
            wakes,
            dead_job_canceller.crashes_max,
            metrics,
        ),
    );
    pipes.add_batched(
        "progress",
        &progress.pipe(),
        &progress.batch(),
        ProgressPublisher::new(worker),
        ProgressConsumer::new(store, worker),
    );
}

/// Bundles: expanded, rolled up, closed.
fn add_bundle_pipes(
    pipes: &mut Pipes,
    settings: &Settings,
    store: &Store,
    worker: &Worker,
    wakes: &Wakes,
    compute: &Compute,
) {
    let PipesSettings { bundle_expansion, bundle_rollup, bundle_closing, .. } = &settings.pipes;
    let (expansion, closing) = (expansion_limits(settings), closing_limits(settings));
    pipes.add(
        "bundle_expansion",
        &bundle_expansion.pipe(),
        BundleExpansionPublisher::new(store, worker, expansion.hold_ms),
        BundleExpansionConsumer::new(store, worker, wakes, expansion),
    );
    pipes.add(
        "bundle_rollup",
        &bundle_rollup.pipe(),
        BundleRollupPublisher::new(store, bundle_rollup.spacing_ms),
        BundleRollupConsumer::new(store, wakes),
    );
    let (validate, slots) = (Arc::clone(&compute.validate), Arc::clone(&compute.slots));
    pipes.add(
        "bundle_closing",
        &bundle_closing.pipe(),
        BundleClosingPublisher::new(store, worker, ms(closing.hold_ms)),
        BundleClosingConsumer::new(store, worker, validate, slots, closing),
    );
}

fn expansion_limits(settings: &Settings) -> ExpansionLimits {
    ExpansionLimits {
        jobs_max: settings.bundles.max_jobs,
        batch_jobs: settings.bundles.expansion_batch_jobs,
        hold_ms: ms(settings.bundles.expansion_hold_ms),
    }
}

fn closing_limits(settings: &Settings) -> ClosingLimits {
    ClosingLimits {
        ranks: settings.bundles.ranks,
        returns_bytes_max: settings.bundles.returns_mb_max << 20,
        hold_ms: settings.bundles.closing_hold_ms,
    }
}

/// What lives as long as the process: its lease and its session.
fn add_tasks(pipes: &mut Pipes, worker: &Worker, wakes: Wakes) {
    let (leaseholder, session, heard) = (worker.clone(), worker.clone(), wakes.clone());
    pipes.add_task("lease", |shutdown| leaseholder.keep_lease(shutdown, wakes));
    pipes.add_task("session", |shutdown| session.keep_session(shutdown, heard));
}

/// Starts what computes.
///
/// # Errors
/// The threads for computing cannot be started.
pub fn compute(settings: &Settings) -> anyhow::Result<Compute> {
    let slots = NonZeroUsize::new(settings.worker.slot_count()).unwrap_or(NonZeroUsize::MIN);
    let slots = Arc::new(Slots::new(slots).context("start the slots")?);
    let KindSettings { backtest, walk_forward, sleep } = settings.kinds;
    let limits = |timeout, stall| Limits { timeout_ms: ms(timeout), stall_ms: Some(ms(stall)) };
    let one = limits(backtest.timeout_ms, backtest.stall_ms);
    let walk = limits(walk_forward.timeout_ms, walk_forward.stall_ms);
    let slice = backtest.slice_candles;
    let outage = Outage::default();
    let preparer = Arc::new(preparer(settings, slots.count().get(), &outage)?);
    let validator = Validator::new(Arc::clone(&preparer), Arc::clone(&slots), slice);
    let kinds = Kinds::new()
        .with(BacktestKind::new(Arc::clone(&preparer), Arc::clone(&slots), one, slice))
        .with(WalkForwardKind::new(preparer, Arc::clone(&slots), walk, slice))
        .with(SleepKind::new(ms(sleep.timeout_ms)));
    Ok(Compute { kinds, outage, slots, validate: validator.into_validate() })
}

/// What loads and shares candles for backtests on this many threads, and says in `outage` when they do
/// not answer.
///
/// # Errors
/// The source's settings cannot be.
pub fn preparer(
    settings: &Settings,
    slots: usize,
    outage: &Outage,
) -> anyhow::Result<Preparer<AnySource>> {
    let CandleSettings { disk, cache_mb_max, cache_days_max, .. } = &settings.candles;
    let recheck = Duration::from_millis(settings.candles.recheck_interval_ms);
    let is_on_disk = !disk.dir.as_os_str().is_empty();
    let options = CacheOptions {
        trust: TrustRules {
            fresh_ms: ms(settings.candles.fresh_ms),
            settle_ms: ms(settings.candles.settle_ms),
            keep_ms: i64::from(*cache_days_max) * DAY_MS,
        },
        disk: is_on_disk
            .then(|| DiskOptions { dir: disk.dir.clone(), bytes_max: disk.mb_max << 20 }),
        ..CacheOptions::new(cache_mb_max << 20, recheck)
    };
    let candles = Arc::new(CandleCache::new(candle_source(settings)?, options));
    let backtest = settings.kinds.backtest;
    let shared = SharedLimits {
        windows_mb_max: backtest.windows_mb_max,
        series_mb_max: backtest.series_mb_max,
    };
    let patience = Duration::from_millis(backtest.stall_ms);
    Ok(Preparer::new(candles, slots, patience, shared, outage))
}

/// Where candles are read from.
///
/// # Errors
/// The source's settings cannot be.
pub fn candle_source(settings: &Settings) -> anyhow::Result<AnySource> {
    let candles = &settings.candles;
    Ok(match candles.source {
        CandleSourceName::Files => AnySource::Files(FileSource::new(candles.files.dir.clone())),
        CandleSourceName::Influx => AnySource::Influx(InfluxSource::new(&candles.influx)?),
    })
}

fn ms(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
