//! Spawned tasks that have names, so that whoever ends or does not end can be called by it.

use std::collections::HashMap;
use std::future::Future;

use tokio::task::{Id, JoinSet};

use super::Panicked;

/// Dropping it aborts what still runs.
#[derive(Debug, Default)]
pub(crate) struct TaskSet {
    tasks: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, &'static str>,
}

impl TaskSet {
    pub(crate) fn spawn<F>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Waits for the next task to end; `None` when there is none. A panic is an error.
    pub(crate) async fn next(&mut self) -> Option<(&'static str, anyhow::Result<()>)> {
        let (id, result) = match self.tasks.join_next_with_id().await? {
            Ok((id, result)) => (id, result),
            Err(error) => (error.id(), Err(from_join(error))),
        };
        Some((self.names.remove(&id)?, result))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Who still runs, in order of the alphabet.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        names
    }
}

fn from_join(error: tokio::task::JoinError) -> anyhow::Error {
    match error.try_into_panic() {
        Ok(payload) => Panicked::new(payload.as_ref()).into(),
        Err(cancelled) => cancelled.into(),
    }
}
