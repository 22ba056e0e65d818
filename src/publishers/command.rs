//! Watches for commands that have not been applied.

use std::num::NonZeroUsize;

use crate::pipeline::Publisher;
use crate::store::{Store, StoreError};

/// Finds commands, oldest first.
#[derive(Debug)]
pub struct CommandPublisher {
    store: Store,
}

impl CommandPublisher {
    /// Commands of this database.
    #[must_use]
    pub fn new(store: &Store) -> Self {
        Self { store: store.clone() }
    }
}

impl Publisher for CommandPublisher {
    type Item = i64;
    type Error = StoreError;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<i64>, StoreError> {
        self.store.commands_to_apply(limit.get()).await
    }

    /// Nothing was taken: applying a command twice does no harm.
    async fn release(&self, _commands: Vec<i64>) -> Result<(), StoreError> {
        Ok(())
    }
}
