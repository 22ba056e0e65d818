//! What the statements of a process cost it: counted as they pass, read by whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Sums since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Meter {
    statements: AtomicU64,
    statement_us: AtomicU64,
    waits: AtomicU64,
    wait_us: AtomicU64,
}

/// What statements have cost so far; the difference of two is what happened in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metered {
    /// Statements answered, or given up.
    pub statements: u64,
    /// How long they took, one after the other.
    pub statement_time: Duration,
    /// Connections taken out of the pool.
    pub waits: u64,
    /// How long was waited for them.
    pub wait_time: Duration,
}

impl Meter {
    pub(super) fn answered(&self, took: Duration) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.statement_us.fetch_add(micros(took), Ordering::Relaxed);
    }

    pub(super) fn waited(&self, took: Duration) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.wait_us.fetch_add(micros(took), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Metered {
        let read = |sum: &AtomicU64| sum.load(Ordering::Relaxed);
        Metered {
            statements: read(&self.statements),
            statement_time: Duration::from_micros(read(&self.statement_us)),
            waits: read(&self.waits),
            wait_time: Duration::from_micros(read(&self.wait_us)),
        }
    }
}

impl Metered {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            statements: self.statements.saturating_sub(earlier.statements),
            statement_time: self.statement_time.saturating_sub(earlier.statement_time),
            waits: self.waits.saturating_sub(earlier.waits),
            wait_time: self.wait_time.saturating_sub(earlier.wait_time),
        }
    }

    /// Mean wait for a connection; `None` where none was taken.
    #[must_use]
    pub fn mean_wait(&self) -> Option<Duration> {
        mean(self.wait_time, self.waits)
    }

    /// Mean time of a statement; `None` where there was none.
    #[must_use]
    pub fn mean_statement(&self) -> Option<Duration> {
        mean(self.statement_time, self.statements)
    }
}

fn mean(sum: Duration, count: u64) -> Option<Duration> {
    sum.checked_div(u32::try_from(count).unwrap_or(u32::MAX))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
