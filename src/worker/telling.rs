//! What the process tells of itself with its renewals.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

type Figures = Box<dyn Fn() -> String + Send + Sync>;

/// When figures are due, and who knows them.
pub(super) struct Telling {
    every: Duration,
    figures: OnceLock<Figures>,
    told: Mutex<Option<Instant>>,
}

impl fmt::Debug for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telling").field("every", &self.every).finish_non_exhaustive()
    }
}

impl Telling {
    /// Tells nothing until [`Self::begin`]; never where `every_ms` is 0.
    pub(super) fn every(every_ms: u64) -> Self {
        let every = Duration::from_millis(every_ms);
        Self { every, figures: OnceLock::new(), told: Mutex::new(None) }
    }

    /// From now on these are told.
    pub(super) fn begin(&self, figures: impl Fn() -> String + Send + Sync + 'static) {
        if self.figures.set(Box::new(figures)).is_err() {
            tracing::debug!("told before");
        }
    }

    /// The figures, where it is time for them. Renewals are a little late, never early.
    pub(super) fn due(&self) -> Option<String> {
        let figures = self.figures.get().filter(|_| !self.every.is_zero())?;
        let mut told = self.told.lock();
        let is_early = told.is_some_and(|told| told.elapsed() < self.every);
        if is_early {
            return None;
        }
        *told = Some(Instant::now());
        drop(told);
        Some(figures())
    }
}
