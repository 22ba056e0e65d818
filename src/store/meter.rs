//! What the statements of a process cost it: counted as they pass, read by whoever watches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

/// Upper bounds of the classes that times of statements are counted in, seconds; what is longer comes last.
pub const TIME_BOUNDS: [f64; 8] = [0.001, 0.004, 0.016, 0.064, 0.256, 1.0, 4.0, 16.0];

/// Sums since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Meter {
    statements: AtomicU64,
    statement_us: AtomicU64,
    waits: AtomicU64,
    wait_us: AtomicU64,
    by_name: RwLock<BTreeMap<&'static str, Arc<Times>>>,
}

/// Times of one statement.
#[derive(Debug, Default)]
struct Times {
    classes: [AtomicU64; TIME_BOUNDS.len() + 1],
    sum_us: AtomicU64,
    errors: AtomicU64,
}

/// How long one statement took since the start of the process.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementTimes {
    /// Its verb and object.
    pub statement: &'static str,
    /// How many fell between each of [`TIME_BOUNDS`] and the one before; what was longer comes last.
    pub classes: [u64; TIME_BOUNDS.len() + 1],
    /// All of them, one after the other.
    pub sum: Duration,
    /// How many failed.
    pub errors: u64,
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
    pub(super) fn answered(&self, statement: &'static str, took: Duration, failed: bool) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.statement_us.fetch_add(micros(took), Ordering::Relaxed);
        let times = self.times_of(statement);
        let seconds = took.as_secs_f64();
        let class = TIME_BOUNDS.iter().take_while(|bound| seconds > **bound).count();
        if let Some(class) = times.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        times.sum_us.fetch_add(micros(took), Ordering::Relaxed);
        times.errors.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    fn times_of(&self, statement: &'static str) -> Arc<Times> {
        if let Some(times) = self.by_name.read().get(statement) {
            return Arc::clone(times);
        }
        Arc::clone(self.by_name.write().entry(statement).or_default())
    }

    pub(super) fn by_statement(&self) -> Vec<StatementTimes> {
        let read = |(&statement, times): (&&'static str, &Arc<Times>)| StatementTimes {
            statement,
            classes: std::array::from_fn(|class| {
                times.classes.get(class).map_or(0, |count| count.load(Ordering::Relaxed))
            }),
            sum: Duration::from_micros(times.sum_us.load(Ordering::Relaxed)),
            errors: times.errors.load(Ordering::Relaxed),
        };
        self.by_name.read().iter().map(read).collect()
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
