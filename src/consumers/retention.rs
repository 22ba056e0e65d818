//! Removes what is old, a few rows at a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::pipeline::{Consumer, Shutdown, Throttle};
use crate::store::{Kept, Store};

/// Between two statements; nobody waits for the end of a pass.
const PAUSE: Duration = Duration::from_millis(100);

/// Removes rows.
#[derive(Debug)]
pub struct RetentionConsumer {
    store: Store,
    throttle: Throttle,
    batch_max: usize,
}

impl RetentionConsumer {
    /// Removes from this store, up to `batch_max` rows with a statement, at the pace of `throttle`.
    #[must_use]
    pub fn new(store: &Store, throttle: Throttle, batch_max: usize) -> Self {
        Self { store: store.clone(), throttle, batch_max }
    }

    /// All that is older than so many days, or what can be removed until a stop.
    async fn pass(&self, kept: Kept, days: u32, shutdown: &Shutdown) -> anyhow::Result<i64> {
        let (mut after, mut gone) = (Some(0), 0);
        while let Some(from) = after.filter(|_| !shutdown.is_stopping()) {
            let began = Instant::now();
            let pruned = self.store.prune(kept, days, self.batch_max, from).await?;
            gone += pruned.gone;
            after = pruned.next;
            if after.is_some() {
                tokio::select! {
                    () = self.throttle.rest_after(began.elapsed()) => {}
                    () = shutdown.stopping() => {}
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shutdown.stopping() => {}
                }
            }
        }
        Ok(gone)
    }
}

impl Consumer for RetentionConsumer {
    type Item = Vec<(Kept, u32)>;

    async fn consume(&self, ages: Vec<(Kept, u32)>, shutdown: &Shutdown) -> anyhow::Result<()> {
        for (kept, days) in ages {
            let gone = self.pass(kept, days, shutdown).await?;
            if gone > 0 {
                tracing::info!(?kept, days, gone, "removed what is old");
            }
        }
        Ok(())
    }
}
