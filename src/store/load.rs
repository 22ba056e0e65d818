//! How the database is doing: a small write that shows what one takes, and what the server says of others.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Metered, StatementTimes, Store, StoreError, column, failed, run};

/// What the server shows of the others on it, as far as our role may see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerLoad {
    /// Sessions of others that worked lately, or of which this is not to be seen.
    pub neighbours: i64,
    /// Sessions, ours too, that run a statement at this moment.
    pub active_sessions: i64,
    /// The oldest transaction id that somebody still needs, `None` where nobody needs any.
    pub horizon: Option<String>,
    /// Who needs it.
    pub held_by: Option<String>,
    /// How far the slowest replica is behind; `None` without one, or where it is not to be seen.
    pub replica_lag: Option<Duration>,
}

impl Store {
    /// How long a small write takes with its commit and the way there and back; the wait for a
    /// connection is not in it. Nothing stays of it but some bytes of WAL.
    ///
    /// # Errors
    /// The statement failed, or took longer than `patience`.
    pub async fn canary(&self, patience: Duration) -> Result<Duration, StoreError> {
        const WHAT: &str = "write the canary";
        let mut connection = self.connection(WHAT).await?;
        let began = Instant::now();
        // Not prepared: on a connection that has not seen it yet, that would be a round trip more.
        let write = sqlx::raw_sql(include_str!("sql/canary.sql")).execute(&mut *connection);
        let Ok(written) = timeout(patience, write).await else {
            connection.give_up();
            return Err(StoreError::Silent { statement: WHAT, waited: patience });
        };
        let written = match written {
            Ok(_) => connection.done(WHAT).await,
            Err(error) => Err(failed(WHAT)(error)),
        };
        self.note(WHAT, began, &written);
        written.map(|()| began.elapsed())
    }

    /// What the server shows of others; those that worked within `recent` are neighbours.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn server_load(&self, recent: Duration) -> Result<ServerLoad, StoreError> {
        const WHAT: &str = "look at the server";
        let row = run!(self, "look at the server", "server_load", fetch_one, recent.as_secs_f64());
        let lag_s: Option<f64> = column(&row, "replica_lag_s", WHAT)?;
        Ok(ServerLoad {
            neighbours: column(&row, "neighbours", WHAT)?,
            active_sessions: column(&row, "active_sessions", WHAT)?,
            horizon: column(&row, "horizon", WHAT)?,
            held_by: column(&row, "held_by", WHAT)?,
            replica_lag: lag_s.and_then(|lag| Duration::try_from_secs_f64(lag).ok()),
        })
    }

    /// How long each statement of this process took so far.
    #[must_use]
    pub fn statement_times(&self) -> Vec<StatementTimes> {
        self.link.meter.by_statement()
    }

    /// Connections of the pool: in use, idle, and at most.
    #[must_use]
    pub fn connections(&self) -> (usize, usize, u32) {
        let (open, idle) = (self.pool.size(), self.pool.num_idle());
        let open = usize::try_from(open).unwrap_or(usize::MAX);
        (open.saturating_sub(idle), idle, self.pool.options().get_max_connections())
    }

    /// What the statements of this process have cost so far.
    #[must_use]
    pub fn metered(&self) -> Metered {
        self.link.meter.read()
    }
}
