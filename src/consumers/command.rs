//! Applies one command of a user and writes what it did, or why not.

use super::in_hand::InHand;
use crate::pipeline::{Consumer, Shutdown};
use crate::store::{Command, Store, StoreError, Target};
use crate::worker::{Wakes, Worker};

/// Jobs cancelled in one statement.
const CANCEL_BATCH: usize = 2_000;
/// What users may order.
const ACTIONS: [&str; 1] = ["cancel"];

/// Applies commands.
#[derive(Debug)]
pub struct CommandConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    in_hand: InHand<i64>,
}

impl CommandConsumer {
    /// Applies commands of this database.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, wakes: &Wakes) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            in_hand: InHand::default(),
        }
    }

    /// Acts first and looks afterwards: a job may end by itself meanwhile, and other daemons may be
    /// applying the same command. `None` when a stop came first: the command is found again.
    async fn cancel(
        &self,
        command: &Command,
        shutdown: &Shutdown,
    ) -> Result<Option<String>, StoreError> {
        if command.job_id.is_none() {
            self.store.cancel_bundles(command).await?;
        }
        loop {
            let found = self.store.cancel_jobs(command, CANCEL_BATCH).await?;
            // Runs of this process end at its next look: now. Others look every second.
            self.worker.look_now();
            self.wakes.wake("bundle_rollup");
            if found == 0 {
                break;
            }
            if shutdown.is_stopping() {
                return Ok(None);
            }
        }
        Ok(Some(answer(command, &self.store.find_target(command).await?)))
    }
}

impl Consumer for CommandConsumer {
    type Item = i64;

    async fn consume(&self, id: i64, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(_hold) = self.in_hand.take(id) else { return Ok(()) };
        let Some(command) = self.store.read_command(id).await? else { return Ok(()) };
        let outcome = match command.action.as_str() {
            "cancel" => match self.cancel(&command, shutdown).await? {
                Some(outcome) => outcome,
                None => return Ok(()),
            },
            other => format!("unknown action {other:?}, allowed: {}", ACTIONS.join(", ")),
        };
        tracing::info!(command = id, user = command.user_id, outcome, "command applied");
        self.store.answer_command(id, &outcome).await.map_err(Into::into)
    }
}

/// What the command did, or why not. Somebody else's is answered like a missing one.
fn answer(command: &Command, target: &Target) -> String {
    let user = &command.user_id;
    let jobs = counted(target.jobs, "open job");
    if let Some(bundle) = command.bundle_id {
        return match target.bundle_status.as_deref() {
            None => format!("user {user:?} has no bundle {bundle}"),
            Some(_) if target.reached => format!("cancelled bundle {bundle}: {jobs}"),
            Some(status) => format!("bundle {bundle} has ended already: {status}"),
        };
    }
    let Some(job) = command.job_id else {
        return format!("cancelled {} and {jobs}", counted(target.bundles, "open bundle"));
    };
    match target.job_status.as_deref() {
        None => format!("user {user:?} has no job {job}"),
        Some(_) if target.reached => format!("cancelled job {job}"),
        Some(status) => format!("job {job} has ended already: {status}"),
    }
}

fn counted(count: i32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
