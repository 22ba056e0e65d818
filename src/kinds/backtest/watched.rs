//! Candles of a source that may be down: then no run fails of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::failure;
use crate::candles::{CacheStats, CandleCache, CandleQuery, CandleSource, LoadedCandles};
use crate::kinds::outage::Outage;
use crate::kinds::{RunControl, RunError};

/// A source that says nothing for so long is down.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Candles, and whether their source answers at all.
pub(super) struct WatchedCandles<S: CandleSource> {
    candles: Arc<CandleCache<S>>,
    patience: Duration,
    outage: Outage,
}

impl<S: CandleSource> WatchedCandles<S> {
    /// Candles that do not come within `patience` fail the run; `outage` is told when the source is
    /// down, and when it is back.
    pub(super) fn new(candles: Arc<CandleCache<S>>, patience: Duration, outage: &Outage) -> Self {
        Self { candles, patience, outage: outage.clone() }
    }

    /// What the cache has done and holds.
    pub(super) fn stats(&self) -> CacheStats {
        self.candles.stats()
    }

    /// The candles that answer `query`.
    ///
    /// # Errors
    /// There are none, they come too late, their source is down, or the run was cancelled meanwhile.
    pub(super) async fn load(
        &self,
        query: &CandleQuery,
        control: &RunControl,
    ) -> Result<LoadedCandles, RunError> {
        // A source that does not answer is a stall that the canceller cannot see: the run has no start
        // mark yet, but its claim holds a slot.
        let loaded = tokio::select! {
            loaded = timeout(self.patience, self.candles.load(query)) => loaded,
            () = control.cancelled() => return Err(RunError::Interrupted),
        };
        let (answer, in_doubt) = match loaded {
            Ok(Ok(loaded)) => (Ok(loaded), false),
            Ok(Err(error)) => {
                let class = error.class();
                let retryable = !matches!(class, "no_candles" | "source_refused");
                let failed = failure(class, &anyhow::Error::new(error), retryable);
                (Err(failed), class == "source")
            }
            Err(_elapsed) => {
                let (series, patience) = (query.series(), self.patience);
                let late = format!("no candles of {series} after {patience:?}");
                (Err(failure("candles_late", &late, true)), true)
            }
        };
        // One series that cannot be read is that job's failure; a source that is down is nobody's. What
        // came from memory does not end an outage.
        if in_doubt || self.outage.reason().is_some() {
            match self.why_down(control).await? {
                None => self.outage.answered(),
                Some(reason) => {
                    self.outage.failed(&reason);
                    if in_doubt {
                        return Err(RunError::Unavailable(reason));
                    }
                }
            }
        }
        answer.map_err(Into::into)
    }

    /// Why the source of candles does not answer, if it does not.
    async fn why_down(&self, control: &RunControl) -> Result<Option<String>, RunError> {
        let answered = tokio::select! {
            answered = timeout(ANSWER_PATIENCE, self.candles.source().answers()) => answered,
            () = control.cancelled() => return Err(RunError::Interrupted),
        };
        Ok(match answered {
            Ok(Ok(())) => None,
            Ok(Err(down)) => Some(format!("{:#}", anyhow::Error::new(down))),
            Err(_elapsed) => Some(format!("candles do not answer within {ANSWER_PATIENCE:?}")),
        })
    }
}
