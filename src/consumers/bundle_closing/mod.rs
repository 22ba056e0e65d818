//! Closes a bundle whose jobs have all ended: trades and checks of the best, what the variants show
//! together, ranking, status.

mod best;
mod groups;
mod judgement;
mod surface;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::in_hand::InHand;
use crate::kinds::RunControl;
use crate::kinds::backtest::Validate;
use crate::pipeline::{Consumer, Shutdown, Slots};
use crate::store::{EndedBundle, Store, StoreError};
use crate::worker::Worker;

/// A bundle that was begun this often is ended without a judgement: whoever tried died of it.
const CLOSINGS_MAX: u32 = 5;

/// The hold is renewed this often while it lasts.
const RENEWALS: u32 = 3;

/// Limits of closing a bundle.
#[derive(Debug, Clone, Copy)]
pub struct ClosingLimits {
    /// Places in the ranking, and most groups of comparable results that are judged.
    pub ranks: usize,
    /// Daily returns of one group may take up to this many bytes.
    pub returns_bytes_max: u64,
    /// A bundle is held this long without a renewal, milliseconds.
    pub hold_ms: u64,
}

/// Closes bundles.
pub struct BundleClosingConsumer {
    store: Store,
    worker: Worker,
    validate: Validate,
    slots: Arc<Slots>,
    limits: ClosingLimits,
    in_hand: InHand<Uuid>,
    /// The daily returns of one group only are in memory at a time.
    turn: Semaphore,
}

impl fmt::Debug for BundleClosingConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleClosingConsumer")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How work on a bundle ended.
enum Work {
    /// What is to be said of it.
    Said(Value),
    /// A stop came first.
    Stopped,
    /// Its user cancelled it.
    Cancelled,
    /// Another process has taken it.
    Lost,
}

impl BundleClosingConsumer {
    /// Closes bundles of this store; `validate` checks single results, statistics take one of the
    /// slots.
    #[must_use]
    pub fn new(
        store: &Store,
        worker: &Worker,
        validate: Validate,
        slots: Arc<Slots>,
        limits: ClosingLimits,
    ) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            validate,
            slots,
            limits,
            in_hand: InHand::default(),
            turn: Semaphore::new(1),
        }
    }

    /// Goes on with the work for as long as the bundle is ours and nobody wants it to end.
    async fn while_held(
        &self,
        bundle: Uuid,
        control: &RunControl,
        shutdown: &Shutdown,
        work: impl Future<Output = anyhow::Result<Work>>,
    ) -> anyhow::Result<Work> {
        tokio::pin!(work);
        let hold = Duration::from_millis(self.limits.hold_ms);
        let mut renewals = interval(hold / RENEWALS);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let why = loop {
            tokio::select! {
                done = &mut work => return done,
                () = shutdown.aborting() => break Work::Stopped,
                _ = renewals.tick() => {
                    let hold_ms = i64::try_from(self.limits.hold_ms).unwrap_or(i64::MAX);
                    match self.store.hold_bundle(self.worker.id(), bundle, hold_ms).await {
                        Ok(Some(false)) => {}
                        Ok(Some(true)) => break Work::Cancelled,
                        Ok(None) => break Work::Lost,
                        // Whoever finds the hold run out goes on; our own work is told at its next write.
                        Err(error) => tracing::debug!(%bundle, %error, "hold not renewed"),
                    }
                }
            }
        };
        control.cancel();
        // What it has to say is not wanted any more.
        drop(work.await);
        Ok(why)
    }

    /// Checks the best, and judges all.
    async fn judge(
        &self,
        bundle: Uuid,
        ended: &EndedBundle,
        control: &Arc<RunControl>,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Work> {
        match self.check_best(bundle, ended, control, shutdown).await {
            Ok(true) => {}
            Ok(false) => return Ok(Work::Stopped),
            Err(error) if is_outage(&error) => return Err(error),
            // The ranking stands without it; a bundle must end.
            Err(error) => {
                tracing::warn!(%bundle, error = format!("{error:#}"), "the best are not checked");
            }
        }
        match self.judgement(bundle, ended, control, shutdown).await {
            Ok(Some(said)) => Ok(Work::Said(said)),
            Ok(None) => Ok(Work::Stopped),
            Err(error) if is_outage(&error) => Err(error),
            Err(error) => {
                tracing::warn!(%bundle, error = format!("{error:#}"), "the bundle is not judged");
                Ok(Work::Said(not_judged(&format!("{error:#}"))))
            }
        }
    }
}

impl Consumer for BundleClosingConsumer {
    type Item = Uuid;

    async fn consume(&self, bundle: Uuid, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(_hold) = self.in_hand.take(bundle) else { return Ok(()) };
        let worker = self.worker.id();
        let Some(ended) = self.store.read_ended_bundle(worker, bundle).await? else {
            return Ok(());
        };
        let work = if ended.cancelled {
            Work::Cancelled
        } else if ended.closings > CLOSINGS_MAX {
            let deaths = ended.closings - 1;
            Work::Said(not_judged(&format!("the processes that tried died {deaths} times")))
        } else {
            let control = Arc::new(RunControl::default());
            let work = self.judge(bundle, &ended, &control, shutdown);
            Box::pin(self.while_held(bundle, &control, shutdown, work)).await?
        };
        let said = match work {
            Work::Said(said) => said,
            Work::Cancelled => not_judged("it was cancelled"),
            Work::Lost => return Ok(()),
            Work::Stopped => {
                return self.store.give_bundles_back(worker, &[bundle]).await.map_err(Into::into);
            }
        };
        if let Some(status) = self.store.finish_bundle(bundle, self.limits.ranks, &said).await? {
            tracing::info!(%bundle, status, "bundle ended");
        }
        Ok(())
    }
}

/// What is said of a bundle without a judgement.
fn not_judged(reason: &str) -> Value {
    json!({
        "statistics": { "not_computed": reason },
        "verdict": format!("Not judged: {reason}."),
    })
}

fn is_outage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StoreError>().is_some_and(StoreError::is_outage)
}
