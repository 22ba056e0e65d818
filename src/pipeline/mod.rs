//! Generic machinery that moves claims from publishers through bounded channels to consumers.
//!
//! A **publisher** claims what is due. Its **publish loop** asks for no more than the **channel**
//! has room for. The **consume loop** takes a permit, receives, paces and spawns: the **governor**
//! holds how many run at once and how many start per second, and rests where a **throttle** asks for
//! it. **Pipes** builds all of this, runs it and stops it in order. Nothing here knows what the items
//! are.

mod backoff;
mod batch_loop;
mod budget;
mod cadence;
mod channel;
mod consume_loop;
mod governor;
pub mod huge_pages;
mod in_flight;
mod panicked;
mod pipe;
mod pipes;
mod publish_loop;
mod pulse;
mod shutdown;
mod slots;
mod status;
mod stop_order;
mod task_set;
mod throttle;
mod wake;

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

pub use budget::{Budget, Leasing, Slice};
pub use cadence::Cadence;
pub use channel::{NotSent, Receiver, Sender, bounded};
pub use governor::{Governor, Permit};
pub use panicked::Panicked;
pub use pipes::Pipes;
pub use shutdown::{Phase, Shutdown};
pub use slots::Slots;
pub use status::{PipeSnapshot, StatusBoard};
pub use stop_order::PipesError;
pub use throttle::Throttle;
pub use wake::Wake;

/// Watches one condition and claims what is due. It never sees the channel: its loop sends.
pub trait Publisher: Send + Sync + 'static {
    /// What is claimed: small, and worthless without the place it was claimed from.
    type Item: Debug + Send + 'static;
    /// Why a claim or a release did not succeed.
    type Error: Error + Send + Sync + 'static;

    /// Claims at most `limit` items; an empty vector means that nothing is due.
    ///
    /// A claim that has begun is always finished, also while stopping.
    ///
    /// # Errors
    /// Any error is logged once, counted and followed by a growing pause.
    fn claim(
        &self,
        limit: NonZeroUsize,
    ) -> impl Future<Output = Result<Vec<Self::Item>, Self::Error>> + Send;

    /// Gives back items that were claimed and never consumed. It is called once for an item.
    ///
    /// # Errors
    /// An error is logged and counted, not retried: a claim that could not be given back must be
    /// found by whatever finds the claims of a dead process.
    fn release(
        &self,
        items: Vec<Self::Item>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Does one thing with each item, in a task of its own.
pub trait Consumer: Send + Sync + 'static {
    /// What is consumed.
    type Item: Debug + Send + 'static;

    /// Whether an item that waited in the channel is still to be consumed. One that is not costs no start.
    fn wants(&self, _item: &Self::Item) -> bool {
        true
    }

    /// Consumes one item. Long work looks at `shutdown` and returns when it is aborting.
    ///
    /// # Errors
    /// An error or a panic is logged with the item and counted; the other items go on.
    fn consume(
        &self,
        item: Self::Item,
        shutdown: &Shutdown,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// Does one thing with many items at a time. Up to `in_flight_max` batches run at once.
pub trait BatchConsumer: Send + Sync + 'static {
    /// What is consumed.
    type Item: Debug + Send + 'static;

    /// How large an item is, for batches that are bounded by bytes too.
    fn bytes(&self, _item: &Self::Item) -> usize {
        0
    }

    /// Consumes a batch of at least one and at most `batch_max` items.
    ///
    /// # Errors
    /// An error or a panic is logged with the batch's first item and counted for all its items.
    fn consume(&self, items: Vec<Self::Item>) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// The keys that every pipe has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PipeSettings {
    /// Longest wait between two looks when nothing wakes the publisher, in milliseconds (±20 %).
    pub poll_interval_ms: NonZeroU64,
    /// Most items in the channel.
    pub capacity: NonZeroUsize,
    /// Most starts per second (of items, or of batches in a batched pipe); `None` is no limit.
    pub rate_per_second: Option<f64>,
    /// Most items (or batches) running at once.
    pub in_flight_max: NonZeroUsize,
    /// Most claims per second, each of up to as many items as the channel has room for; `None` is no limit.
    pub claims_per_second: Option<f64>,
    /// Whether nothing new is taken.
    pub paused: bool,
}

/// The keys that a batched pipe has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchSettings {
    /// Most items in a batch.
    pub batch_max: NonZeroUsize,
    /// A batch takes no more once it has so many bytes; `None`: bounded by number only.
    pub batch_bytes_max: Option<NonZeroUsize>,
    /// Longest wait for a batch to fill while another one is running, in milliseconds.
    pub linger_ms: u64,
}

/// How long a stop may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSettings {
    /// How long running items may go on after a stop was asked for, in milliseconds.
    pub drain_ms: u64,
    /// How long they may then take to notice that they are aborted, in milliseconds.
    pub abort_ms: u64,
}
