//! The one session connection of a process: its advisory lock shows that the process lives, and its
//! notifications wake publishers early. Polling remains the truth.

use std::time::Duration;

use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{Store, StoreError, WorkerId, failed};

/// After this long without a notification the connection is tried.
const SILENCE: Duration = Duration::from_secs(10);
/// A connection that does not answer within this time is lost.
const ANSWER: Duration = Duration::from_secs(5);

/// A session that holds the worker's advisory lock and listens.
#[derive(Debug)]
pub struct Session {
    listener: PgListener,
}

/// What a session has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// A pipe has work.
    Wake(String),
    /// The connection is gone, and the lock with it.
    Lost,
}

impl Store {
    /// Whether the settings allow a session connection.
    #[must_use]
    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Opens the session connection and takes the worker's lock; `None` where the settings allow no
    /// session, or where the lock is still held by a connection that the server has not given up.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn open_session(&self, worker: WorkerId) -> Result<Option<Session>, StoreError> {
        const WHAT: &str = "open the session connection";
        let Some(options) = self.session.clone() else { return Ok(None) };
        if !self.link.breaker.pass(ANSWER).await {
            return Err(StoreError::Gone { statement: WHAT });
        }
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ANSWER)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(options);
        let listener = PgListener::connect_with(&pool).await.map_err(failed(WHAT));
        self.heard(&listener);
        let mut listener = listener?;
        listener.eager_reconnect(false);
        let locked = sqlx::query(include_str!("sql/lock_session.sql"))
            .bind(worker)
            .fetch_optional(&mut listener)
            .await
            .map_err(failed(WHAT))?;
        if locked.is_none() {
            return Ok(None);
        }
        listener.listen("sluicegate_wake").await.map_err(failed(WHAT))?;
        Ok(Some(Session { listener }))
    }
}

impl Session {
    /// Waits for the next event. After [`SessionEvent::Lost`] the session is of no more use.
    pub async fn next(&mut self) -> SessionEvent {
        loop {
            match tokio::time::timeout(SILENCE, self.listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    return SessionEvent::Wake(notification.payload().to_owned());
                }
                Ok(Ok(None) | Err(_)) => return SessionEvent::Lost,
                Err(_elapsed) => {
                    let alive = self.listener.execute("select 1");
                    if !matches!(tokio::time::timeout(ANSWER, alive).await, Ok(Ok(_))) {
                        return SessionEvent::Lost;
                    }
                }
            }
        }
    }
}
