//! Finds out that connections have fallen silent, as after a failover that nobody told: a statement was given
//! up without an answer, and one that was sent later has been answered. What was sent before that is not worth
//! waiting for to the end of its own patience.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// An older statement gets this much more time once a younger one has been answered: a server that was only
/// slow is not asked twice for what it is about to say.
const GRACE: Duration = Duration::from_secs(5);

/// What all statements of a process know of each other.
#[derive(Debug, Default)]
pub(super) struct Silence(watch::Sender<Known>);

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Known {
    /// When a statement was given up last.
    given_up: Option<Instant>,
    /// When one that was sent after that was answered.
    answered: Option<Instant>,
}

impl Silence {
    /// A statement was given up without an answer.
    pub(super) fn fell(&self) {
        self.0.send_replace(Known { given_up: Some(Instant::now()), answered: None });
    }

    /// Whether a connection that was opened then may have fallen silent with others.
    pub(super) fn is_before(&self, opened: Instant) -> bool {
        self.0.borrow().given_up.is_some_and(|given_up| opened < given_up)
    }

    /// A statement that was sent at `began` has been answered.
    pub(super) fn broke(&self, began: Instant) {
        let is_news = |known: &Known| {
            known.answered.is_none() && known.given_up.is_some_and(|given_up| given_up < began)
        };
        if is_news(&self.0.borrow()) {
            self.0.send_modify(|known| known.answered = Some(Instant::now()));
        }
    }

    /// Waits until a statement that was sent at `began` is not worth waiting for any longer.
    pub(super) async fn outlasts(&self, began: Instant) {
        let mut news = self.0.subscribe();
        loop {
            let Known { given_up, answered } = *news.borrow_and_update();
            let is_older = given_up.is_some_and(|given_up| began < given_up);
            let end = answered.filter(|_| is_older).map(|answered| answered + GRACE);
            tokio::select! {
                () = sleep_until(end.unwrap_or(began)), if end.is_some() => return,
                // The sender lives as long as this handle: only news end this.
                _ = news.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    /// Whether a statement sent at `began` is given up within `span`.
    async fn is_given_up(silence: &Silence, began: Instant, span: Duration) -> bool {
        timeout(span, silence.outlasts(began)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_before_a_silence_is_given_up_once_a_later_statement_is_answered() {
        let (silence, began) = (Silence::default(), Instant::now());
        let long = Duration::from_secs(3_600);
        assert!(!is_given_up(&silence, began, long).await, "all is well");
        silence.fell();
        assert!(!is_given_up(&silence, began, long).await, "nobody has been answered");
        silence.broke(began);
        assert!(!is_given_up(&silence, began, long).await, "only one that was sent before");
        advance(Duration::from_millis(1)).await;
        let later = Instant::now();
        silence.broke(later);
        assert!(!is_given_up(&silence, later, long).await, "it was sent after the silence");
        silence.fell();
        silence.broke(Instant::now() + Duration::from_millis(1));
        assert!(!is_given_up(&silence, began, GRACE / 2).await, "it gets a moment more");
        assert!(is_given_up(&silence, began, GRACE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_already_hears_of_it() {
        let (silence, began) = (std::sync::Arc::new(Silence::default()), Instant::now());
        let waiting = tokio::spawn({
            let silence = std::sync::Arc::clone(&silence);
            async move {
                silence.outlasts(began).await;
                Instant::now()
            }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        silence.fell();
        tokio::time::sleep(Duration::from_secs(1)).await;
        silence.broke(Instant::now());
        assert_eq!(waiting.await.unwrap() - began, Duration::from_secs(2) + GRACE);
    }
}
