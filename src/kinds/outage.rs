//! A source that jobs need and that does not answer, as one process sees it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The first pause before the source is tried again; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A circuit breaker: while it is open nothing that needs the source is claimed, but for one job at a
/// time once the pause is over. Clones share it.
#[derive(Clone, Default)]
pub struct Outage(Arc<Mutex<Option<Open>>>);

struct Open {
    reason: String,
    pause: Duration,
    next_try: Instant,
}

impl Outage {
    /// The source does not answer. Failures within a pause are of tries that began before it.
    pub fn failed(&self, reason: &str) {
        self.failed_at(Instant::now(), reason);
    }

    fn failed_at(&self, now: Instant, reason: &str) {
        let mut state = self.0.lock();
        let pause = match &*state {
            Some(open) if now < open.next_try => return,
            Some(open) => (open.pause * 2).min(PAUSE_MAX),
            None => {
                tracing::warn!(reason, "nothing that needs candles is claimed until they answer");
                PAUSE_MIN
            }
        };
        *state = Some(Open { reason: reason.to_owned(), pause, next_try: now + pause });
    }

    /// The source has answered.
    pub fn answered(&self) {
        if self.0.lock().take().is_some() {
            tracing::info!("candles answer again");
        }
    }

    /// Why nothing that needs the source is claimed; `None` while it answers.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.0.lock().as_ref().map(|open| open.reason.clone())
    }

    /// How many jobs that need the source may be claimed, of as many as there is room for.
    #[must_use]
    pub fn room(&self, room: usize) -> usize {
        self.room_at(Instant::now(), room)
    }

    fn room_at(&self, now: Instant, room: usize) -> usize {
        match &*self.0.lock() {
            None => room,
            Some(open) => room.min(usize::from(now >= open.next_try)),
        }
    }
}

impl fmt::Debug for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outage").field("reason", &self.reason()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_breaker_lets_one_through_after_each_pause_and_all_once_it_is_answered() {
        let (outage, begin) = (Outage::default(), Instant::now());
        let after = |seconds: f64| begin + Duration::from_secs_f64(seconds);
        assert_eq!(outage.room_at(begin, 8), 8);
        outage.failed_at(begin, "connection refused");
        assert_eq!(outage.reason().as_deref(), Some("connection refused"));
        assert_eq!([0.0, 0.9, 1.0, 5.0].map(|at| outage.room_at(after(at), 8)), [0, 0, 1, 1]);
        assert_eq!(outage.room_at(after(1.0), 0), 0);
        // Those that were on their way say nothing new; the one that tried doubles the pause.
        outage.failed_at(after(0.5), "late");
        assert_eq!(outage.room_at(after(1.0), 8), 1);
        outage.failed_at(after(1.0), "still");
        assert_eq!([2.9, 3.0].map(|at| outage.room_at(after(at), 8)), [0, 1]);
        let mut at = 3.0;
        for _ in 0..8 {
            outage.failed_at(after(at), "still");
            at += 30.0;
        }
        assert_eq!([at - 0.1, at].map(|at| outage.room_at(after(at), 8)), [0, 1]);
        outage.answered();
        assert_eq!((outage.room_at(after(at), 8), outage.reason()), (8, None));
    }
}
