//! When a publisher looks: how often, and whether at all. Both change while it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// A cloneable handle on the polling interval of a pipe and on its pause.
#[derive(Debug, Clone)]
pub struct Cadence(Arc<watch::Sender<Looks>>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Looks {
    poll: Duration,
    paused: bool,
}

impl Cadence {
    pub(crate) fn new(poll: Duration, paused: bool) -> Self {
        Self(Arc::new(watch::Sender::new(Looks { poll, paused })))
    }

    /// Exchanges both. A publisher that waits for its poll goes by the new ones at once; one that is
    /// paused claims nothing more, and what it has claimed goes on.
    pub fn set(&self, poll: Duration, paused: bool) {
        let next = Looks { poll, paused };
        self.0.send_if_modified(|now| std::mem::replace(now, next) != next);
    }

    /// Longest wait between two looks.
    #[must_use]
    pub fn poll(&self) -> Duration {
        self.0.borrow().poll
    }

    /// Whether nothing new is taken.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.borrow().paused
    }

    /// Waits while it is paused.
    pub(crate) async fn resumed(&self) {
        // The sender lives as long as this handle: the wait ends by a change only.
        drop(self.0.subscribe().wait_for(|looks| !looks.paused).await);
    }

    /// Waits until it is changed.
    pub(crate) async fn changed(&self) {
        self.0.subscribe().changed().await.ok();
    }
}
