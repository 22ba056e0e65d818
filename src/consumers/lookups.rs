//! Looks for stored results of equal variants; runs that ask at the same time share a statement.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::store::Store;

/// Questions in one statement.
const BATCH_MAX: usize = 500;

/// Questions to the table of results.
#[derive(Debug)]
pub(super) struct Lookups {
    store: Store,
    waiting: Mutex<Vec<Question>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Question {
    variant_digest: String,
    reply: oneshot::Sender<Option<Value>>,
}

impl Lookups {
    pub(super) fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The stored row of an equal variant. Without an answer of the database there is none: the run
    /// computes it itself.
    pub(super) async fn find(&self, variant_digest: String) -> Option<Value> {
        let (reply, mut answer) = oneshot::channel();
        self.waiting.lock().push(Question { variant_digest, reply });
        // While one asks, the others gather; whoever is next asks for all of them.
        let turn = self.turn.lock().await;
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        let batch: Vec<Question> = {
            let mut waiting = self.waiting.lock();
            let count = waiting.len().min(BATCH_MAX);
            waiting.drain(..count).collect()
        };
        self.ask(batch).await;
        drop(turn);
        answer.await.ok().flatten()
    }

    async fn ask(&self, batch: Vec<Question>) {
        let digests: Vec<String> =
            batch.iter().map(|question| question.variant_digest.clone()).collect();
        let found = self.store.find_results(&digests).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "equal results not looked for");
            HashMap::new()
        });
        for Question { variant_digest, reply } in batch {
            if reply.send(found.get(&variant_digest).cloned()).is_err() {
                tracing::trace!("the run that asked has ended");
            }
        }
    }
}
