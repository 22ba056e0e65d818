//! What a pipe has done and is doing, for probes, metrics and people.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::cadence::Cadence;
use super::channel::Gauge;
use super::governor::Governor;

/// A count that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When something happened last, on the monotonic clock.
#[derive(Debug)]
pub(crate) struct Stamp {
    born: Instant,
    /// Milliseconds since `born`, plus one; zero says never.
    at: AtomicU64,
}

impl Stamp {
    pub(crate) fn new() -> Self {
        Self { born: Instant::now(), at: AtomicU64::new(0) }
    }

    pub(crate) fn mark(&self) {
        let now = millis(self.born.elapsed()).saturating_add(1);
        self.at.store(now, Ordering::Relaxed);
    }

    fn age_ms(&self) -> Option<u64> {
        let at = self.at.load(Ordering::Relaxed).checked_sub(1)?;
        Some(millis(self.born.elapsed()).saturating_sub(at))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The live figures of one pipe, written by its loops.
#[derive(Debug)]
pub(crate) struct PipeStatus {
    pub(crate) name: &'static str,
    pub(crate) governor: Governor,
    /// Holds how many claims are made per second.
    pub(crate) claims: Governor,
    /// How often its publisher looks.
    pub(crate) cadence: Cadence,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) claimed: Counter,
    pub(crate) claim_errors: Counter,
    pub(crate) released: Counter,
    pub(crate) release_errors: Counter,
    pub(crate) started: Counter,
    pub(crate) finished: Counter,
    pub(crate) failed: Counter,
    pub(crate) panicked: Counter,
    pub(crate) full_channel: Counter,
    pub(crate) back_pressure_us: Counter,
    pub(crate) last_claim: Stamp,
    pub(crate) publisher_beat: Arc<Stamp>,
    pub(crate) consumer_beat: Arc<Stamp>,
    last_error: Mutex<Option<String>>,
}

impl PipeStatus {
    pub(crate) fn new(
        name: &'static str,
        governor: Governor,
        claims: Governor,
        cadence: Cadence,
        gauge: Arc<Gauge>,
    ) -> Self {
        Self {
            name,
            governor,
            claims,
            cadence,
            gauge,
            in_flight: AtomicUsize::new(0),
            claimed: Counter::default(),
            claim_errors: Counter::default(),
            released: Counter::default(),
            release_errors: Counter::default(),
            started: Counter::default(),
            finished: Counter::default(),
            failed: Counter::default(),
            panicked: Counter::default(),
            full_channel: Counter::default(),
            back_pressure_us: Counter::default(),
            last_claim: Stamp::new(),
            publisher_beat: Arc::new(Stamp::new()),
            consumer_beat: Arc::new(Stamp::new()),
            last_error: Mutex::new(None),
        }
    }

    pub(crate) fn set_last_error(&self, text: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    fn snapshot(&self) -> PipeSnapshot {
        let last_error = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        PipeSnapshot {
            name: self.name,
            capacity: self.gauge.capacity,
            depth: self.gauge.depth(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            in_flight_max: self.governor.in_flight_max(),
            rate_per_second: self.governor.rate_per_second(),
            is_paused: self.cadence.is_paused(),
            waited_seconds: self.gauge.waited().as_secs_f64(),
            claimed: self.claimed.get(),
            claim_errors: self.claim_errors.get(),
            released: self.released.get(),
            release_errors: self.release_errors.get(),
            sent: self.gauge.sent.get(),
            started: self.started.get(),
            finished: self.finished.get(),
            failed: self.failed.get(),
            panicked: self.panicked.get(),
            full_channel: self.full_channel.get(),
            back_pressure_seconds: Duration::from_micros(self.back_pressure_us.get()).as_secs_f64(),
            last_claim_age_ms: self.last_claim.age_ms(),
            publisher_silent_ms: self.publisher_beat.age_ms(),
            consumer_silent_ms: self.consumer_beat.age_ms(),
            last_error: last_error.clone(),
        }
    }
}

/// The figures of one pipe at one moment. Counts are since the start of the process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipeSnapshot {
    /// The pipe.
    pub name: &'static str,
    /// Most items in the channel.
    pub capacity: usize,
    /// Items in the channel.
    pub depth: u64,
    /// Items (or batches) running.
    pub in_flight: usize,
    /// Most items (or batches) that may run at once.
    pub in_flight_max: usize,
    /// Most starts per second; `None` is no limit.
    pub rate_per_second: Option<f64>,
    /// Whether nothing new is taken.
    pub is_paused: bool,
    /// How long items waited in the channel, one after the other, in seconds.
    pub waited_seconds: f64,
    /// Items claimed; 0 for a pipe that is fed from inside.
    pub claimed: u64,
    /// Claims that ended in an error.
    pub claim_errors: u64,
    /// Items given back.
    pub released: u64,
    /// Releases that ended in an error.
    pub release_errors: u64,
    /// Items sent into the channel.
    pub sent: u64,
    /// Items whose consumption began.
    pub started: u64,
    /// Items consumed.
    pub finished: u64,
    /// Items whose consumption ended in an error.
    pub failed: u64,
    /// Items whose consumption panicked.
    pub panicked: u64,
    /// How often the publisher was held back because the channel had too little room.
    pub full_channel: u64,
    /// How long it was held back altogether, in seconds; a wait under way is not in it yet.
    pub back_pressure_seconds: f64,
    /// Milliseconds since the last claim that succeeded, also an empty one; `None` before it.
    pub last_claim_age_ms: Option<u64>,
    /// Milliseconds since the publish loop showed that it is alive. Waiting, it does so every
    /// second; a claim that does not return makes it silent. `None`: not started, or no such loop.
    pub publisher_silent_ms: Option<u64>,
    /// The same for the consume loop.
    pub consumer_silent_ms: Option<u64>,
    /// What the last error or panic said.
    pub last_error: Option<String>,
}

/// A cloneable handle on the figures of all pipes that were added before it was taken.
#[derive(Debug, Clone, Default)]
pub struct StatusBoard(pub(crate) Vec<Arc<PipeStatus>>);

impl StatusBoard {
    /// The figures of every pipe, in the order in which the pipes were added.
    #[must_use]
    pub fn snapshot(&self) -> Vec<PipeSnapshot> {
        self.0.iter().map(|status| status.snapshot()).collect()
    }

    /// The figures of one pipe.
    #[must_use]
    pub fn pipe(&self, name: &str) -> Option<PipeSnapshot> {
        let status = self.0.iter().find(|status| status.name == name)?;
        Some(status.snapshot())
    }

    /// The longest silence of any loop: what a liveness probe looks at.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        let beats = |pipe: PipeSnapshot| [pipe.publisher_silent_ms, pipe.consumer_silent_ms];
        let silences = self.snapshot().into_iter().flat_map(beats).flatten();
        Duration::from_millis(silences.max().unwrap_or(0))
    }
}
