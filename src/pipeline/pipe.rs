//! One pipe at work: its loops side by side, and what is left given back at the end.

use std::error::Error;
use std::future::Future;
use std::iter::successors;
use std::sync::Arc;

use anyhow::ensure;
use tokio::task::JoinSet;

use super::channel::Receiver;
use super::in_flight::{InFlight, note_release_error};
use super::publish_loop::PublishLoop;
use super::pulse::Pulse;
use super::shutdown::Shutdown;
use super::status::PipeStatus;
use super::{Panicked, Publisher};

/// A loop that receives items and starts tasks with them.
pub(crate) trait Consume<I>: Send + Sync + 'static {
    /// Runs until `pulse` ends or nobody sends any more; returns what was received, not started.
    fn run(
        &self,
        items: &Receiver<I>,
        pulse: &mut Pulse,
        in_flight: &mut InFlight,
    ) -> impl Future<Output = Vec<I>> + Send;
}

/// Runs a pipe whose items a publisher claims. After the stop nothing more is received, what was
/// not started is given back, and what runs is waited for.
pub(crate) async fn run_published<P, L>(
    publishing: PublishLoop<P>,
    consuming: L,
    items: Receiver<P::Item>,
) -> anyhow::Result<()>
where
    P: Publisher,
    L: Consume<P::Item>,
{
    let publisher = Arc::clone(&publishing.publisher);
    let status = Arc::clone(&publishing.status);
    let shutdown = publishing.shutdown.clone();
    let mut publish_task = JoinSet::new();
    publish_task.spawn(publishing.run());

    let mut in_flight = InFlight::new(Arc::clone(&status));
    let mut pulse = Pulse::until_stopping(&shutdown, &status.consumer_beat);
    let mut leftovers = consuming.run(&items, &mut pulse, &mut in_flight).await;
    let by_itself = !shutdown.is_stopping();
    // Whoever is left alone by a broken publish loop stops everything, without waiting for the
    // items that still run.
    shutdown.stop();
    let give_back = async {
        // Only when the publish loop has hung up is it certain that nothing more comes.
        while let Some(item) = items.recv().await {
            leftovers.push(item);
        }
        release(publisher.as_ref(), leftovers, &status).await;
    };
    tokio::join!(give_back, in_flight.all_ended());

    if let Some(Err(error)) = publish_task.join_next().await {
        let payload = error.try_into_panic()?;
        return Err(Panicked::new(payload.as_ref()).into());
    }
    ensure!(!by_itself, "the publish loop ended by itself");
    Ok(())
}

/// Runs a pipe that is fed from inside. It ends when its last sender is gone, with all done.
pub(crate) async fn run_fed<I, L>(
    consuming: L,
    items: Receiver<I>,
    status: Arc<PipeStatus>,
    shutdown: Shutdown,
) -> anyhow::Result<()>
where
    I: Send + 'static,
    L: Consume<I>,
{
    let mut in_flight = InFlight::new(Arc::clone(&status));
    let mut pulse = Pulse::endless(&status.consumer_beat);
    consuming.run(&items, &mut pulse, &mut in_flight).await;
    let by_itself = !shutdown.is_stopping();
    shutdown.stop();
    in_flight.all_ended().await;
    ensure!(!by_itself, "all senders are gone");
    Ok(())
}

/// Gives items back. Items are moved, so there is one attempt.
pub(crate) async fn release<P: Publisher>(publisher: &P, items: Vec<P::Item>, status: &PipeStatus) {
    if items.is_empty() {
        return;
    }
    let released = items.len();
    match publisher.release(items).await {
        Ok(()) => status.released.add(count(released)),
        Err(error) => note_release_error(status, released, &chain(&error)),
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let causes = successors(Some(error), |&error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
