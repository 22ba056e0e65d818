//! The running tasks of one pipe: counted, fenced against panics, waited for.

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::Panicked;
use super::governor::Permit;
use super::status::PipeStatus;

/// Dropping it aborts what still runs.
pub(crate) struct InFlight {
    tasks: JoinSet<()>,
    status: Arc<PipeStatus>,
}

impl InFlight {
    pub(crate) fn new(status: Arc<PipeStatus>) -> Self {
        Self { tasks: JoinSet::new(), status }
    }

    /// Runs `work`, which consumes `items` items described by `label`, in a task of its own.
    pub(crate) fn start<W>(&mut self, permit: Permit, items: u64, label: String, work: W)
    where
        W: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.reap();
        let place = Place::take(permit, &self.status);
        self.status.started.add(items);
        let span = tracing::info_span!("consume", pipe = self.status.name, item = %label);
        let task = async move {
            let status = &place.status;
            // A panic is this item's alone: the items share nothing that it could leave broken.
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) => status.finished.add(items),
                Ok(Err(error)) => {
                    status.failed.add(items);
                    let error = format!("{error:#}");
                    tracing::warn!(pipe = status.name, item = %label, %error, "consume");
                    status.set_last_error(error);
                }
                Err(payload) => {
                    status.panicked.add(items);
                    let panic = Panicked::new(payload.as_ref());
                    tracing::error!(pipe = status.name, item = %label, %panic, "consume");
                    status.set_last_error(panic.to_string());
                }
            }
        };
        self.tasks.spawn(task.instrument(span));
    }

    /// Whether nothing runs.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.reap();
        self.tasks.is_empty()
    }

    /// Waits until one task has ended; at once when there is none.
    pub(crate) async fn one_ended(&mut self) {
        drop(self.tasks.join_next().await);
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn all_ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }
}

/// A place in flight that is counted while it is held.
struct Place {
    status: Arc<PipeStatus>,
    _permit: Permit,
}

impl Place {
    fn take(permit: Permit, status: &Arc<PipeStatus>) -> Self {
        status.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { status: Arc::clone(status), _permit: permit }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.status.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Logs that claims could not be given back; what finds a dead process's claims finds them too.
pub(crate) fn note_release_error(status: &PipeStatus, items: usize, error: &dyn Display) {
    status.release_errors.add(1);
    status.set_last_error(error.to_string());
    tracing::warn!(pipe = status.name, items, %error, "release");
}
