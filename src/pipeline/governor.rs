//! Holds how many items start per second and how many run at once; both change while it runs.

use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::governor::clock::Clock;
use ::governor::middleware::NoOpMiddleware;
use ::governor::state::{InMemoryState, NotKeyed};
use ::governor::{Quota, RateLimiter};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::budget::{Budget, Leased};
use super::throttle::{Spacing, Throttle};

/// Rates are held within these limits; one start in twelve days, and one in a nanosecond.
const RATE_MIN: f64 = 1e-6;
const RATE_MAX: f64 = 1e9;
/// How late tokio's timer, which counts whole milliseconds, may be without a start being lost.
const TIMER_LATE_SECONDS: f64 = 0.005;
/// The part of a second's starts that may come at once.
const BURST_SECONDS: f64 = 0.01;

/// A cloneable handle on a rate and a cap. Both are exact for one process; with a [`Budget`] the rate is
/// that of all processes together.
///
/// In any window of `t` seconds at most `rate · t + max(1, rate / 100)` starts are let through,
/// and below 200 per second up to 5 ms' worth more: a part of one start, so that a start which
/// the timer let in late does not delay all that follow.
#[derive(Debug, Clone)]
pub struct Governor(Arc<State>);

#[derive(Debug)]
struct State {
    pace: watch::Sender<Pace>,
    in_flight: AtomicUsize,
    in_flight_max: AtomicUsize,
    freed: Notify,
    budget: OnceLock<Arc<dyn Budget>>,
    leased: Leased,
    spacing: OnceLock<Spacing>,
}

impl Governor {
    /// A governor that lets `rate_per_second` items start (`None`: without limit) and
    /// `in_flight_max` run. A rate that is not a number, or not positive, is the smallest rate.
    #[must_use]
    pub fn new(rate_per_second: Option<f64>, in_flight_max: NonZeroUsize) -> Self {
        Self(Arc::new(State {
            pace: watch::Sender::new(Pace::new(rate_per_second)),
            in_flight: AtomicUsize::new(0),
            in_flight_max: AtomicUsize::new(in_flight_max.get()),
            freed: Notify::new(),
            budget: OnceLock::new(),
            leased: Leased::default(),
            spacing: OnceLock::new(),
        }))
    }

    /// From now on every start is one of this budget's. A governor has one budget at most: another
    /// one is not taken.
    pub fn draw_from(&self, budget: Arc<dyn Budget>) {
        self.0.budget.set(budget).unwrap_or_default();
    }

    /// From now on this pipe goes at the throttle's pace: fewer starts than its rate allows, a rest
    /// after each claim and each batch, smaller batches. A governor has one throttle at most: another
    /// one is not taken.
    pub fn follow(&self, throttle: Throttle) {
        self.0.spacing.set(Spacing::new(throttle)).unwrap_or_default();
    }

    /// How many items to take at a time where `most` is the limit.
    pub(super) fn part_of(&self, most: NonZeroUsize) -> NonZeroUsize {
        self.0.spacing.get().map_or(most, |spacing| spacing.throttle().part_of(most))
    }

    /// Rests as the throttle says after a claim or a batch that took so long.
    pub(super) async fn rest_after(&self, worked: Duration) {
        if let Some(spacing) = self.0.spacing.get() {
            spacing.throttle().rest_after(worked).await;
        }
    }

    /// Exchanges rate and cap. Whoever waits goes on under the new terms at once; a lower cap
    /// takes effect as permits come back. An unchanged rate keeps its history, so that setting
    /// it again gives no new burst.
    pub fn set(&self, rate_per_second: Option<f64>, in_flight_max: NonZeroUsize) {
        let bits = |rate: Option<f64>| rate.map(f64::to_bits);
        self.0.pace.send_if_modified(|pace| {
            let changed = bits(pace.rate_per_second) != bits(rate_per_second);
            if changed {
                *pace = Pace::new(rate_per_second);
            }
            changed
        });
        let max = in_flight_max.get();
        self.0.in_flight_max.store(max, Ordering::Release);
        self.0.freed.notify_waiters();
    }

    /// The rate that is set, in starts per second.
    #[must_use]
    pub fn rate_per_second(&self) -> Option<f64> {
        self.0.pace.borrow().rate_per_second
    }

    /// The cap that is set.
    #[must_use]
    pub fn in_flight_max(&self) -> usize {
        self.0.in_flight_max.load(Ordering::Acquire)
    }

    /// Waits until the next start is due.
    pub async fn pace(&self) {
        if self.0.spacing.get().is_some() || self.0.budget.get().is_some() {
            self.shared_start().await;
        }
        self.pace_alone().await;
    }

    /// Waits for a start that throttle and budget allow, as long as there is a rate; a new rate begins the
    /// wait again.
    async fn shared_start(&self) {
        let mut changes = self.0.pace.subscribe();
        loop {
            let Some(rate) = changes.borrow_and_update().rate_per_second else { return };
            tokio::select! {
                () = self.start_at(within_limits(rate)) => return,
                // The sender lives as long as this handle: only a change ends this.
                _ = changes.changed() => {}
            }
        }
    }

    async fn start_at(&self, rate: f64) {
        // First what only slows: the rates are held to the end.
        if let Some(spacing) = self.0.spacing.get() {
            spacing.start(rate).await;
        }
        if let Some(budget) = self.0.budget.get() {
            self.0.leased.start(budget.as_ref(), rate).await;
        }
    }

    async fn pace_alone(&self) {
        if self.0.pace.borrow().wait().is_none() {
            return;
        }
        let mut changes = self.0.pace.subscribe();
        loop {
            // Read before the look: a change after this line ends the wait below.
            let wait = changes.borrow_and_update().wait();
            let Some(wait) = wait else { return };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // The sender lives as long as this handle: only a change ends this.
                _ = changes.changed() => {}
            }
        }
    }

    /// Waits for a free place in flight. The place is free again when the permit is dropped.
    pub async fn permit(&self) -> Permit {
        loop {
            if let Some(permit) = self.try_permit() {
                return permit;
            }
            let mut freed = pin!(self.0.freed.notified());
            // Listening before the second look: a place freed in between is not missed.
            freed.as_mut().enable();
            if let Some(permit) = self.try_permit() {
                return permit;
            }
            freed.await;
        }
    }

    fn try_permit(&self) -> Option<Permit> {
        let max = self.in_flight_max();
        let place = |now: usize| (now < max).then_some(now + 1);
        self.0
            .in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, place)
            .ok()
            .map(|_| Permit(Arc::clone(&self.0)))
    }
}

/// A place in flight.
#[derive(Debug)]
pub struct Permit(Arc<State>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

/// A rate with the limiter that holds it. Quotas are immutable, so a new rate is a new `Pace`.
#[derive(Debug)]
struct Pace {
    rate_per_second: Option<f64>,
    limiter: Option<Limiter>,
}

impl Pace {
    fn new(rate_per_second: Option<f64>) -> Self {
        Self { rate_per_second, limiter: rate_per_second.and_then(Limiter::new) }
    }

    /// Counts one start, or says how long to wait until one is due.
    fn wait(&self) -> Option<Duration> {
        self.limiter.as_ref().and_then(Limiter::wait)
    }
}

fn within_limits(rate: f64) -> f64 {
    if rate.is_nan() { RATE_MIN } else { rate.clamp(RATE_MIN, RATE_MAX) }
}

#[derive(Debug)]
struct Limiter {
    cells: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    cells_per_start: NonZeroU32,
    clock: TokioClock,
}

impl Limiter {
    fn new(rate_per_second: f64) -> Option<Self> {
        let rate = within_limits(rate_per_second);
        let burst = (1.0 + rate * TIMER_LATE_SECONDS).min(2.0);
        let burst = burst.max(rate * BURST_SECONDS);
        // The crate's bursts are whole cells. At low rates a start is a hundred cells, so that a
        // burst can be a start and a fraction.
        let cells_per_start = if rate < 1000.0 { 100 } else { 1 };
        let cells = f64::from(cells_per_start);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 10,000,000 for all rates within the limits"
        )]
        let burst_cells = NonZeroU32::new((burst * cells) as u32)?;
        let clock = TokioClock(Instant::now());
        let quota = Quota::with_period(Duration::from_secs_f64(1.0 / (rate * cells)))?;
        Some(Self {
            cells: RateLimiter::direct_with_clock(quota.allow_burst(burst_cells), clock),
            cells_per_start: NonZeroU32::new(cells_per_start)?,
            clock,
        })
    }

    fn wait(&self) -> Option<Duration> {
        // The outer error means a burst smaller than one start, which `new` rules out.
        let refused = self.cells.check_n(self.cells_per_start).ok()?.err()?;
        Some(refused.wait_time_from(self.clock.now()))
    }
}

/// Tokio's clock, so that waiting and counting go by the same time, also where a test pauses it.
#[derive(Debug, Clone, Copy)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}
