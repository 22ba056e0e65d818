//! Applies one command of a user and writes what it did, or why not.

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
}

impl CommandConsumer {
    /// Applies commands of this database.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, wakes: &Wakes) -> Self {
        Self { store: store.clone(), worker: worker.clone(), wakes: wakes.clone() }
    }

    async fn cancel(&self, command: &Command) -> Result<String, StoreError> {
        let target = self.store.find_target(command).await?;
        if let Some(refusal) = refusal(command, &target) {
            return Ok(refusal);
        }
        let mut jobs = i64::from(command.affected);
        let mut bundles = 0;
        if command.job_id.is_none() {
            bundles = self.store.cancel_bundles(command).await?;
        }
        loop {
            let cancelled = self.store.cancel_jobs(command, CANCEL_BATCH).await?;
            // Runs of this process end at its next look: now. Others look every second.
            self.worker.look_now();
            self.wakes.wake("bundle_rollup");
            if cancelled == 0 {
                break;
            }
            jobs += i64::from(cancelled);
        }
        Ok(match (command.job_id, command.bundle_id) {
            (Some(job), _) => format!("cancelled job {job}"),
            (None, Some(bundle)) => {
                format!("cancelled bundle {bundle}: {}", counted(jobs, "open job"))
            }
            (None, None) => {
                format!(
                    "cancelled {} and {}",
                    counted(bundles.into(), "open bundle"),
                    counted(jobs, "open job")
                )
            }
        })
    }
}

impl Consumer for CommandConsumer {
    type Item = i64;

    async fn consume(&self, id: i64, _shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(command) = self.store.read_command(id).await? else { return Ok(()) };
        let outcome = match command.action.as_str() {
            "cancel" => self.cancel(&command).await?,
            other => format!("unknown action {other:?}, allowed: {}", ACTIONS.join(", ")),
        };
        tracing::info!(command = id, user = command.user_id, outcome, "command applied");
        self.store.answer_command(id, &outcome).await.map_err(Into::into)
    }
}

/// Why the command cannot reach what it names. Somebody else's is answered like a missing one.
fn refusal(command: &Command, target: &Target) -> Option<String> {
    let user = &command.user_id;
    if let Some(bundle) = command.bundle_id {
        return match target.bundle_status.as_deref() {
            None => Some(format!("user {user:?} has no bundle {bundle}")),
            Some("pending" | "expanding" | "running") => None,
            Some(status) => Some(format!("bundle {bundle} has ended already: {status}")),
        };
    }
    let job = command.job_id?;
    match target.job_status.as_deref() {
        None => Some(format!("user {user:?} has no job {job}")),
        Some("open") => None,
        // An earlier try of this very command did it.
        Some("cancelled") if command.affected > 0 => None,
        Some(status) => Some(format!("job {job} has ended already: {status}")),
    }
}

fn counted(count: i64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
