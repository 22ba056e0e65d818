//! The session connection: shows that the process lives, and wakes publishers early.

use std::time::Duration;

use super::{Wakes, Worker};
use crate::pipeline::{Phase, Shutdown};
use crate::store::{Session, SessionEvent};

/// Wait before another try to open the session.
const REOPEN: Duration = Duration::from_secs(1);

impl Worker {
    /// Keeps a session open until everything else has stopped. Where none is to be had, polling and
    /// the lease do without it.
    ///
    /// # Errors
    /// None; the signature is that of a long-lived task.
    pub async fn keep_session(self, shutdown: Shutdown, wakes: Wakes) -> anyhow::Result<()> {
        let mut failing = false;
        while self.0.store.has_session() && shutdown.phase() < Phase::Stopped {
            let opened = tokio::select! {
                opened = self.0.store.open_session(self.id()) => opened,
                () = shutdown.stopped() => break,
            };
            match opened {
                Ok(Some(session)) => {
                    failing = false;
                    // What was notified while nobody listened is found by a look.
                    wakes.wake_all();
                    self.follow(session, &shutdown, &wakes).await;
                }
                Ok(None) => {}
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, cause = ?error, "no session; polling goes on");
                    }
                    failing = true;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(REOPEN) => {}
                () = shutdown.stopped() => {}
            }
        }
        shutdown.stopped().await;
        Ok(())
    }

    /// Passes events on until the session is lost, the worker has a new id, or all has stopped.
    async fn follow(&self, mut session: Session, shutdown: &Shutdown, wakes: &Wakes) {
        loop {
            tokio::select! {
                event = session.next() => match event {
                    SessionEvent::Wake(news) if news == "limits" => self.look_now(),
                    SessionEvent::Wake(pipe) => wakes.wake(&pipe),
                    SessionEvent::Lost => {
                        tracing::warn!(worker = self.id(), "session lost; opening another");
                        return;
                    }
                },
                () = self.0.new_id.notified() => return,
                () = shutdown.stopped() => return,
            }
        }
    }
}
