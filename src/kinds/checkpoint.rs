//! What an interrupted run goes on from, and when keeping it is worth it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RunControl;

/// What a run needs to go on from where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// What decides over the run: only a run with the same key may go on from it.
    pub key: String,
    /// Where it was.
    pub state: Vec<u8>,
}

/// The state kept under this key by an interrupted run of the same job; none where there is none.
pub type FindCheckpoint =
    Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>> + Send + Sync>;

/// When checkpoints are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointLimits {
    /// A run keeps one when it has computed for so long, and again after as long.
    pub every: Duration,
    /// More bytes are not kept.
    pub bytes_max: usize,
}

impl CheckpointLimits {
    /// Nothing is ever kept.
    pub const NEVER: Self = Self { every: Duration::MAX, bytes_max: 0 };
}

/// Keeps checkpoints of one run.
#[derive(Debug)]
pub(super) struct Keeper {
    control: Arc<RunControl>,
    limits: CheckpointLimits,
    key: String,
    began: Instant,
    last: Instant,
}

impl Keeper {
    /// A run begins.
    pub(super) fn new(control: &Arc<RunControl>, limits: CheckpointLimits, key: String) -> Self {
        let now = Instant::now();
        Self { control: Arc::clone(control), limits, key, began: now, last: now }
    }

    /// Keeps what `state` makes of at most so many bytes, if it is time: it is long since the last one,
    /// or a run that is long enough to be kept is to end.
    pub(super) fn look(&mut self, state: impl FnOnce(usize) -> Option<Vec<u8>>) {
        let CheckpointLimits { every, bytes_max } = self.limits;
        let since = if self.control.is_cancelled() { self.began } else { self.last };
        if since.elapsed() < every {
            return;
        }
        self.last = Instant::now();
        if let Some(state) = state(bytes_max).filter(|state| state.len() <= bytes_max) {
            self.control.keep(Checkpoint { key: self.key.clone(), state });
        }
    }
}
