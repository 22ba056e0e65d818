//! Jobs as the daemon holds them: claims, what they carry, and how they end.

use std::fmt;

use serde_json::Value;

/// A job's number.
pub type JobId = i64;

/// A number that rises whenever a job changes hands; a write under an older one changes nothing.
pub type Fence = i64;

/// The right to run one job and to write its end, until somebody raises the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The job.
    pub job_id: JobId,
    /// The fence under which it was claimed.
    pub fence: Fence,
}

/// A claimed job with what is needed to run it.
#[derive(Clone)]
pub struct ClaimedJob {
    /// The right to it.
    pub claim: Claim,
    /// How often the job has been claimed, this time included.
    pub attempt: i32,
    /// What to do.
    pub kind: String,
    /// What to do it with, JSON as the user wrote it; parsed by the kind, so that a poisoned one
    /// spoils nobody else's claim.
    pub spec: String,
    /// Limit on this run in seconds, where the user set one.
    pub timeout_s: Option<i32>,
    /// How long it was ready before it was claimed, milliseconds.
    pub waited_ms: f64,
    /// How long it had been there when it was claimed, milliseconds.
    pub age_ms: f64,
    /// The trace it is part of, as its user wrote it.
    pub traceparent: Option<String>,
}

/// Without the spec: every job is named in logs, and its spec may be a megabyte.
impl fmt::Debug for ClaimedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claim { job_id, fence } = self.claim;
        write!(f, "{} {job_id} under fence {fence}", self.kind)
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// It succeeded.
    Completed {
        /// What `job_status.output` shows.
        output: Value,
        /// The row for `results`, where the kind writes one: a JSON object keyed by column.
        answer: Option<Value>,
    },
    /// It failed by an error of its own.
    Failed(Failure),
}

/// An error of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A word from a closed list, such as `no_candles` or `panic`.
    pub class: &'static str,
    /// One line for the user.
    pub message: String,
    /// Whether another attempt could end differently.
    pub retryable: bool,
}

/// A run's end, to be written under its claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The right to write it.
    pub claim: Claim,
    /// How the run ended.
    pub ending: Ending,
}

/// Delays before another attempt of a job that failed.
#[derive(Debug, Clone, Copy)]
pub struct RetryDelays {
    /// After the first failure, milliseconds; doubles with each, and is spread by half to either side.
    pub base_ms: i64,
    /// Longest, before it is spread, milliseconds.
    pub max_ms: i64,
}

impl Outcome {
    /// About how many bytes will be sent to write it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.ending {
            Ending::Completed { output, answer } => {
                json_bytes(output) + answer.as_ref().map_or(0, json_bytes)
            }
            Ending::Failed(failure) => failure.message.len(),
        }
    }
}

/// About how long a value is as text.
fn json_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| json_bytes(value) + 1).sum(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() + 4 + json_bytes(value)).sum()
        }
    }
}

/// Why the canceller takes a claim away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// The worker that holds it is dead.
    Worker,
    /// The run exceeded its time limit.
    TimeLimit,
    /// The run made no progress for too long.
    Stalled,
}

/// A claim that the canceller found wanting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadJob {
    /// The claim to take away.
    pub claim: Claim,
    /// Why.
    pub death: Death,
    /// The limit that was exceeded, milliseconds; zero for a dead worker.
    pub limit_ms: i64,
    /// How long its worker has not renewed its lease, milliseconds.
    pub silent_ms: i64,
}

/// What a tick reports of one running job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The run.
    pub claim: Claim,
    /// Percent done, 0 to 100.
    pub percent: f64,
    /// Milliseconds since the run began.
    pub elapsed_ms: i64,
    /// Limit on the run, milliseconds.
    pub timeout_ms: i64,
    /// The run counts as stalled after this long without progress, milliseconds; `None`: not watched.
    pub stall_ms: Option<i64>,
}
