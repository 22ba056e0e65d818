//! The wiring: every pipe and every kind, one line each.

mod compute;

use std::sync::Arc;

pub use self::compute::{Compute, candle_source, compute, preparer};
use crate::consumers::bundle_closing::{BundleClosingConsumer, ClosingLimits};
use crate::consumers::bundle_expansion::{BundleExpansionConsumer, ExpansionLimits};
use crate::consumers::bundle_rollup::BundleRollupConsumer;
use crate::consumers::command::{CommandConsumer, LimitRules};
use crate::consumers::dead_job_canceller::DeadJobCancellerConsumer;
use crate::consumers::outcome::OutcomeConsumer;
use crate::consumers::pending_job::PendingJobConsumer;
use crate::consumers::progress::ProgressConsumer;
use crate::consumers::retention::RetentionConsumer;
use crate::domain::job::RetryDelays;
use crate::kinds::Kinds;
use crate::metrics::{JobMetrics, Metrics};
use crate::overview::Recorder;
use crate::pipeline::{Governor, Pipes, StopSettings};
use crate::publishers::bundle_closing::BundleClosingPublisher;
use crate::publishers::bundle_expansion::BundleExpansionPublisher;
use crate::publishers::bundle_rollup::BundleRollupPublisher;
use crate::publishers::command::CommandPublisher;
use crate::publishers::dead_job_canceller::DeadJobCancellerPublisher;
use crate::publishers::pending_job::PendingJobPublisher;
use crate::publishers::progress::ProgressPublisher;
use crate::publishers::retention::RetentionPublisher;
use crate::settings::{PipesSettings, Settings};
use crate::store::{Kept, Store};
use crate::worker::{PipeBudget, Wakes, Worker};

/// The claims of `pending_job`, as something that has a rate.
const CLAIMS: &str = "pending_job.claims";

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
    let wiring =
        Wiring { settings, store, worker, wakes: &Wakes::default(), compute, jobs: metrics.jobs() };
    let stop =
        StopSettings { drain_ms: worker.settings().drain_ms, abort_ms: worker.settings().abort_ms };
    let mut pipes = Pipes::new(stop);
    wiring.add_job_pipes(&mut pipes);
    wiring.add_bundle_pipes(&mut pipes);
    wiring.add_command(&mut pipes);
    wiring.add_retention(&mut pipes);
    wiring.govern(&pipes);
    wiring.add_tasks(&mut pipes);
    metrics.show_pipes(pipes.status());
    metrics.show_guard(worker.guard());
    metrics.show_store(store);
    metrics.show(compute.figures());
    let recorder = Recorder::new(
        pipes.status(),
        settings.pipes.of_cluster().collect(),
        worker.guard().clone(),
        store.clone(),
        compute.machine(),
    );
    // Numbers and our own names: it cannot fail, and must not cost a renewal.
    let figures = move || serde_json::to_string(&recorder.figures());
    worker.tell(move || figures().unwrap_or_else(|_| "{}".to_owned()));
    pipes
}

/// What pipes are made of.
struct Wiring<'a> {
    settings: &'a Settings,
    store: &'a Store,
    worker: &'a Worker,
    wakes: &'a Wakes,
    compute: &'a Compute,
    jobs: &'a JobMetrics,
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

impl Wiring<'_> {
    /// Jobs: run, watched, ended.
    fn add_job_pipes(&self, pipes: &mut Pipes) {
        let &Self { settings, store, worker, wakes, jobs, .. } = self;
        let (kinds, tracer) = (&self.compute.kinds, &self.compute.tracer);
        let PipesSettings { pending_job, dead_job_canceller, outcome, progress, .. } =
            &settings.pipes;
        let delays =
            RetryDelays { base_ms: ms(outcome.retry_base_ms), max_ms: ms(outcome.retry_max_ms) };
        let (silence_ms, grace_ms) =
            (ms(dead_job_canceller.silence_ms), ms(dead_job_canceller.grace_ms));
        let outcomes = pipes.add_fed(
            "outcome",
            &outcome.pipe(),
            &outcome.batch(),
            OutcomeConsumer::new(store, worker, wakes, delays, jobs).traced(tracer),
        );
        pipes.add(
            "pending_job",
            &pending_job.pipe(),
            PendingJobPublisher::new(store, worker, wakes, kinds.with_slot()),
            PendingJobConsumer::new(store, worker, wakes, kinds, outcomes, jobs).traced(tracer),
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
                jobs,
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
    fn add_bundle_pipes(&self, pipes: &mut Pipes) {
        let &Self { settings, store, worker, wakes, compute, .. } = self;
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
        let (validate, slots) = (compute.validate(), compute.slots());
        pipes.add(
            "bundle_closing",
            &bundle_closing.pipe(),
            BundleClosingPublisher::new(store, worker, ms(closing.hold_ms)),
            BundleClosingConsumer::new(store, worker, validate, slots, closing),
        );
    }

    /// What users order.
    fn add_command(&self, pipes: &mut Pipes) {
        let &Self { settings, store, worker, wakes, compute, .. } = self;
        pipes.add(
            "command",
            &settings.pipes.command.pipe(),
            CommandPublisher::new(store),
            CommandConsumer::new(store, worker, wakes, limit_rules(settings, &compute.kinds)),
        );
    }

    /// What goes when it is old.
    fn add_retention(&self, pipes: &mut Pipes) {
        let &Self { settings, store, worker, .. } = self;
        let section = &settings.pipes.retention;
        let (ages, interval_ms) = (ages(settings), ms(section.poll_interval_ms.get()));
        let batch_max = settings.retention.batch_max;
        #[expect(clippy::cast_precision_loss, reason = "an interval")]
        let interval_ms = interval_ms as f64;
        pipes.add(
            "retention",
            &section.pipe(),
            RetentionPublisher::new(store, ages, interval_ms),
            RetentionConsumer::new(store, worker.guard().throttle(), batch_max),
        );
    }

    /// Connects the pipes with what wakes, limits and slows them.
    fn govern(&self, pipes: &Pipes) {
        let &Self { settings, store, worker, wakes, .. } = self;
        for (name, _) in settings.pipes.by_name() {
            if let Some(wake) = pipes.wake(name) {
                wakes.insert(name, wake);
            }
        }
        for (name, governor) in governors(pipes, settings) {
            // Claims are of the cluster where starts are.
            let pipe = name.strip_suffix(".claims").unwrap_or(name);
            if settings.pipes.of_cluster().any(|of_cluster| of_cluster == pipe) {
                governor.draw_from(Arc::new(PipeBudget::new(store, name)));
            }
            worker.limits().govern(name, &governor);
        }
        for governor in SLOWED.iter().filter_map(|name| pipes.governor(name)) {
            governor.follow(worker.guard().throttle());
        }
    }

    /// What lives as long as the process: its lease, its session and its guard.
    fn add_tasks(&self, pipes: &mut Pipes) {
        let (leaseholder, session, guard) =
            (self.worker.clone(), self.worker.clone(), self.worker.guard().clone());
        let (wakes, heard) = (self.wakes.clone(), self.wakes.clone());
        let (watched, settings) = (self.store.clone(), self.settings.guard);
        pipes.add_task("lease", |shutdown| leaseholder.keep_lease(shutdown, wakes));
        pipes.add_task("session", |shutdown| session.keep_session(shutdown, heard));
        let events = self.settings.events;
        if events.jobs {
            let (worker, store) = (self.worker.clone(), self.store.clone());
            worker.job_events().want();
            pipes.add_task("events", move |shutdown| async move {
                worker.job_events().tell(&store, events.per_second_max, &shutdown).await;
                Ok(())
            });
        }
        if let Some(exporter) = self.compute.exporter.lock().take() {
            pipes.add_task("traces", |shutdown| async move {
                exporter.run(shutdown.stopped()).await;
                Ok(())
            });
        }
        pipes.add_task("guard", move |shutdown| guard.watch(watched, settings, shutdown));
    }
}

/// What has an age, results before the jobs they are of, and jobs before their bundles.
fn ages(settings: &Settings) -> Vec<(Kept, u32)> {
    let kept = settings.retention;
    let ages = [
        (Kept::Results, kept.results_days),
        (Kept::Jobs, kept.jobs_days),
        (Kept::Bundles, kept.bundles_days),
        (Kept::Commands, kept.commands_days),
        (Kept::Workers, kept.workers_days),
        (Kept::Lanes, kept.lanes_days),
    ];
    ages.into_iter().filter(|(_, days)| *days > 0).collect()
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

fn ms(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
