//! Keeps a process from knocking at a database that is gone: one statement tries, the others wait.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The first pause before another try, and the longest; each is shortened by a random part of up to
/// a half.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Closed while the database answers.
#[derive(Debug)]
pub(super) struct Breaker(watch::Sender<State>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed,
    Open { pause: Duration, next_try: Instant, is_tried: bool },
}

impl Default for Breaker {
    fn default() -> Self {
        Self(watch::Sender::new(State::Closed))
    }
}

impl Breaker {
    /// Waits until a statement may be sent: at once while the database answers, otherwise until it
    /// does or it is this one's turn to try. Answers whether that was within `patience`, which is
    /// also what a try may take before somebody else makes the next.
    pub(super) async fn pass(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut changes = self.0.subscribe();
        loop {
            let State::Open { next_try, .. } = *changes.borrow_and_update() else { return true };
            if self.take_turn(patience) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::select! {
                () = sleep_until(next_try.min(deadline)) => {}
                // The sender lives as long as this handle: only a change ends this.
                _ = changes.changed() => {}
            }
        }
    }

    /// Takes the try that is due, so that nobody else does.
    fn take_turn(&self, patience: Duration) -> bool {
        let now = Instant::now();
        self.0.send_if_modified(|state| match state {
            State::Open { next_try, is_tried, .. } if *next_try <= now => {
                (*next_try, *is_tried) = (now + patience, true);
                true
            }
            _ => false,
        })
    }

    /// The database has answered: everybody goes on.
    pub(super) fn answered(&self) {
        if *self.0.borrow() != State::Closed {
            self.0.send_replace(State::Closed);
        }
    }

    /// The database was not reached. The next try is due after a pause, which doubles; failures within
    /// a pause are of statements that were sent before it.
    pub(super) fn lost(&self) {
        let now = Instant::now();
        self.0.send_if_modified(|state| {
            let pause = match *state {
                State::Closed => PAUSE.0,
                State::Open { next_try, is_tried: false, .. } if now < next_try => return false,
                State::Open { pause, .. } => (pause * 2).min(PAUSE.1),
            };
            let next_try = now + pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            *state = State::Open { pause, next_try, is_tried: false };
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    /// Ten tasks that knock at a database which is gone for `outage`; how often they reach it.
    async fn knocks_during(outage: Duration) -> usize {
        let (breaker, knocks) = (Arc::new(Breaker::default()), Arc::new(AtomicUsize::new(0)));
        breaker.lost();
        let back = Instant::now() + outage;
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let (breaker, knocks) = (Arc::clone(&breaker), Arc::clone(&knocks));
                tokio::spawn(async move {
                    loop {
                        if !breaker.pass(PATIENCE).await {
                            continue;
                        }
                        if Instant::now() >= back {
                            breaker.answered();
                            return Instant::now();
                        }
                        knocks.fetch_add(1, Ordering::Relaxed);
                        breaker.lost();
                    }
                })
            })
            .collect();
        for task in tasks {
            let late = task.await.unwrap() - back;
            assert!(late <= PAUSE.1, "{late:?} after the database came back");
        }
        knocks.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_database_is_gone_one_of_many_tries_at_growing_intervals() {
        let knocks = knocks_during(Duration::from_secs(60)).await;
        // 0.1, 0.2, … 3.2 s, then one in 2.5 to 5 s.
        assert!((12..=32).contains(&knocks), "{knocks}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_tries_and_never_comes_back_blocks_nobody_for_longer_than_its_patience() {
        let breaker = Breaker::default();
        breaker.lost();
        assert!(breaker.pass(PATIENCE).await, "the first try");
        let begin = Instant::now();
        assert!(breaker.pass(PATIENCE).await, "the next one");
        assert!(begin.elapsed() <= PATIENCE + Duration::from_millis(10), "{:?}", begin.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_statement_waits_no_longer_than_its_patience_and_goes_on_with_the_first_answer() {
        let breaker = Breaker::default();
        for _ in 0..8 {
            breaker.lost();
            tokio::time::sleep(PAUSE.1).await;
        }
        breaker.lost();
        let begin = Instant::now();
        assert!(!breaker.pass(Duration::from_secs(1)).await);
        assert!(begin.elapsed() >= Duration::from_secs(1));
        let (passed, ()) = tokio::join!(breaker.pass(PATIENCE), async {
            tokio::task::yield_now().await;
            breaker.answered();
        });
        assert!(passed);
    }
}
