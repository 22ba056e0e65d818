//! What is shown of the whole: a handful of statements that cost little however much is waiting and done.

use serde::Serialize;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Store, StoreError, column, int4, run};

/// One kind of job in the queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueLine {
    /// The kind.
    pub kind: String,
    /// Jobs that could start.
    pub ready: i64,
    /// For how long the oldest of them could, seconds.
    pub oldest_ready_s: f64,
    /// Jobs that a worker has claimed.
    pub running: i64,
    /// Jobs that may not start yet.
    pub delayed: i64,
    /// Jobs that failed for good within a day.
    pub failed_24h: i64,
    /// Jobs that ended per second, over the last minute.
    pub throughput: f64,
}

/// A worker that has not signed off.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkerLine {
    /// Its number.
    pub id: i32,
    /// The machine or pod it runs on.
    pub host: String,
    /// Version of the program.
    pub version: String,
    /// Threads for jobs that compute.
    pub slots: i32,
    /// Whether it claims nothing more.
    pub draining: bool,
    /// Part of its full pace at which it goes.
    pub pace: f64,
    /// Why that is less than 1.
    pub slowed_by: Option<String>,
    /// Why it claims nothing that needs a slot.
    pub waits_for: Option<String>,
    /// Writes of runs that had lost their claim.
    pub late_writes_refused: i64,
    /// Since its start, seconds.
    pub up_s: f64,
    /// Since its last renewal, seconds.
    pub silent_s: f64,
    /// Whether its lease stands.
    pub is_live: bool,
    /// What it tells of itself, JSON.
    #[serde(skip)]
    pub figures: Option<String>,
}

/// A bundle in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BundleLine {
    /// The bundle.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: String,
    /// What they call it.
    pub name: Option<String>,
    /// The word in `bundle_status`.
    pub status: String,
    /// Higher runs sooner.
    pub priority: i32,
    /// Whether a command keeps its jobs from starting.
    pub paused: bool,
    /// Percent, 0 to 100.
    pub progress: f64,
    /// How many jobs it has; `None` before it has been read.
    pub total: Option<i32>,
    /// Jobs that succeeded.
    pub completed: i32,
    /// Jobs that failed for good.
    pub failed: i32,
    /// Jobs that were cancelled.
    pub cancelled: i32,
    /// Why it was rejected.
    pub error: Option<String>,
    /// Seconds until its expected end.
    pub left_s: Option<f64>,
    /// Seconds from its insert to its end.
    pub took_s: Option<f64>,
    /// Sharpe ratio of its best variant.
    pub best_sharpe: Option<f64>,
    /// Return of that variant, 1 is 100 %.
    pub best_return: Option<f64>,
    /// When it was inserted, RFC 3339.
    pub created_at: String,
}

/// A job that failed for good.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailureLine {
    /// The job.
    pub job_id: i64,
    /// Its bundle, where it has one.
    pub bundle_id: Option<Uuid>,
    /// Whose it is.
    pub user_id: String,
    /// Its kind.
    pub kind: String,
    /// How often it was claimed.
    pub attempt: i32,
    /// The class of its error.
    pub error_class: Option<String>,
    /// The error.
    pub error: Option<String>,
    /// When it ended, RFC 3339.
    pub ended_at: String,
}

impl BundleLine {
    /// Whether all its jobs have ended and its result is being judged.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        let ended: i64 = [self.completed, self.failed, self.cancelled].map(i64::from).iter().sum();
        self.status == "running" && self.total.is_some_and(|total| i64::from(total) == ended)
    }
}

impl Store {
    /// Where the database is: host, port and name, no user and no password.
    #[must_use]
    pub fn address(&self) -> String {
        let options = self.pool.connect_options();
        let database = options.get_database().unwrap_or_default();
        format!("{}:{}/{database}", options.get_host(), options.get_port())
    }

    /// The server's time, RFC 3339, and how many bundles are open.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_now(&self) -> Result<(String, i64), StoreError> {
        const WHAT: &str = "read the server's time";
        let row = run!(self, "read the server's time", "overview_now", fetch_one);
        Ok((column(&row, "at", WHAT)?, column(&row, "open_bundles", WHAT)?))
    }

    /// The queue by kind.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_queues(&self) -> Result<Vec<QueueLine>, StoreError> {
        const WHAT: &str = "read queue_health";
        let rows = run!(self, "read queue_health", "overview_queues", fetch_all);
        rows.iter()
            .map(|row| {
                Ok(QueueLine {
                    kind: column(row, "kind", WHAT)?,
                    ready: column(row, "ready", WHAT)?,
                    oldest_ready_s: column(row, "oldest_ready_s", WHAT)?,
                    running: column(row, "running", WHAT)?,
                    delayed: column(row, "delayed", WHAT)?,
                    failed_24h: column(row, "failed_24h", WHAT)?,
                    throughput: column(row, "throughput", WHAT)?,
                })
            })
            .collect()
    }

    /// At most `limit` workers that have not signed off, by id.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_workers(&self, limit: usize) -> Result<Vec<WorkerLine>, StoreError> {
        const WHAT: &str = "read workers";
        let rows = run!(self, "read workers", "overview_workers", fetch_all, int4(limit));
        rows.iter()
            .map(|row| {
                Ok(WorkerLine {
                    id: column(row, "id", WHAT)?,
                    host: column(row, "host", WHAT)?,
                    version: column(row, "version", WHAT)?,
                    slots: column(row, "slots", WHAT)?,
                    draining: column(row, "draining", WHAT)?,
                    pace: column(row, "pace", WHAT)?,
                    slowed_by: column(row, "slowed_by", WHAT)?,
                    waits_for: column(row, "waits_for", WHAT)?,
                    late_writes_refused: column(row, "late_writes_refused", WHAT)?,
                    up_s: column(row, "up_s", WHAT)?,
                    silent_s: column(row, "silent_s", WHAT)?,
                    is_live: column(row, "is_live", WHAT)?,
                    figures: column(row, "figures", WHAT)?,
                })
            })
            .collect()
    }

    /// Open bundles and those inserted last, newest first; of one user only where one is given. At most
    /// `limit` of each sort.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_bundles(
        &self,
        user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<BundleLine>, StoreError> {
        let rows = run!(self, "list bundles", "overview_bundles", fetch_all, user, int4(limit));
        rows.iter().map(|row| bundle_line(row, "list bundles")).collect()
    }

    /// The newest jobs that failed for good, at most `limit`; of one user only where one is given.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_failures(
        &self,
        user: Option<&str>,
        limit: usize,
    ) -> Result<Vec<FailureLine>, StoreError> {
        const WHAT: &str = "list failures";
        let rows = run!(self, "list failures", "overview_failures", fetch_all, user, int4(limit));
        rows.iter()
            .map(|row| {
                Ok(FailureLine {
                    job_id: column(row, "job_id", WHAT)?,
                    bundle_id: column(row, "bundle_id", WHAT)?,
                    user_id: column(row, "user_id", WHAT)?,
                    kind: column(row, "kind", WHAT)?,
                    attempt: column(row, "attempt", WHAT)?,
                    error_class: column(row, "error_class", WHAT)?,
                    error: column(row, "error", WHAT)?,
                    ended_at: column(row, "ended_at", WHAT)?,
                })
            })
            .collect()
    }
}

/// A bundle's row as lists show it.
pub(super) fn bundle_line(row: &PgRow, what: &'static str) -> Result<BundleLine, StoreError> {
    Ok(BundleLine {
        id: column(row, "id", what)?,
        user_id: column(row, "user_id", what)?,
        name: column(row, "name", what)?,
        status: column(row, "status", what)?,
        priority: column(row, "priority", what)?,
        paused: column(row, "paused", what)?,
        progress: column(row, "progress", what)?,
        total: column(row, "total", what)?,
        completed: column(row, "completed", what)?,
        failed: column(row, "failed", what)?,
        cancelled: column(row, "cancelled", what)?,
        error: column(row, "error", what)?,
        left_s: column(row, "left_s", what)?,
        took_s: column(row, "took_s", what)?,
        best_sharpe: column(row, "best_sharpe", what)?,
        best_return: column(row, "best_return", what)?,
        created_at: column(row, "created_at", what)?,
    })
}
