//! Permit, receive, fill, pace, spawn: many items at a time into one task.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep, sleep_until};

use super::channel::Receiver;
use super::in_flight::InFlight;
use super::pulse::Pulse;
use super::status::PipeStatus;
use super::{BatchConsumer, BatchSettings, pipe};

/// A batch starts when it is full, when it has lingered, or at once when no other is running and the
/// last one did not start just now: so a quiet pipe has no delay, and a busy one fills a batch
/// while the one before is written, or lingers, rather than write one item at a time.
/// Waiting for its pace, a batch goes on filling; a pipe with a rate of 1 thus starts one batch
/// a second with all that came meanwhile.
/// It is full by number or by bytes: large items make small batches, whatever is waiting.
pub(crate) struct BatchLoop<C> {
    pub(crate) consumer: Arc<C>,
    pub(crate) settings: BatchSettings,
    pub(crate) status: Arc<PipeStatus>,
}

impl<C: BatchConsumer> pipe::Consume<C::Item> for BatchLoop<C> {
    async fn run(
        &self,
        items: &Receiver<C::Item>,
        pulse: &mut Pulse,
        in_flight: &mut InFlight,
    ) -> Vec<C::Item> {
        let governor = &self.status.governor;
        let mut last_start = None;
        loop {
            consume_budget().await;
            pulse.beat();
            let Some(permit) = pulse.wait(governor.permit()).await else {
                return Vec::new();
            };
            let Some(Some(first)) = pulse.wait(items.recv()).await else {
                return Vec::new();
            };
            let label = format!("{first:?}");
            let mut batch = Batch::of(self, first);
            let filled = pulse.wait(self.fill(&mut batch, items, in_flight, last_start)).await;
            if filled.is_none() || pulse.wait(governor.pace()).await.is_none() {
                return batch.items;
            }
            batch.top_up(items);
            let batch = batch.items;
            last_start = Some(Instant::now());
            let label = format!("{} items from {label}", batch.len());
            let (consumer, resting) = (Arc::clone(&self.consumer), governor.clone());
            let began = Instant::now();
            in_flight.start(permit, pipe::count(batch.len()), label, async move {
                let consumed = consumer.consume(batch).await;
                // The place in flight is kept while resting: nobody else takes the turn.
                resting.rest_after(began.elapsed()).await;
                consumed
            });
        }
    }
}

impl<C: BatchConsumer> BatchLoop<C> {
    async fn fill(
        &self,
        batch: &mut Batch<'_, C>,
        items: &Receiver<C::Item>,
        in_flight: &mut InFlight,
        last_start: Option<Instant>,
    ) {
        let linger = Duration::from_millis(self.settings.linger_ms);
        let mut lingered = pin!(sleep(linger));
        let now = Instant::now();
        let mut spaced = pin!(sleep_until(last_start.map_or(now, |start| start + linger)));
        loop {
            batch.top_up(items);
            let idle = in_flight.is_idle();
            let at_once = idle && Instant::now() >= spaced.deadline();
            if at_once || batch.is_full() {
                return;
            }
            tokio::select! {
                biased;
                item = items.recv() => match item {
                    Some(item) => batch.push(item),
                    None => return,
                },
                () = in_flight.one_ended(), if !idle => {}
                () = &mut spaced, if idle => return,
                () = &mut lingered => return,
            }
        }
    }
}

/// Items that will be consumed together.
struct Batch<'l, C: BatchConsumer> {
    items: Vec<C::Item>,
    bytes: usize,
    batching: &'l BatchLoop<C>,
}

impl<'l, C: BatchConsumer> Batch<'l, C> {
    fn of(batching: &'l BatchLoop<C>, first: C::Item) -> Self {
        let mut batch = Self { items: Vec::new(), bytes: 0, batching };
        batch.push(first);
        batch
    }

    fn push(&mut self, item: C::Item) {
        self.bytes = self.bytes.saturating_add(self.batching.consumer.bytes(&item));
        self.items.push(item);
    }

    fn is_full(&self) -> bool {
        let BatchSettings { batch_max, batch_bytes_max, .. } = self.batching.settings;
        self.items.len() >= self.batching.status.governor.part_of(batch_max).get()
            || batch_bytes_max.is_some_and(|max| self.bytes >= max.get())
    }

    /// Takes what is there now.
    fn top_up(&mut self, items: &Receiver<C::Item>) {
        while !self.is_full() {
            let Some(item) = items.try_recv() else { return };
            self.push(item);
        }
    }
}
