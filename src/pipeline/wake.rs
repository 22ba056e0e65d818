//! A handle that makes a publisher look at once.

use std::sync::Arc;

use tokio::sync::Notify;

/// Wakes one publish loop. Many wake-ups before the next look count as one; none is lost.
#[derive(Debug, Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Makes the publisher look now, or again if it is looking at this moment.
    pub fn wake(&self) {
        // A `Notify` keeps one permit while nobody waits, which is all the memory we need.
        self.0.notify_one();
    }

    /// Waits for a wake-up, or takes the one that came since the last wait.
    pub(crate) async fn woken(&self) {
        self.0.notified().await;
    }
}
