//! The only module that speaks SQL. Each statement is a file in `sql/`; each function here runs one.

mod breaker;
mod bundles;
mod closing;
mod commands;
mod connect;
mod demo;
mod endings;
mod error;
mod examine;
mod jobs;
mod limits;
mod listener;
mod load;
mod meter;
mod opened;
mod overview;
mod report;
mod report_rows;
mod rescue;
mod results;
mod retention;
mod returns;
mod schema;
mod settings;
mod silence;
mod stored_jobs;
mod workers;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::{Instant, sleep};

use self::breaker::Breaker;
pub use self::bundles::{BundleRequest, NewJobs};
pub use self::closing::{BestRecord, BestResult, EndedBundle};
pub use self::commands::{Cancelled, Command, Target};
use self::connect::{connect_options, pool};
pub use self::demo::{DEMO_BUNDLE, DEMO_SLEEPS, DemoBundle, DemoSleep, DemoVariant};
pub use self::endings::EndingBatch;
pub use self::error::StoreError;
use self::error::failed;
pub use self::examine::{Examined, Measured};
pub use self::limits::{Limit, LimitOrder, OrderedLimit};
pub use self::listener::{Session, SessionEvent};
pub use self::load::ServerLoad;
use self::meter::Meter;
pub use self::meter::{Metered, StatementTimes, TIME_BOUNDS};
pub use self::opened::{BestVariant, BundleDetail, ErrorCount, JobDetail, JobResult};
pub use self::overview::{BundleLine, FailureLine, QueueLine, WorkerLine};
pub use self::report::{ReportBundle, ReportFailure, ReportMarket};
pub use self::report_rows::{RANKED_FIGURES, RankedResult, StoredCurve};
pub use self::rescue::{DeadWorker, Rescued};
pub use self::retention::{Kept, Pruned};
pub use self::returns::{DailyRow, ResultGroup, ResultGroups};
pub use self::schema::{SCHEMA_VERSION, SchemaState};
pub use self::settings::DatabaseSettings;
use self::silence::Silence;
pub use self::stored_jobs::{StoredJob, StoredResult};
pub use self::workers::{Condition, Look, WorkerId};

/// A process that is stopped inside a transaction must not hold its locks for long.
const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = '10s'";

/// A handle on the database; clones share one pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    /// One connection of its own: a server process that runs its first claim makes plans for many
    /// milliseconds, and a pool goes around all of its connections.
    claims: PgPool,
    pooled: bool,
    session: Option<PgConnectOptions>,
    patience: Duration,
    link: Arc<Link>,
    waits_for_answers: bool,
}

/// What all statements of a process have in common.
#[derive(Debug, Default)]
struct Link {
    meter: Meter,
    breaker: Breaker,
    silence: Arc<Silence>,
}

impl Store {
    /// A handle that connects at its first use.
    ///
    /// # Errors
    /// [`StoreError::Url`] where a connection string cannot be read.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        Self::over(Arc::default(), settings)
    }

    fn over(link: Arc<Link>, settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let mut options = connect_options("database.url", &settings.url)?;
        if settings.pooled {
            // Poolers know neither this parameter nor, before PgBouncer 1.21, named statements; the
            // migrations and the driver's own look-ups would use the latter.
            options = options.extra_float_digits(None).statement_cache_capacity(0);
        }
        let session = match (settings.session_url.as_str(), settings.pooled) {
            ("", true) => None,
            ("", false) => Some(options.clone()),
            (url, _) => Some(connect_options("database.session_url", url)?),
        };
        // The server ends a statement by itself; this is for a server that cannot be heard any more.
        let patience =
            Duration::from_millis(settings.statement_timeout_ms + settings.acquire_timeout_ms);
        let pool = |connections| pool(settings, &options, connections, Arc::clone(&link.silence));
        Ok(Self {
            pool: pool(settings.max_connections.saturating_sub(1).max(1)),
            claims: pool(1),
            pooled: settings.pooled,
            session,
            patience,
            link,
            waits_for_answers: true,
        })
    }

    /// A store with one connection of its own for what must neither wait behind the work nor for
    /// others to find the database again. What it finds counts for this one too.
    ///
    /// # Errors
    /// [`StoreError::Url`] where a connection string cannot be read.
    pub fn apart(&self, settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let own = DatabaseSettings { max_connections: 1, ..settings.clone() };
        Ok(Self { waits_for_answers: false, ..Self::over(Arc::clone(&self.link), &own)? })
    }

    /// The same store, with another limit on how long a statement may stay unanswered.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Connects once, beside the pool: it would go on trying and say only that time ran out.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], with the server's or the system's own words.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let options = self.pool.connect_options();
        let unreachable = |source| {
            let (host, port) = (options.get_host(), options.get_port());
            let database = options.get_database().unwrap_or_default();
            StoreError::Unreachable { address: format!("{host}:{port}/{database}"), source }
        };
        let patience = self.pool.options().get_acquire_timeout();
        match tokio::time::timeout(patience, PgConnection::connect_with(&options)).await {
            Ok(connected) => connected.map_err(unreachable)?.close().await.map_err(unreachable),
            Err(_elapsed) => Err(unreachable(sqlx::Error::PoolTimedOut)),
        }
    }

    /// Closes the pool; statements under way are waited for, though no longer than for a connection: one
    /// that has fallen silent would never be closed.
    pub async fn close(&self) {
        let patience = self.pool.options().get_acquire_timeout();
        let closing = async { tokio::join!(self.pool.close(), self.claims.close()) };
        if tokio::time::timeout(patience, closing).await.is_err() {
            tracing::warn!(?patience, "connections that do not answer are left behind");
        }
    }

    /// The same store, by the connection that claims.
    fn for_claims(&self) -> Self {
        Self { pool: self.claims.clone(), ..self.clone() }
    }

    /// A statement: prepared and kept, or unnamed behind a pooler.
    fn query<'q>(&self, sql: &'static str) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(sql).persistent(!self.pooled)
    }

    /// A connection; behind a pooler inside a transaction, so that parse and bind meet one server.
    async fn connection(&self, statement: &'static str) -> Result<Reached, StoreError> {
        let patience = self.pool.options().get_acquire_timeout();
        if self.waits_for_answers && !self.link.breaker.pass(patience).await {
            return Err(StoreError::Gone { statement });
        }
        let began = Instant::now();
        let reached = if self.pooled {
            self.pool.begin_with(BEGIN).await.map(Reached::Transaction)
        } else {
            self.pool.acquire().await.map(Reached::Plain)
        };
        self.link.meter.waited(began.elapsed());
        let reached = reached.map_err(failed(statement));
        // A connection that the pool had is no answer.
        if reached.is_err() {
            self.heard(&reached);
        }
        reached
    }

    /// The answer to a statement that was sent at `began`, unless it takes longer than there is patience or
    /// its connection has fallen silent: then how long was waited.
    async fn answer<T>(
        &self,
        began: Instant,
        answer: impl Future<Output = T>,
    ) -> Result<T, Duration> {
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = sleep(self.patience) => {
                self.link.silence.fell();
                Err(self.patience)
            }
            () = self.link.silence.outlasts(began) => Err(began.elapsed()),
        }
    }

    /// Counts a statement.
    fn note<T>(&self, what: &'static str, began: Instant, answer: &Result<T, StoreError>) {
        self.link.meter.answered(what, began.elapsed(), answer.is_err());
        if answer.is_ok() {
            self.link.silence.broke(began);
        }
        self.heard(answer);
    }

    /// Remembers whether the database was there: a refusal is an answer.
    fn heard<T>(&self, answer: &Result<T, StoreError>) {
        if answer.as_ref().is_err_and(StoreError::is_lost_connection) {
            self.link.breaker.lost();
        } else {
            self.link.breaker.answered();
        }
    }
}

/// A connection for one statement.
enum Reached {
    Plain(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Reached {
    /// Lets the connection be closed instead of used again: an answer may still be on its way.
    fn give_up(&mut self) {
        match self {
            Self::Plain(connection) => connection.close_on_drop(),
            // Dropping it rolls back, which waits for the answer in the background.
            Self::Transaction(_) => {}
        }
    }

    /// Commits where there is something to commit.
    async fn done(self, statement: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Transaction(transaction) => transaction.commit().await.map_err(failed(statement)),
        }
    }
}

impl Deref for Reached {
    type Target = PgConnection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Reached {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

/// Runs one statement of `sql/` on a connection of its own and commits it: the macro names file and
/// error once. `$method` is one of sqlx's fetch methods.
macro_rules! run {
    ($store:expr, $what:literal, $file:literal, $method:ident $(, $value:expr)* $(,)?) => {{
        let mut connection = $store.connection($what).await?;
        let began = tokio::time::Instant::now();
        let answer = $store
            .query(include_str!(concat!("sql/", $file, ".sql")))
            $(.bind($value))*
            .$method(&mut *connection);
        let answer = match $store.answer(began, answer).await {
            Ok(Ok(answer)) => connection.done($what).await.map(|()| answer),
            Ok(Err(error)) => Err(crate::store::failed($what)(error)),
            Err(waited) => {
                connection.give_up();
                Err(StoreError::Silent { statement: $what, waited })
            }
        };
        $store.note($what, began, &answer);
        answer?
    }};
}
use run;

/// Reads a column, naming the statement in the error.
fn column<'r, T>(
    row: &'r sqlx::postgres::PgRow,
    name: &str,
    what: &'static str,
) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
{
    sqlx::Row::try_get(row, name).map_err(failed(what))
}

/// A count for Postgres; beyond its range the largest there is.
fn int4(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
