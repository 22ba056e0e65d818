//! How much of its full pace a process takes, as a handle that its loops go by.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Slower than this is not asked for: a thousandth.
const PACE_MIN: f64 = 1e-3;
/// Longest rest, however long the work took and however slow the pace.
const REST_MAX: Duration = Duration::from_secs(5);
/// How late a start may be without those after it being moved too: tokio's timer counts whole
/// milliseconds.
const LATE_MAX: Duration = Duration::from_millis(5);
/// Batches get no smaller than this part of their limit: each costs a commit.
const PART_MIN: f64 = 0.125;

/// A cloneable handle on a pace above 0 and up to 1. It slows only; what is allowed besides stays.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<watch::Sender<f64>>);

impl Default for Throttle {
    /// At full pace.
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(1.0)))
    }
}

impl Throttle {
    /// Changes the pace. Whoever rests goes on under the new one at once.
    pub fn set(&self, pace: f64) {
        let pace = if pace.is_nan() { PACE_MIN } else { pace.clamp(PACE_MIN, 1.0) };
        self.0.send_if_modified(|now| {
            let changed = now.to_bits() != pace.to_bits();
            *now = pace;
            changed
        });
    }

    /// The pace that is set.
    #[must_use]
    pub fn pace(&self) -> f64 {
        *self.0.borrow()
    }

    /// How much to take at a time where `most` is the limit.
    #[must_use]
    pub fn part_of(&self, most: NonZeroUsize) -> NonZeroUsize {
        let pace = self.pace();
        if pace >= 1.0 {
            return most;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a part of a limit is between 0 and that limit"
        )]
        let part = (most.get() as f64 * pace.max(PART_MIN)).ceil() as usize;
        NonZeroUsize::new(part).map_or(most, |part| part.min(most))
    }

    /// Rests after work on what is to be spared, so long that work and rest together keep the pace.
    pub async fn rest_after(&self, worked: Duration) {
        let began = Instant::now();
        let rest = |pace: f64| worked.mul_f64(1.0 / pace - 1.0).min(REST_MAX);
        self.wait_until(|pace| began + rest(pace)).await;
    }

    /// Waits until the moment that the pace says; a change of the pace moves it.
    async fn wait_until(&self, due: impl Fn(f64) -> Instant) -> Instant {
        let mut changes = self.0.subscribe();
        loop {
            let due = due(*changes.borrow_and_update());
            if due <= Instant::now() {
                return due;
            }
            tokio::select! {
                () = sleep_until(due) => return due,
                // The sender lives as long as this handle: only a change ends this.
                _ = changes.changed() => {}
            }
        }
    }
}

/// Starts of one pipe, further apart than its rate allows while the pace is below 1.
#[derive(Debug)]
pub(super) struct Spacing {
    throttle: Throttle,
    last: Mutex<Instant>,
}

impl Spacing {
    pub(super) fn new(throttle: Throttle) -> Self {
        Self { throttle, last: Mutex::new(Instant::now()) }
    }

    pub(super) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Waits until the next start is due at this rate per second and the pace.
    pub(super) async fn start(&self, rate: f64) {
        let last = *self.last.lock();
        let gap = |pace: f64| Duration::from_secs_f64(1.0 / (rate * pace));
        let now = Instant::now();
        let due = |pace: f64| if pace >= 1.0 { now } else { last + gap(pace) };
        let due = self.throttle.wait_until(due).await;
        *self.last.lock() = due.max(Instant::now() - LATE_MAX);
    }
}
