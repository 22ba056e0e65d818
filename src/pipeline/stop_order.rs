//! Watches over everything that runs, and stops it in order.

use std::mem::take;
use std::pin::pin;
use std::time::Duration;

use thiserror::Error;
use tokio::time::{sleep, timeout};

use super::StopSettings;
use super::shutdown::Shutdown;
use super::status::StatusBoard;
use super::task_set::TaskSet;

/// How often a stop that takes long says what it waits for.
const STILL_STOPPING: Duration = Duration::from_secs(5);

/// Why a run of pipes did not end as it should.
#[derive(Debug, Error)]
pub enum PipesError {
    /// Two pipes or tasks have one name.
    #[error("the name `{name}` is given twice")]
    DuplicateName {
        /// The name.
        name: &'static str,
    },
    /// A task ended although no stop was asked for.
    #[error("`{name}` ended by itself")]
    EndedByItself {
        /// The task.
        name: &'static str,
    },
    /// A pipe's loop or a task failed or panicked.
    #[error("run `{name}`")]
    Failed {
        /// The pipe or task.
        name: &'static str,
        /// What it said.
        source: anyhow::Error,
    },
    /// Pipes or tasks that did not end although they were told to abort; they were cut off.
    #[error("abandoned: {}", names.join(", "))]
    Abandoned {
        /// The pipes and tasks.
        names: Vec<&'static str>,
    },
}

/// Everything that was started.
pub(crate) struct Running {
    pub(crate) pipes: TaskSet,
    pub(crate) tasks: TaskSet,
    board: StatusBoard,
    stop: StopSettings,
    shutdown: Shutdown,
    first_error: Option<PipesError>,
}

impl Running {
    pub(crate) fn new(board: StatusBoard, stop: StopSettings, shutdown: Shutdown) -> Self {
        Self {
            pipes: TaskSet::default(),
            tasks: TaskSet::default(),
            board,
            stop,
            shutdown,
            first_error: None,
        }
    }

    pub(crate) async fn run(mut self) -> Result<(), PipesError> {
        let shutdown = self.shutdown.clone();
        let mut overdue = pin!(overdue(&shutdown, self.stop));
        let mut stopping = pin!(still_stopping(&shutdown));
        while !(self.pipes.is_empty() && shutdown.is_stopping()) {
            tokio::select! {
                Some((name, result)) = self.pipes.next() => self.note_end(name, result),
                Some((name, result)) = self.tasks.next() => self.note_end(name, result),
                () = &mut stopping => {
                    self.say_who_runs();
                    stopping.set(still_stopping(&shutdown));
                }
                () = &mut overdue => {
                    // Dropping the set cuts its tasks off.
                    let pipes = take(&mut self.pipes);
                    self.note_error(PipesError::Abandoned { names: pipes.names() });
                    break;
                }
                // Without pipes, this is what ends the loop.
                () = shutdown.stopping(), if self.pipes.is_empty() => {}
            }
        }
        shutdown.all_stopped();
        let patience = Duration::from_millis(self.stop.abort_ms);
        if timeout(patience, self.end_tasks()).await.is_err() {
            let tasks = take(&mut self.tasks);
            self.note_error(PipesError::Abandoned { names: tasks.names() });
        }
        self.first_error.map_or(Ok(()), Err)
    }

    async fn end_tasks(&mut self) {
        while let Some((name, result)) = self.tasks.next().await {
            self.note_end(name, result);
        }
    }

    fn note_end(&mut self, name: &'static str, result: anyhow::Result<()>) {
        let error = match result {
            Ok(()) if self.shutdown.is_stopping() => {
                tracing::debug!(name, "ended");
                return;
            }
            Ok(()) => PipesError::EndedByItself { name },
            Err(source) => PipesError::Failed { name, source },
        };
        self.note_error(error);
        self.shutdown.stop();
    }

    fn note_error(&mut self, error: PipesError) {
        tracing::error!(error = %super::pipe::chain(&error), "pipes");
        self.first_error.get_or_insert(error);
    }

    fn say_who_runs(&self) {
        let in_flight = |name: &&str| {
            let running = self.board.pipe(name).map_or(0, |pipe| pipe.in_flight);
            format!("{name} ({running} in flight)")
        };
        let names = self.pipes.names();
        let pipes: Vec<_> = names.iter().map(in_flight).collect();
        tracing::info!(pipes = pipes.join(", "), "still stopping");
    }
}

/// Waits for the stop, ends the grace period in time, and returns when patience is at its end.
async fn overdue(shutdown: &Shutdown, stop: StopSettings) {
    shutdown.stopping().await;
    sleep(Duration::from_millis(stop.drain_ms)).await;
    shutdown.abort();
    sleep(Duration::from_millis(stop.abort_ms)).await;
}

async fn still_stopping(shutdown: &Shutdown) {
    shutdown.stopping().await;
    sleep(STILL_STOPPING).await;
}
