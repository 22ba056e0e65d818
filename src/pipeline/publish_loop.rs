//! Claims what is due, as much as the channel has room for, and sends it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::backoff::{Backoff, FIRST};
use super::channel::Sender;
use super::pulse::Pulse;
use super::shutdown::Shutdown;
use super::status::PipeStatus;
use super::wake::Wake;
use super::{Publisher, pipe};

pub(crate) struct PublishLoop<P: Publisher> {
    pub(crate) publisher: Arc<P>,
    pub(crate) sender: Sender<P::Item>,
    pub(crate) wake: Wake,
    pub(crate) status: Arc<PipeStatus>,
    pub(crate) shutdown: Shutdown,
}

impl<P: Publisher> PublishLoop<P> {
    /// Runs until a stop is asked for. One claim is under way at a time, and is never cut off:
    /// what it brings after the stop is given back.
    ///
    /// What is committed just while a claim finds nothing may wake nobody: after whatever it was that
    /// kept the loop busy, it looks once more before it waits for a poll.
    pub(crate) async fn run(self) {
        let mut pulse = Pulse::until_stopping(&self.shutdown, &self.status.publisher_beat);
        let mut backoff = Backoff::new();
        let mut logged = None;
        let mut was_busy = false;
        while let Some(room) = self.room(&mut pulse).await {
            let due = async {
                self.status.cadence.resumed().await;
                self.status.claims.pace().await;
            };
            if pulse.wait(due).await.is_none() {
                return;
            }
            pulse.beat();
            let governor = &self.status.governor;
            let began = Instant::now();
            let go_on = match self.publisher.claim(governor.part_of(room)).await {
                Ok(items) => {
                    let took = began.elapsed();
                    backoff.reset();
                    if logged.take().is_some() {
                        tracing::info!(pipe = self.status.name, "claims succeed again");
                    }
                    self.status.last_claim.mark();
                    let nothing_due = items.is_empty();
                    self.deliver(items).await;
                    if nothing_due {
                        pulse.wait(self.due(was_busy)).await.map(|woken| was_busy = woken)
                    } else {
                        // Whoever got something asks again, as soon as there is room.
                        was_busy = true;
                        pulse.wait(governor.rest_after(took)).await
                    }
                }
                Err(error) => {
                    self.note_claim_error(&error, &mut logged);
                    pulse.wait(self.recover(backoff.next_pause())).await
                }
            };
            if go_on.is_none() {
                return;
            }
        }
    }

    /// Waits until the channel has room worth a claim; `None` when the loop must end.
    async fn room(&self, pulse: &mut Pulse) -> Option<NonZeroUsize> {
        if !self.sender.wants_refill() {
            self.status.full_channel.add(1);
            let began = Instant::now();
            let room = pulse.wait(self.sender.refill_wanted()).await;
            let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.status.back_pressure_us.add(waited);
            room?;
        }
        // A stop makes room too, as leftovers are taken out: that is no reason to claim.
        if self.shutdown.is_stopping() {
            return None;
        }
        // We are the only sender: room can only have grown since we looked.
        NonZeroUsize::new(self.sender.room())
    }

    /// Waits for a wake-up or the next poll, whichever comes first; it comes `soon` in a hundredth of the
    /// time. Answers whether it was a wake-up.
    async fn due(&self, soon: bool) -> bool {
        let interval = self.status.cadence.poll();
        let poll = if soon { interval / 100 } else { interval };
        // Jitter keeps many processes from looking at the same moment.
        let poll = poll.mul_f64(0.8 + 0.4 * fastrand::f64());
        tokio::select! {
            () = self.wake.woken() => true,
            () = self.status.cadence.changed() => false,
            () = sleep(poll) => false,
        }
    }

    /// Waits after an error. A wake-up ends it early, but for the shortest pause: it tells that the
    /// database is there again.
    async fn recover(&self, pause: Duration) {
        let (at_least, rest) = (pause.min(FIRST), pause.saturating_sub(FIRST));
        sleep(at_least).await;
        tokio::select! {
            () = self.wake.woken() => {}
            () = sleep(rest) => {}
        }
    }

    /// Sends what was claimed; gives back what cannot be sent any more.
    async fn deliver(&self, items: Vec<P::Item>) {
        self.status.claimed.add(pipe::count(items.len()));
        let mut unsent = Vec::new();
        for item in items {
            if self.shutdown.is_stopping() {
                unsent.push(item);
            } else if let Err(error) = self.sender.try_send(item) {
                // The room was counted: only a publisher that ignores its limit comes here.
                tracing::error!(pipe = self.status.name, item = ?error, "claimed too much");
                unsent.push(error.into_item());
            }
        }
        pipe::release(self.publisher.as_ref(), unsent, &self.status).await;
    }

    fn note_claim_error(&self, error: &P::Error, logged: &mut Option<String>) {
        self.status.claim_errors.add(1);
        let text = pipe::chain(error);
        if logged.as_ref() != Some(&text) {
            tracing::warn!(pipe = self.status.name, error = %text, "claim");
            self.status.set_last_error(text.clone());
            *logged = Some(text);
        }
    }
}
