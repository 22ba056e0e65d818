//! What is counted of jobs.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// With a result.
    Completed,
    /// By an error of the job.
    Failed,
    /// Not at all: cancelled, or given back.
    Interrupted,
}

impl EncodeLabelValue for RunEnd {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        };
        word.encode(encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Run {
    kind: &'static str,
    end: RunEnd,
}

/// Counts of jobs since the start of the process; clones share them.
#[derive(Debug, Clone)]
pub struct JobMetrics {
    runs: Family<Run, Counter>,
    run_seconds: Family<Kind, Histogram>,
    outcomes_written: Counter,
    late_writes: Counter,
    rescued: Counter,
    quarantined: Counter,
    rescue_seconds: Histogram,
    wait_seconds: Family<Kind, Histogram>,
    retries: Family<Kind, Counter>,
    candles: Counter,
    engine_seconds: Counter<f64, AtomicU64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

impl JobMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        // From 1 ms to some 4 hours.
        let buckets = || Histogram::new(exponential_buckets(0.001, 4.0, 12));
        let metrics = Self {
            runs: Family::default(),
            run_seconds: Family::new_with_constructor(buckets),
            outcomes_written: Counter::default(),
            late_writes: Counter::default(),
            rescued: Counter::default(),
            quarantined: Counter::default(),
            rescue_seconds: buckets(),
            wait_seconds: Family::new_with_constructor(buckets),
            retries: Family::default(),
            candles: Counter::default(),
            engine_seconds: Counter::default(),
        };
        metrics.register_times(registry);
        registry.register("runs", "Runs by kind and how they ended", metrics.runs.clone());
        registry.register_with_unit(
            "run",
            "How long runs took, waiting for candles and slots included",
            Unit::Seconds,
            metrics.run_seconds.clone(),
        );
        registry.register(
            "outcomes_written",
            "Ends and failures of jobs that the database accepted",
            metrics.outcomes_written.clone(),
        );
        registry.register(
            "late_writes_refused",
            "Ends of runs that had lost their claim; each changed nothing",
            metrics.late_writes.clone(),
        );
        registry.register(
            "jobs_rescued",
            "Jobs of dead processes made ready again",
            metrics.rescued.clone(),
        );
        registry.register(
            "jobs_quarantined",
            "Jobs failed for good because too many processes died of them",
            metrics.quarantined.clone(),
        );
        metrics
    }

    fn register_times(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "rescue",
            "From the last sign of life of a dead process until its jobs were ready again",
            Unit::Seconds,
            self.rescue_seconds.clone(),
        );
        registry.register_with_unit(
            "job_wait",
            "How long jobs were ready before they were claimed",
            Unit::Seconds,
            self.wait_seconds.clone(),
        );
        registry.register(
            "retries",
            "Runs of jobs that had been claimed before",
            self.retries.clone(),
        );
        registry.register("candles", "Candles that backtests went through", self.candles.clone());
        registry.register_with_unit(
            "engine",
            "Time that backtests took on their slots",
            Unit::Seconds,
            self.engine_seconds.clone(),
        );
    }

    /// A run begins: the so many-th of its job, which was ready for so many seconds.
    pub fn run_begins(&self, kind: &'static str, attempt: i32, waited_seconds: f64) {
        self.wait_seconds.get_or_create(&Kind { kind }).observe(waited_seconds);
        if attempt > 1 {
            self.retries.get_or_create(&Kind { kind }).inc();
        }
    }

    /// A backtest went through so many candles in so many seconds.
    pub fn backtested(&self, candles: u64, seconds: f64) {
        self.candles.inc_by(candles);
        self.engine_seconds.inc_by(seconds.max(0.0));
    }

    /// A run has ended after so many seconds.
    pub fn run_ended(&self, kind: &'static str, end: RunEnd, seconds: f64) {
        self.runs.get_or_create(&Run { kind, end }).inc();
        self.run_seconds.get_or_create(&Kind { kind }).observe(seconds);
    }

    /// Outcomes were accepted.
    pub fn outcomes_written(&self, outcomes: usize) {
        self.outcomes_written.inc_by(count(outcomes));
    }

    /// Late writes were refused.
    pub fn late_writes_refused(&self, writes: usize) {
        self.late_writes.inc_by(count(writes));
    }

    /// A job was ready again so many seconds after its process was heard of last.
    pub fn rescue_took(&self, seconds: f64) {
        self.rescue_seconds.observe(seconds);
    }

    /// Jobs of dead processes were put back, others failed for good.
    pub fn rescued(&self, put_back: usize, quarantined: usize) {
        self.rescued.inc_by(count(put_back));
        self.quarantined.inc_by(count(quarantined));
    }
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
