//! What an interrupted walk-forward goes on from: how far each fold has chosen.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::backtest::{ENGINE_VERSION, METRICS_VERSION, sha256_hex};
use crate::kinds::{Keeper, RunContext, RunError};

/// Version of what is kept.
const VERSION: u32 = 1;

/// How far a fold has chosen. Its best run is not kept: run again, it gives the same bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The first variant not yet run on the train window.
    pub(super) next: u64,
    /// The best of those before it.
    pub(super) best: Option<u64>,
}

/// How far all folds are.
pub(super) struct Kept {
    marks: Mutex<Vec<Mark>>,
    keeper: Mutex<Keeper>,
}

impl Kept {
    /// Goes on from what an interrupted run of this request on these candles has kept, if there is
    /// anything.
    pub(super) async fn find(
        context: &RunContext,
        spec: &str,
        candle_digest: &str,
        folds: usize,
    ) -> Arc<Self> {
        let all = format!("{spec} {candle_digest} {ENGINE_VERSION} {METRICS_VERSION} {VERSION}");
        let key = sha256_hex(all.as_bytes());
        let found = (context.find_checkpoint)(key.clone()).await;
        let found = found.and_then(|bytes| postcard::from_bytes::<Vec<Mark>>(&bytes).ok());
        let found = found.filter(|marks| marks.len() == folds);
        if found.is_some() {
            tracing::info!("goes on from a checkpoint");
        }
        let marks = found.unwrap_or_else(|| vec![Mark::default(); folds]);
        let keeper = Keeper::new(&context.control, context.checkpoints, key);
        Arc::new(Self { marks: Mutex::new(marks), keeper: Mutex::new(keeper) })
    }

    /// How far a fold is.
    pub(super) fn mark(&self, fold: usize) -> Mark {
        self.marks.lock().get(fold).copied().unwrap_or_default()
    }

    /// Notes how far a fold is.
    pub(super) fn note(&self, fold: usize, mark: Mark) {
        if let Some(known) = self.marks.lock().get_mut(fold) {
            *known = mark;
        }
        self.keep();
    }

    /// Hands on the end of the folds; what they have done is kept if they were interrupted.
    pub(super) fn ended<T>(&self, folds: Result<T, RunError>) -> Result<T, RunError> {
        if matches!(folds, Err(RunError::Interrupted)) {
            self.keep();
        }
        folds
    }

    fn keep(&self) {
        self.keeper.lock().look(|_| postcard::to_allocvec(&*self.marks.lock()).ok());
    }
}
