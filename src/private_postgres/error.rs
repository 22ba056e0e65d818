//! What can go wrong with a private Postgres, said so that the reader knows what to do.

use std::io;
use std::path::PathBuf;

/// Why a private Postgres could not be started, stopped or handed over.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// Nowhere on this machine are both `initdb` and `postgres` in one folder.
    #[error(
        "no PostgreSQL server found (looked in SLUICEGATE_PG_BIN, PATH, pg_config --bindir, \
         /usr/lib/postgresql/*/bin); install one: apt-get install postgresql"
    )]
    NoServerBinaries,
    /// The folder that was asked for lacks `initdb` or `postgres`.
    #[error("no initdb and postgres in {}", .0.display())]
    NotServerBinaries(PathBuf),
    /// Postgres refuses to run as root and there is no other user to run it as.
    #[error(
        "running as root, and there is neither a user postgres nor nobody to run the server as"
    )]
    NoUnprivilegedUser,
    /// No temporary folder is short enough for a socket and reachable for the server's user.
    #[error(
        "no folder for the server: {tried} must be writable, short enough for a Unix socket, and \
         open to other users when running as root"
    )]
    NoFolder {
        /// The folders that were tried.
        tried: String,
    },
    /// A program of the server ended with an error.
    #[error("{program} failed: {output}")]
    ProgramFailed {
        /// Its file name.
        program: &'static str,
        /// What it said.
        output: String,
    },
    /// The server did not reach a state in time.
    #[error("the server was not {state} within {seconds} s: {log}")]
    TooSlow {
        /// The state waited for.
        state: &'static str,
        /// The limit in seconds.
        seconds: u64,
        /// The end of the server's log.
        log: String,
    },
    /// The operating system refused something.
    #[error("{action}")]
    Io {
        /// What was being done: a verb and an object.
        action: &'static str,
        /// The refusal.
        source: io::Error,
    },
}

impl PrivatePostgresError {
    /// For `map_err`: names the action an input or output error stopped.
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
