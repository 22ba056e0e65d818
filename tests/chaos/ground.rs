//! The server that many schedules share, a database for each, and the candles.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use sluicegate::private_postgres::{Options, PrivatePostgres};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tempfile::TempDir;

use crate::support::migrate;

/// A server of its own that is crashed and started again, and candles.
#[derive(Debug)]
pub(crate) struct Ground {
    server: PrivatePostgres,
    /// A candle store, with one series that never comes.
    pub(crate) candles: TempDir,
}

impl Ground {
    /// Starts a server. What has been committed survives its crash, though not that of the machine.
    pub(crate) async fn new(options: Options) -> Self {
        let start = move || PrivatePostgres::start(&options).unwrap();
        let server = tokio::task::spawn_blocking(start).await.unwrap();
        let candles = tempfile::tempdir().unwrap();
        lay_out(candles.path());
        Self { server, candles }
    }

    /// For schedules: commits are in the log before they are acknowledged, and nothing is flushed to disk.
    pub(crate) fn quick() -> Options {
        Options::durable().with("fsync", "off").with("max_connections", "90")
    }

    /// A migrated database of this name. It is no copy of another: after a crash a copy may lack the empty
    /// indexes of unlogged tables.
    pub(crate) async fn database(&self, name: &str) -> Database {
        self.run(&format!("create database {name}")).await;
        let url = self.server.url(name);
        migrate(&url).await;
        let options: PgConnectOptions = url.parse().unwrap();
        // The watcher and the clients; a pool that waits for a server that is gone must not wait for long.
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options);
        Database { url, pool }
    }

    /// Removes a database.
    pub(crate) async fn drop_database(&self, name: &str) {
        self.run(&format!("drop database if exists {name} with (force)")).await;
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }

    /// Stops the server as a crash would.
    pub(crate) fn crash(&mut self) {
        self.server.kill_immediately().unwrap();
    }

    /// Starts it again, if it does not run.
    pub(crate) fn start(&mut self) {
        if self.server.pid().is_none() {
            self.server.restart().unwrap();
        }
    }

    /// Takes connections until there are no more.
    pub(crate) async fn hog(&self) -> Vec<PgConnection> {
        let mut taken = Vec::new();
        while taken.len() < 200 {
            let connecting = PgConnection::connect(&self.server.admin_url());
            match tokio::time::timeout(Duration::from_secs(2), connecting).await {
                Ok(Ok(connection)) => taken.push(connection),
                _ => break,
            }
        }
        taken
    }

    async fn run(&self, statement: &str) {
        let mut admin = PgConnection::connect(&self.server.admin_url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }
}

/// The database of one schedule.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) pool: PgPool,
}

/// The daily candles, and a pipe nobody writes into.
fn lay_out(store: &Path) {
    for ticker in ["NASDAQ", "SP500"] {
        let folder = store.join(ticker).join("1d");
        fs::create_dir_all(&folder).unwrap();
        let source = Path::new("data/candles").join(ticker).join("1d/candles.csv");
        fs::copy(source, folder.join("candles.csv")).unwrap();
    }
    fs::create_dir_all(store.join("PIPE/1d")).unwrap();
    mkfifo(&store.join("PIPE/1d/never.csv"), Mode::from_bits_truncate(0o666)).unwrap();
}
