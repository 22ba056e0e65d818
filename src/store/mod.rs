//! The only module that speaks SQL. Each statement is a file in `sql/`; each function here runs one.

mod bundles;
mod commands;
mod demo;
mod endings;
mod jobs;
mod listener;
mod rescue;
mod schema;
mod workers;

use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres, Transaction};

pub use self::bundles::{BundleRequest, RankedJob};
pub use self::commands::{Command, Target};
pub use self::demo::{DEMO_BUNDLE, DEMO_SLEEPS, DemoBundle, DemoSleep, DemoVariant};
pub use self::endings::EndingBatch;
pub use self::listener::{Session, SessionEvent};
pub use self::rescue::{DeadWorker, Rescued};
pub use self::schema::{SCHEMA_VERSION, SchemaState};
pub use self::workers::{Look, WorkerId};

/// How to reach the database.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Connection string; `DATABASE_URL` where it is empty.
    pub url: String,
    /// Connection string for the one session connection (notifications, session lock); `url` where it
    /// is empty, none behind a pooler.
    pub session_url: String,
    /// Whether a transaction-mode pooler stands in between.
    pub pooled: bool,
    /// At most this many connections in the pool.
    pub max_connections: u32,
    /// A statement waits at most this long for a connection, milliseconds.
    pub acquire_timeout_ms: u64,
    /// The server ends a statement after this long, milliseconds.
    pub statement_timeout_ms: u64,
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &hide_password(&self.url))
            .field("session_url", &hide_password(&self.session_url))
            .field("pooled", &self.pooled)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .finish()
    }
}

/// The connection string without what stands between `//` and `@`.
fn hide_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}

/// What went wrong with the database, and in which statement.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The connection string cannot be read.
    #[error("{0}")]
    Url(String),
    /// Nobody answers, or the server refuses us.
    #[error("connect to the database at {address}")]
    Unreachable {
        /// Host, port and database.
        address: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// A statement failed, or no connection was to be had for it.
    #[error("{statement}")]
    Statement {
        /// The verb and object of the statement.
        statement: &'static str,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// No answer came in time: the connection is given up.
    #[error("{statement}: no answer for {waited:?}")]
    Silent {
        /// The verb and object of the statement.
        statement: &'static str,
        /// How long was waited.
        waited: Duration,
    },
    /// Migrating failed.
    #[error("migrate the schema")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The schema is newer than this daemon may work with.
    #[error(
        "schema sluicegate is at version {found} and needs a daemon that knows version {needed}; this one knows {known}: run a newer sluicegate"
    )]
    SchemaTooNew {
        /// Version of the schema.
        found: i32,
        /// Oldest version a daemon must know.
        needed: i32,
        /// Newest version this daemon knows.
        known: i32,
    },
    /// The schema is older than this daemon needs, or missing.
    #[error(
        "schema sluicegate is at version {found}, this daemon needs {known}: run sluicegate migrate"
    )]
    SchemaTooOld {
        /// Version of the schema; 0 where there is none.
        found: i32,
        /// Version this daemon needs.
        known: i32,
    },
}

impl StoreError {
    /// Whether the database refused the data itself (SQLSTATE classes 21, 22, 23, 54): trying again
    /// will not help.
    #[must_use]
    pub fn is_about_the_data(&self) -> bool {
        let Self::Statement { source: sqlx::Error::Database(error), .. } = self else {
            return false;
        };
        error.code().is_some_and(|code| {
            ["21", "22", "23", "54"].iter().any(|class| code.starts_with(class))
        })
    }
}

/// A process that is stopped inside a transaction must not hold its locks for long.
const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = '10s'";

/// Names the statement in an error.
fn failed(statement: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Statement { statement, source }
}

/// A handle on the database; clones share one pool.
#[derive(Debug, Clone)]
pub struct Store {
    pool: PgPool,
    pooled: bool,
    session: Option<PgConnectOptions>,
    patience: Duration,
}

impl Store {
    /// A handle that connects at its first use.
    ///
    /// # Errors
    /// [`StoreError::Url`] where a connection string cannot be read.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, StoreError> {
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
        let mut pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            // A ping before each statement would double the round trips; a dead connection shows itself.
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms));
        if !settings.pooled {
            let timeout = format!("set statement_timeout = {}", settings.statement_timeout_ms);
            pool = pool.after_connect(move |connection, _| {
                let timeout = sqlx::AssertSqlSafe(timeout.clone());
                Box::pin(async move { connection.execute(timeout).await.map(drop) })
            });
        }
        // The server ends a statement by itself; this is for a server that cannot be heard any more.
        let patience =
            Duration::from_millis(settings.statement_timeout_ms + settings.acquire_timeout_ms);
        Ok(Self {
            pool: pool.connect_lazy_with(options),
            pooled: settings.pooled,
            session,
            patience,
        })
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

    /// Closes the pool; statements under way are waited for.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A statement: prepared and kept, or unnamed behind a pooler.
    fn query<'q>(&self, sql: &'static str) -> Query<'q, Postgres, PgArguments> {
        sqlx::query(sql).persistent(!self.pooled)
    }

    /// A connection; behind a pooler inside a transaction, so that parse and bind meet one server.
    async fn connection(&self, statement: &'static str) -> Result<Lease, StoreError> {
        if self.pooled {
            self.pool.begin_with(BEGIN).await.map(Lease::Transaction).map_err(failed(statement))
        } else {
            self.pool.acquire().await.map(Lease::Plain).map_err(failed(statement))
        }
    }
}

fn connect_options(key: &'static str, url: &str) -> Result<PgConnectOptions, StoreError> {
    let allowed = "allowed postgres://user:password@host:5432/database";
    // What was found is not shown: a password may be anywhere in it.
    let refused = |what: &str| Err(StoreError::Url(format!("{key}: {what}, {allowed}")));
    if url.is_empty() {
        return refused("found nothing, and DATABASE_URL is not set");
    }
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return refused("found something else");
    }
    match PgConnectOptions::from_str(url) {
        Ok(options) => Ok(options.application_name("sluicegate")),
        Err(error) => refused(&error.to_string()),
    }
}

/// A connection for one statement.
enum Lease {
    Plain(PoolConnection<Postgres>),
    Transaction(Transaction<'static, Postgres>),
}

impl Lease {
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

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(connection) => connection,
            Self::Transaction(transaction) => transaction,
        }
    }
}

impl DerefMut for Lease {
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
        let answer = $store
            .query(include_str!(concat!("sql/", $file, ".sql")))
            $(.bind($value))*
            .$method(&mut *connection);
        let Ok(answer) = tokio::time::timeout($store.patience, answer).await else {
            connection.give_up();
            return Err(StoreError::Silent { statement: $what, waited: $store.patience });
        };
        let answer = answer.map_err(crate::store::failed($what))?;
        connection.done($what).await?;
        answer
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

#[cfg(test)]
mod tests {
    use super::hide_password;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(hide_password("postgres://u:p@h:5/d"), "postgres://***@h:5/d");
        assert_eq!(hide_password("postgres://h/d"), "postgres://h/d");
    }
}
