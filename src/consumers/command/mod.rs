//! Applies one command of a user and writes what it did, or why not.

mod answer;
mod limit;
mod order;

use std::time::Duration;

use self::answer::answer;
use self::limit::LimitChange;
pub use self::limit::LimitRules;
use self::order::Order;
use super::in_hand::InHand;
use crate::pipeline::{Consumer, Shutdown};
use crate::store::{Command, Store, StoreError};
use crate::worker::{Wakes, Worker};

/// Jobs that one statement takes.
const BATCH: usize = 2_000;
/// A command that could not be applied is found again at once: it rests for so long first.
const REST: Duration = Duration::from_secs(1);

/// Applies commands.
#[derive(Debug)]
pub struct CommandConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    in_hand: InHand<i64>,
    rules: LimitRules,
}

impl CommandConsumer {
    /// Applies commands of this database; `rules` say who may set limits.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, wakes: &Wakes, rules: LimitRules) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            in_hand: InHand::default(),
            rules,
        }
    }

    /// Reads the command, applies it and writes what it did.
    async fn carry_out(&self, id: i64, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(command) = self.store.read_command(id).await? else { return Ok(()) };
        let outcome = match Order::read(&command, &self.rules) {
            Ok(order) => match self.apply(&order, &command, shutdown).await? {
                Some(outcome) => outcome,
                None => return Ok(()),
            },
            Err(refused) => refused,
        };
        tracing::info!(command = id, user = command.user_id, outcome, "command applied");
        self.store.answer_command(id, &outcome).await.map_err(Into::into)
    }

    /// Acts first and looks afterwards: a job may end by itself meanwhile, and other daemons may be
    /// applying the same command. `None` when a stop came first: the command is found again.
    async fn apply(
        &self,
        order: &Order,
        command: &Command,
        shutdown: &Shutdown,
    ) -> Result<Option<String>, StoreError> {
        if let Order::SetRate(change) = order {
            let LimitChange { scope, name, rate, cap } = change;
            self.store.order_limit(command.id, scope, name, *rate, *cap).await?;
            return Ok(Some(change.answer()));
        }
        if *order == Order::Cancel && command.job_id.is_none() {
            self.store.cancel_bundles(command).await?;
        }
        while self.step(order, command).await? > 0 {
            if shutdown.is_stopping() {
                return Ok(None);
            }
        }
        Ok(Some(answer(order, command, &self.store.find_target(command).await?)))
    }

    /// A batch of the jobs that the command reaches. Answers how many were found.
    async fn step(&self, order: &Order, command: &Command) -> Result<i32, StoreError> {
        let store = &self.store;
        match order {
            Order::Cancel => {
                let cancelled = store.cancel_jobs(command, BATCH).await?;
                self.worker.job_events().note(cancelled.ended);
                // Runs of this process end at its next look: now. Others look every second.
                self.worker.look_now();
                self.wakes.wake("bundle_rollup");
                Ok(cancelled.found)
            }
            Order::Pause => store.pause_jobs(command.id, BATCH).await,
            Order::Resume => store.resume_jobs(command.id, BATCH).await,
            Order::Retry => store.retry_jobs(command.id, BATCH).await,
            Order::Reprioritise(priority) => store.move_jobs(command.id, *priority, BATCH).await,
            Order::SetRate(_) => Ok(0),
        }
    }
}

impl Consumer for CommandConsumer {
    type Item = i64;

    async fn consume(&self, id: i64, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(_hold) = self.in_hand.take(id) else { return Ok(()) };
        let done = self.carry_out(id, shutdown).await;
        if done.is_err() {
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                () = shutdown.stopping() => {}
            }
        }
        done
    }
}
