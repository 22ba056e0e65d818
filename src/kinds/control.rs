//! What a run and the daemon tell each other: stop, how far it is, and what to go on from.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Checkpoint;

/// Cancellation, progress and the moment of the start of one run. Looking at it takes no lock, so a
/// computing thread may do it every few thousand candles.
#[derive(Debug, Default)]
pub struct RunControl {
    cancelled: AtomicBool,
    wake: Notify,
    percent_bits: AtomicU64,
    begun: OnceLock<Instant>,
    kept: Mutex<Option<Checkpoint>>,
    keeping: Notify,
}

impl RunControl {
    /// Asks the run to end.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    /// Whether the run shall end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Returns when the run shall end.
    pub async fn cancelled(&self) {
        loop {
            let woken = self.wake.notified();
            if self.is_cancelled() {
                return;
            }
            woken.await;
        }
    }

    /// Marks the moment at which the work begins; the first call counts.
    pub fn begin(&self) {
        self.begun.get_or_init(Instant::now);
    }

    /// When the work began, by the monotonic clock.
    #[must_use]
    pub fn begun(&self) -> Option<Instant> {
        self.begun.get().copied()
    }

    /// Leaves a checkpoint to be stored, in place of one that has not been taken.
    pub fn keep(&self, checkpoint: Checkpoint) {
        *self.kept.lock() = Some(checkpoint);
        self.keeping.notify_one();
    }

    /// Takes the newest checkpoint that has not been taken.
    pub fn take_kept(&self) -> Option<Checkpoint> {
        self.kept.lock().take()
    }

    /// Takes the next checkpoint.
    pub async fn kept(&self) -> Checkpoint {
        loop {
            if let Some(checkpoint) = self.take_kept() {
                return checkpoint;
            }
            self.keeping.notified().await;
        }
    }

    /// Says how far the run is, 0 to 100.
    pub fn set_percent(&self, percent: f64) {
        self.percent_bits.store(percent.clamp(0.0, 100.0).to_bits(), Ordering::Relaxed);
    }

    /// Says that the run is further by so many percent; several threads may say so at once.
    pub fn add_percent(&self, percent: f64) {
        let further = |bits| Some((f64::from_bits(bits) + percent).clamp(0.0, 100.0).to_bits());
        // It never declines, so it never fails.
        self.percent_bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, further).ok();
    }

    /// How far the run is, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> f64 {
        f64::from_bits(self.percent_bits.load(Ordering::Relaxed))
    }
}
