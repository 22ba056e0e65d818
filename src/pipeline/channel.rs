//! Bounded channels that know their room and tell the sending side when there is some again.

use std::fmt::{self, Debug, Formatter};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::Notify;

use super::status::Counter;

/// Makes a channel that holds at most `capacity` items.
#[must_use]
pub fn bounded<T>(capacity: NonZeroUsize) -> (Sender<T>, Receiver<T>) {
    let (items_in, items_out) = flume::bounded(capacity.get());
    let gauge = Arc::new(Gauge {
        capacity: capacity.get(),
        sent: Counter::default(),
        received: Counter::default(),
        waited_us: Counter::default(),
        refill: Notify::new(),
    });
    let sender = Sender { items: items_in, gauge: Arc::clone(&gauge) };
    let receiver = Receiver { items: items_out, gauge };
    (sender, receiver)
}

/// What both ends, and whoever watches them, know of a channel.
#[derive(Debug)]
pub(crate) struct Gauge {
    pub(crate) capacity: usize,
    pub(crate) sent: Counter,
    received: Counter,
    waited_us: Counter,
    refill: Notify,
}

impl Gauge {
    /// Items in the channel, as the two counters tell.
    pub(crate) fn depth(&self) -> u64 {
        self.sent.get().saturating_sub(self.received.get())
    }

    /// How long items waited that have been received, one after the other.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_us.get())
    }

    /// A refill is worth asking for when half of the channel is free: claims of a busy pipe are
    /// then few and large, and the other half keeps the consumer busy meanwhile.
    fn worth_refilling(&self, room: usize) -> bool {
        room >= self.capacity.div_ceil(2)
    }
}

/// Why an item was not sent at once. The item comes back.
#[derive(Error)]
pub enum NotSent<T> {
    /// The channel is full.
    #[error("send to a full channel")]
    Full(T),
    /// Nobody receives any more.
    #[error("send to a closed channel")]
    Closed(T),
}

impl<T> NotSent<T> {
    /// The item that was not sent.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::Closed(item) => item,
        }
    }
}

impl<T> Debug for NotSent<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
        })
    }
}

/// An item, and when it was sent.
type Sent<T> = (Instant, T);

/// The sending end. The channel ends when its last sender is gone.
pub struct Sender<T> {
    items: flume::Sender<Sent<T>>,
    gauge: Arc<Gauge>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), gauge: Arc::clone(&self.gauge) }
    }
}

impl<T> Debug for Sender<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sender").field(&self.gauge).finish()
    }
}

impl<T> Sender<T> {
    /// How many items could be sent now without waiting.
    #[must_use]
    pub fn room(&self) -> usize {
        self.gauge.capacity.saturating_sub(self.items.len())
    }

    /// Items in the channel.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.items.len()
    }

    /// Sends an item, waiting for room: this is what holds back whoever feeds a pipe.
    ///
    /// # Errors
    /// [`NotSent::Closed`] when nobody receives any more.
    pub async fn send(&self, item: T) -> Result<(), NotSent<T>> {
        let sent = self.items.send_async((Instant::now(), item)).await;
        sent.map_err(|flume::SendError((_, item))| NotSent::Closed(item))?;
        self.gauge.sent.add(1);
        Ok(())
    }

    /// Sends an item if there is room now.
    ///
    /// # Errors
    /// [`NotSent::Full`] or [`NotSent::Closed`], with the item.
    pub fn try_send(&self, item: T) -> Result<(), NotSent<T>> {
        self.items.try_send((Instant::now(), item)).map_err(|error| match error {
            flume::TrySendError::Full((_, item)) => NotSent::Full(item),
            flume::TrySendError::Disconnected((_, item)) => NotSent::Closed(item),
        })?;
        self.gauge.sent.add(1);
        Ok(())
    }

    pub(crate) fn wants_refill(&self) -> bool {
        self.gauge.worth_refilling(self.room())
    }

    /// Waits until a refill is worth asking for. For the only sender of a channel.
    pub(crate) async fn refill_wanted(&self) {
        while !self.wants_refill() {
            self.gauge.refill.notified().await;
        }
    }

    pub(crate) fn gauge(&self) -> &Arc<Gauge> {
        &self.gauge
    }
}

/// The receiving end.
pub struct Receiver<T> {
    items: flume::Receiver<Sent<T>>,
    gauge: Arc<Gauge>,
}

impl<T> Debug for Receiver<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.gauge).finish()
    }
}

impl<T> Receiver<T> {
    /// Waits for the next item; `None` when all senders are gone and nothing is left.
    pub async fn recv(&self) -> Option<T> {
        let (sent, item) = self.items.recv_async().await.ok()?;
        self.note_received(sent);
        Some(item)
    }

    /// The next item, if there is one now.
    #[must_use]
    pub fn try_recv(&self) -> Option<T> {
        let (sent, item) = self.items.try_recv().ok()?;
        self.note_received(sent);
        Some(item)
    }

    fn note_received(&self, sent: Instant) {
        self.gauge.received.add(1);
        self.gauge.waited_us.add(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
        let room = self.gauge.capacity.saturating_sub(self.items.len());
        if self.gauge.worth_refilling(room) {
            self.gauge.refill.notify_one();
        }
    }
}
