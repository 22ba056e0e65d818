//! One trace per job, over insert, claim, load, run and outcome, sent to a collector where one is named.
//! A trace is part of the user's own where a `traceparent` came with the row.

mod export;
mod parent;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::mpsc;

pub use self::export::{Address, Exporter};
use self::parent::Parent;
use crate::domain::job::{Claim, ClaimedJob};

/// Spans that wait to be sent; more are dropped, and counted.
const WAITING_MAX: usize = 8_192;

/// Where traces go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSettings {
    /// The collector, such as `http://localhost:4318`; empty: no traces.
    pub endpoint: String,
    /// The part of the jobs without a `traceparent` that are traced, 0 to 1.
    pub sample: f64,
}

/// Something that took time, as part of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    trace_id: u128,
    span_id: u64,
    parent_id: Option<u64>,
    name: &'static str,
    start: SystemTime,
    end: SystemTime,
    attributes: Vec<(&'static str, String)>,
    failed: bool,
}

/// The trace of one job under way.
#[derive(Debug)]
pub struct JobTrace {
    root: Span,
    ran: Option<Instant>,
    parts: Vec<Span>,
}

/// A handle on the traces of a process; clones share them. Without a collector it does nothing.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<Inner>>);

struct Inner {
    sample: f64,
    spans: mpsc::Sender<Span>,
    ended: Mutex<HashMap<Claim, JobTrace>>,
    dropped: AtomicU64,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tracer").field(&self.0.is_some()).finish()
    }
}

impl Tracer {
    /// A handle, and what sends its spans; nothing where no collector is named.
    ///
    /// # Errors
    /// What was found in `endpoint`, and what is allowed; what of TLS cannot be prepared.
    pub fn new(settings: &TraceSettings) -> Result<(Self, Option<Exporter>), String> {
        if settings.endpoint.is_empty() {
            return Ok((Self::default(), None));
        }
        let address = Address::read(&settings.endpoint)?;
        let (spans, waiting) = mpsc::channel(WAITING_MAX);
        let inner = Inner {
            sample: settings.sample,
            spans,
            ended: Mutex::default(),
            dropped: AtomicU64::new(0),
        };
        let exporter = Exporter::new(address, waiting)?;
        Ok((Self(Some(Arc::new(inner))), Some(exporter)))
    }

    /// Begins the trace of a job that is about to run; `None` where it has none.
    #[must_use]
    pub fn begin(
        &self,
        job: &ClaimedJob,
        kind: &'static str,
        claimed: Option<Instant>,
    ) -> Option<JobTrace> {
        let inner = self.0.as_deref()?;
        let parent = job.traceparent.as_deref().and_then(Parent::read);
        let is_sampled = parent.map_or_else(|| fastrand::f64() < inner.sample, |it| it.is_sampled);
        is_sampled.then(|| JobTrace::new(job, kind, parent, claimed))
    }

    /// Keeps the trace of a run that has ended until its end is written.
    pub fn run_ended(&self, claim: Claim, trace: Option<JobTrace>) {
        if let (Some(inner), Some(mut trace)) = (self.0.as_deref(), trace) {
            trace.ran = Some(Instant::now());
            inner.ended.lock().insert(claim, trace);
        }
    }

    /// The end of a run was written, or refused: its trace is complete.
    pub fn written(&self, claim: Claim, accepted: bool) {
        let Some(inner) = self.0.as_deref() else { return };
        let Some(mut trace) = inner.ended.lock().remove(&claim) else { return };
        if let Some(ran) = trace.ran {
            trace.part("outcome", ran, Instant::now());
        }
        trace.root.failed |= !accepted;
        trace.root.attributes.push(("sluicegate.accepted", accepted.to_string()));
        inner.send(trace);
    }

    /// The run was given back, or cancelled: its trace ends here.
    pub fn interrupted(&self, trace: Option<JobTrace>) {
        if let (Some(inner), Some(mut trace)) = (self.0.as_deref(), trace) {
            trace.root.attributes.push(("sluicegate.interrupted", "true".to_owned()));
            inner.send(trace);
        }
    }

    /// Spans that found no room on their way to the collector.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.as_deref().map_or(0, |inner| inner.dropped.load(Ordering::Relaxed))
    }
}

impl Inner {
    fn send(&self, trace: JobTrace) {
        let root = Span { end: now(), ..trace.root };
        for span in trace.parts.into_iter().chain([root]) {
            if self.spans.try_send(span).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl JobTrace {
    /// Begins where the job was inserted, as far as the server's clock tells how long ago that was.
    fn new(
        job: &ClaimedJob,
        kind: &'static str,
        parent: Option<Parent>,
        claimed: Option<Instant>,
    ) -> Self {
        let now = now();
        let since_claim = claimed.map_or(Duration::ZERO, |claimed| claimed.elapsed());
        let claimed = now.checked_sub(since_claim).unwrap_or(now);
        let age = Duration::try_from_secs_f64(job.age_ms / 1e3).unwrap_or_default();
        let root = Span {
            trace_id: parent.map_or_else(|| fastrand::u128(1..), |it| it.trace_id),
            span_id: fastrand::u64(1..),
            parent_id: parent.map(|it| it.span_id),
            name: "job",
            start: claimed.checked_sub(age).unwrap_or(claimed),
            end: now,
            attributes: vec![
                ("sluicegate.job", job.claim.job_id.to_string()),
                ("sluicegate.fence", job.claim.fence.to_string()),
                ("sluicegate.attempt", job.attempt.to_string()),
                ("sluicegate.kind", kind.to_owned()),
            ],
            failed: false,
        };
        let mut trace = Self { root, ran: None, parts: Vec::new() };
        let start = trace.root.start;
        trace.push("insert to claim", start, claimed);
        trace.push("claim to start", claimed, now);
        trace
    }

    /// Adds a part by the monotonic clock.
    pub fn part(&mut self, name: &'static str, start: Instant, end: Instant) {
        let now = now();
        let at = |moment: Instant| now.checked_sub(moment.elapsed()).unwrap_or(now);
        self.push(name, at(start), at(end));
    }

    /// Says that the run failed.
    pub fn fail(&mut self, class: &'static str) {
        self.root.failed = true;
        self.root.attributes.push(("error.type", class.to_owned()));
    }

    fn push(&mut self, name: &'static str, start: SystemTime, end: SystemTime) {
        self.parts.push(Span {
            span_id: fastrand::u64(1..),
            parent_id: Some(self.root.span_id),
            name,
            start,
            end: end.max(start),
            attributes: Vec::new(),
            failed: false,
            ..self.root
        });
    }
}

/// The time that a collector compares with that of others.
#[expect(
    clippy::disallowed_methods,
    reason = "a trace is told in this machine's time, and decides nothing"
)]
fn now() -> SystemTime {
    SystemTime::now()
}
