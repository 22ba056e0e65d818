//! The private server, its databases, and what they and the daemon consume.

use std::time::Duration;

use serde_json::Value;
use sluicegate::private_postgres::{Options, PrivatePostgres};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{DaemonProcess, eventually, migrate};

/// Linux counts CPU time in hundredths of a second.
const TICK_US: f64 = 10_000.0;

/// A durable server: commits are flushed.
pub(crate) struct Site {
    server: PrivatePostgres,
}

/// A migrated database of that server.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) pool: PgPool,
    pub(crate) server_pid: u32,
}

/// What was consumed up to a moment.
pub(crate) struct Usage {
    wal_bytes: f64,
    transactions: f64,
    server_us: f64,
    worker_us: f64,
}

impl Usage {
    /// What each of `jobs` consumed since `earlier`: WAL bytes, transactions, CPU of server and worker in µs.
    pub(crate) fn per_job(&self, earlier: &Self, jobs: impl Into<f64>) -> [(&'static str, f64); 4] {
        let jobs = jobs.into();
        [
            ("wal_bytes_per_job", (self.wal_bytes - earlier.wal_bytes) / jobs),
            ("transactions_per_job", (self.transactions - earlier.transactions) / jobs),
            ("server_cpu_us_per_job", (self.server_us - earlier.server_us) / jobs),
            ("worker_cpu_us_per_job", (self.worker_us - earlier.worker_us) / jobs),
        ]
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with(Self::options()).await
    }

    /// A server that counts what each statement costs, which costs a little itself.
    pub(crate) async fn counting_statements() -> Self {
        Self::with(Self::options().with("shared_preload_libraries", "pg_stat_statements")).await
    }

    fn options() -> Options {
        Options::durable().with("shared_buffers", "512MB").with("max_connections", "200")
    }

    async fn with(options: Options) -> Self {
        let start = move || PrivatePostgres::start(&options).unwrap();
        Self { server: tokio::task::spawn_blocking(start).await.unwrap() }
    }

    /// A new database, migrated.
    pub(crate) async fn database(&self, name: &str) -> Database {
        let database = self.empty_database(name).await;
        migrate(&database.url).await;
        database
    }

    /// A new database without anything.
    pub(crate) async fn empty_database(&self, name: &str) -> Database {
        self.administer(format!("create database {name}")).await;
        let url = self.server.url(name);
        // Whoever measures is no neighbour that the guard has regard for.
        let options: PgConnectOptions = url.parse().unwrap();
        let options = options.application_name("sluicegate-bench");
        let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap();
        Database { url, pool, server_pid: self.server.pid().unwrap() }
    }

    /// Removes a database, so that its vacuum does not run beside what is measured next.
    pub(crate) async fn drop(&self, database: Database) {
        let name = database.url.rsplit('/').next().unwrap().to_owned();
        database.pool.close().await;
        self.administer(format!("drop database {name} with (force)")).await;
    }

    /// Version and settings of the server that figures depend on.
    pub(crate) async fn settings(&self) -> Value {
        let admin = PgPool::connect(&self.server.admin_url()).await.unwrap();
        let settings = "select json_object_agg(name, setting) from pg_settings
                         where name in ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')";
        let settings = sqlx::query_scalar(settings).fetch_one(&admin).await.unwrap();
        admin.close().await;
        settings
    }

    /// Runs a statement outside the databases that are measured.
    async fn administer(&self, sql: String) {
        let admin = PgPool::connect(&self.server.admin_url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&admin).await.unwrap();
        admin.close().await;
    }
}

impl Database {
    /// Runs a statement of ours.
    pub(crate) async fn run(&self, sql: impl Into<String>) {
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&self.pool).await.unwrap();
    }

    /// One number.
    pub(crate) async fn number(&self, sql: impl Into<String>) -> f64 {
        let sql = format!("select ({})::float8", sql.into());
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await.unwrap()
    }

    /// Queues `jobs` jobs of `users` users that sleep for `seconds`.
    pub(crate) async fn queue_sleeps(&self, jobs: i32, users: i32, name: &str, seconds: f64) {
        self.run(format!(
            "insert into sluicegate.jobs (user_id, kind, spec)
             select '{name}' || n % {users}, 'sleep', jsonb_build_object('seconds', {seconds}::float8)
               from generate_series(1, {jobs}) n"
        ))
        .await;
    }

    /// Statistics and a checkpoint, so that runs begin alike.
    pub(crate) async fn settle(&self) {
        self.run("analyze").await;
        self.run("checkpoint").await;
    }

    /// Waits for `jobs` outcomes.
    pub(crate) async fn all_ended(&self, jobs: i32) {
        eventually(Duration::from_secs(120), "all jobs end", async || {
            // The newest are among the last to end: looking at them first spares counting all.
            self.number(format!(
                "select case when exists (select from sluicegate.queue where job_id > {jobs} - 100)
                        then 0 else (select count(*) from sluicegate.outcomes) end"
            ))
            .await
                >= f64::from(jobs)
        })
        .await;
    }

    /// What has been consumed so far, with the process `worker`.
    pub(crate) async fn usage(&self, worker: Option<&DaemonProcess>) -> Usage {
        // Backends report their statistics at least once a second when idle.
        self.run("select pg_stat_clear_snapshot()").await;
        Usage {
            wal_bytes: self.number("select pg_current_wal_lsn() - '0/0'::pg_lsn").await,
            transactions: self
                .number(
                    "select xact_commit from pg_stat_database where datname = current_database()",
                )
                .await,
            server_us: server_ticks(self.server_pid) * TICK_US,
            worker_us: worker
                .map_or(0.0, |worker| ticks(worker.pid(), false).unwrap_or(0.0) * TICK_US),
        }
    }
}

/// Most memory a process has held, MiB.
pub(crate) fn peak_mb(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kib / 1024.0
}

/// CPU time of the server: the postmaster, its children, and those that have ended.
fn server_ticks(postmaster: u32) -> f64 {
    let children = format!("/proc/{postmaster}/task/{postmaster}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let alive: f64 =
        children.split_whitespace().filter_map(|pid| ticks(pid.parse().ok()?, false)).sum();
    alive + ticks(postmaster, true).unwrap()
}

/// CPU time of a process, user and system; `with_ended` adds its children that have ended.
fn ticks(pid: u32, with_ended: bool) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // utime, stime, cutime, cstime are fields 14 to 17; the first after the name is field 3.
    let times = fields.split_whitespace().skip(11).take(if with_ended { 4 } else { 2 });
    times.map(|time| time.parse::<f64>().ok()).sum()
}
