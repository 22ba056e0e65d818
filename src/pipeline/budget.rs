//! Starts that a cluster shares: leased as slices of time, spent one by one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

/// A lease is for this part of a second's starts, or for one.
const CHUNK_SECONDS: f64 = 0.25;
/// A start that was not taken so long after it was due is lost: whoever was stopped meanwhile must
/// not come back with a burst.
const EXPIRY: Duration = Duration::from_millis(250);
/// Pause after a lease that failed.
const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// Starts leased at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// How many; none where others have leased far ahead.
    pub starts: u32,
    /// When the first is due, or when to ask again; the others follow at the rate.
    pub begins_in: Duration,
}

/// The future of a lease.
pub type Leasing<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Slice>> + Send + 'a>>;

/// Gives out the starts of one pipe to all processes.
pub trait Budget: Send + Sync + fmt::Debug + 'static {
    /// Leases `want` starts of a budget of `rate` per second.
    fn lease(&self, rate: f64, want: u32) -> Leasing<'_>;
}

/// What is left of the last lease.
#[derive(Debug)]
pub(super) struct Leased(Mutex<Left>);

#[derive(Debug, Clone, Copy)]
struct Left {
    rate: f64,
    starts: u32,
    next: Instant,
}

impl Default for Leased {
    fn default() -> Self {
        Self(Mutex::new(Left { rate: 0.0, starts: 0, next: Instant::now() }))
    }
}

impl Leased {
    /// Waits for a start of this budget at this rate.
    pub(super) async fn start(&self, budget: &dyn Budget, rate: f64) {
        let mut failing = false;
        loop {
            let mut left = self.0.lock().await;
            if left.rate.to_bits() != rate.to_bits() {
                *left = Left { rate, starts: 0, ..*left };
            }
            if let Some(due) = left.take(Instant::now()) {
                drop(left);
                sleep_until(due).await;
                return;
            }
            match budget.lease(rate, chunk(rate)).await {
                Ok(Slice { starts: 0, begins_in }) => {
                    drop(left);
                    sleep(begins_in).await;
                }
                Ok(Slice { starts, begins_in }) => {
                    *left = Left { rate, starts, next: Instant::now() + begins_in };
                }
                Err(error) => {
                    drop(left);
                    if !failing {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "no starts leased; nothing starts"
                        );
                    }
                    failing = true;
                    sleep(FAILED_PAUSE).await;
                }
            }
        }
    }
}

impl Left {
    /// When the next start is due; those that expired are lost.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        let gap = Duration::from_secs_f64(1.0 / self.rate);
        while self.starts > 0 {
            let due = self.next;
            self.starts -= 1;
            self.next += gap;
            if now <= due + EXPIRY {
                return Some(due);
            }
        }
        None
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are at most a thousand million"
)]
fn chunk(rate: f64) -> u32 {
    (rate * CHUNK_SECONDS).max(1.0) as u32
}
