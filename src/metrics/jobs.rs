//! What is counted of jobs.

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
        };
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

    /// Jobs of dead processes were put back, others failed for good.
    pub fn rescued(&self, put_back: usize, quarantined: usize) {
        self.rescued.inc_by(count(put_back));
        self.quarantined.inc_by(count(quarantined));
    }
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
