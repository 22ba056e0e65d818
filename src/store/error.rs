//! What can go wrong with the database.

use std::time::Duration;

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
    /// The database does not answer, and somebody else tries whether it does again.
    #[error("{statement}: the database does not answer")]
    Gone {
        /// The verb and object of the statement.
        statement: &'static str,
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
    /// Whether the database could not be reached, was shutting down, or asked to try again: the same
    /// statement may succeed later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Statement { source: sqlx::Error::Database(error), .. } => {
                error.code().is_some_and(|code| {
                    ["08", "40", "53300", "57P"].iter().any(|class| code.starts_with(class))
                })
            }
            _ => true,
        }
    }

    /// Whether the way to the database is lost, or the database itself: whatever else is sent now will
    /// hardly be answered either.
    #[must_use]
    pub fn is_lost_connection(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            Self::Statement { source: sqlx::Error::Database(error), .. } => error
                .code()
                .is_some_and(|code| ["08", "53300", "57P"].iter().any(|c| code.starts_with(c))),
            Self::Statement { source, .. } => matches!(
                source,
                sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
            ),
            _ => false,
        }
    }

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

/// Names the statement in an error.
pub(super) fn failed(statement: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Statement { statement, source }
}
