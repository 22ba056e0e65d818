//! The one signal that everything stops by, in two steps with a grace period between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::watch;

/// How far stopping has come. It only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything runs.
    Running,
    /// Nothing new is claimed or started; what runs may go on.
    Stopping,
    /// What runs must return now.
    Aborting,
    /// Every pipe has ended; only the tasks that outlive them are left.
    Stopped,
}

/// A cloneable handle on the phase, for everyone who must stop or who may ask for it.
#[derive(Debug, Clone)]
pub struct Shutdown(Arc<Signal>);

#[derive(Debug)]
struct Signal {
    phase: watch::Sender<Phase>,
    // The same value without a lock, for CPU threads that look every few microseconds.
    fast: AtomicU8,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A signal in phase [`Phase::Running`].
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Signal {
            phase: watch::Sender::new(Phase::Running),
            fast: AtomicU8::new(Phase::Running as u8),
        }))
    }

    /// The present phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// Asks for an orderly stop. Asking twice does no harm.
    pub fn stop(&self) {
        self.raise(Phase::Stopping);
    }

    /// Ends the grace period.
    pub fn abort(&self) {
        self.raise(Phase::Aborting);
    }

    /// Says that every pipe has ended.
    pub(crate) fn all_stopped(&self) {
        self.raise(Phase::Stopped);
    }

    /// Whether a stop has been asked for. One atomic read.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.fast.load(Ordering::Acquire) >= Phase::Stopping as u8
    }

    /// Whether the grace period is over. One atomic read.
    #[must_use]
    pub fn is_aborting(&self) -> bool {
        self.0.fast.load(Ordering::Acquire) >= Phase::Aborting as u8
    }

    /// Whether every pipe has ended. One atomic read.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.fast.load(Ordering::Acquire) >= Phase::Stopped as u8
    }

    /// Waits until a stop is asked for.
    pub async fn stopping(&self) {
        self.reached(Phase::Stopping).await;
    }

    /// Waits until the grace period is over.
    pub async fn aborting(&self) {
        self.reached(Phase::Aborting).await;
    }

    /// Waits until every pipe has ended: for the few tasks that must outlive all work.
    pub async fn stopped(&self) {
        self.reached(Phase::Stopped).await;
    }

    fn raise(&self, phase: Phase) {
        self.0.phase.send_if_modified(|now| {
            let higher = phase > *now;
            if higher {
                *now = phase;
                // Written under the watch's lock, so the two never disagree about the order.
                self.0.fast.store(phase as u8, Ordering::Release);
            }
            higher
        });
    }

    async fn reached(&self, phase: Phase) {
        let mut watch = self.0.phase.subscribe();
        // The sender lives as long as this handle, so the wait cannot end in an error.
        drop(watch.wait_for(|now| *now >= phase).await);
    }
}
