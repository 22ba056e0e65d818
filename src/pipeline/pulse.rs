//! The waits of a loop: they end when the loop must stop, and show that it is alive.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::shutdown::Shutdown;
use super::status::Stamp;

/// Well under any sensible limit of a liveness probe, and too rare to cost anything.
const BEAT: Duration = Duration::from_secs(1);

pub(crate) struct Pulse {
    /// `None` for a loop that only ends when nobody feeds it any more.
    shutdown: Option<Shutdown>,
    stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
    ticks: Interval,
    beat: Arc<Stamp>,
}

impl Pulse {
    /// For a loop that ends when a stop is asked for.
    pub(crate) fn until_stopping(shutdown: &Shutdown, beat: &Arc<Stamp>) -> Self {
        let handle = shutdown.clone();
        let stopping = Box::pin(async move { handle.stopping().await });
        Self::new(Some(shutdown.clone()), stopping, beat)
    }

    /// For a loop that ends when nobody feeds it any more.
    pub(crate) fn endless(beat: &Arc<Stamp>) -> Self {
        Self::new(None, Box::pin(pending()), beat)
    }

    fn new(
        shutdown: Option<Shutdown>,
        stopping: Pin<Box<dyn Future<Output = ()> + Send>>,
        beat: &Arc<Stamp>,
    ) -> Self {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.mark();
        Self { shutdown, stopping, ticks, beat: Arc::clone(beat) }
    }

    /// Shows that the loop is alive.
    pub(crate) fn beat(&self) {
        self.beat.mark();
    }

    /// Waits for `work`, beating meanwhile; `None` says that the loop must end. `work` must lose
    /// nothing when it is dropped. Work that is done at the moment of the stop still counts.
    pub(crate) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        // One atomic read, so that work which need not wait costs nothing else.
        if self.shutdown.as_ref().is_some_and(Shutdown::is_stopping) {
            return None;
        }
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = &mut self.stopping => return None,
                _ = self.ticks.tick() => self.beat.mark(),
            }
        }
    }
}
