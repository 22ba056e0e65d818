//! Permit, receive, pace, spawn: one item at a time into a task of its own.

use std::sync::Arc;

use tokio::task::coop::consume_budget;

use super::channel::Receiver;
use super::in_flight::InFlight;
use super::pulse::Pulse;
use super::shutdown::Shutdown;
use super::status::PipeStatus;
use super::{Consumer, pipe};

pub(crate) struct ConsumeLoop<C> {
    pub(crate) consumer: Arc<C>,
    pub(crate) status: Arc<PipeStatus>,
    pub(crate) shutdown: Shutdown,
}

impl<C: Consumer> pipe::Consume<C::Item> for ConsumeLoop<C> {
    async fn run(
        &self,
        items: &Receiver<C::Item>,
        pulse: &mut Pulse,
        in_flight: &mut InFlight,
    ) -> Vec<C::Item> {
        let governor = &self.status.governor;
        loop {
            // A loop that never has to wait must still let others run.
            consume_budget().await;
            pulse.beat();
            // The permit comes first, so that nothing is received that could not start.
            let Some(permit) = pulse.wait(governor.permit()).await else {
                return Vec::new();
            };
            let Some(Some(item)) = pulse.wait(items.recv()).await else {
                return Vec::new();
            };
            if !self.consumer.wants(&item) {
                continue;
            }
            // The pace comes after the receive, so that an idle spell earns no start.
            if pulse.wait(governor.pace()).await.is_none() {
                return vec![item];
            }
            let label = format!("{item:?}");
            let consumer = Arc::clone(&self.consumer);
            let shutdown = self.shutdown.clone();
            in_flight.start(
                permit,
                1,
                label,
                async move { consumer.consume(item, &shutdown).await },
            );
        }
    }
}
