//! What is shown of one bundle and of one job; and a user's order for a bundle.

use serde::Serialize;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::overview::bundle_line;
use super::{BundleLine, Store, StoreError, column, int4, run};
use crate::domain::job::JobId;

/// A bundle with all its counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BundleDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub line: BundleLine,
    /// Jobs that wait.
    pub pending: i32,
    /// Jobs that were claimed and have no start mark.
    pub queued: i32,
    /// Jobs that run.
    pub running: i32,
    /// Combinations that were left out.
    pub left_out: i64,
    /// When it had been read, RFC 3339.
    pub started_at: Option<String>,
    /// When it ended, RFC 3339.
    pub finished_at: Option<String>,
    /// When it was cancelled, RFC 3339.
    pub cancelled_at: Option<String>,
    /// How far its best variant can be trusted, in words.
    pub verdict: Option<String>,
}

/// One of a bundle's best variants.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestVariant {
    /// Its job.
    pub job_id: i64,
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// The scenario, JSON.
    pub scenario: String,
    /// The money management, JSON.
    pub money_management: String,
    /// Sharpe ratio.
    pub sharpe: Option<f64>,
    /// Return over the whole range, 1 is 100 %.
    pub total_return: f64,
    /// Return a year.
    pub cagr: Option<f64>,
    /// Deepest fall from a peak, 0 to 1.
    pub max_drawdown: f64,
    /// Gross profit by gross loss.
    pub profit_factor: Option<f64>,
    /// Share of trades that won, 0 to 1.
    pub win_rate: Option<f64>,
    /// How many trades.
    pub trade_count: i32,
}

/// What several jobs of a bundle failed of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorCount {
    /// How many.
    pub jobs: i64,
    /// One of them.
    pub job_id: i64,
    /// The class of the error.
    pub error_class: Option<String>,
    /// The error.
    pub error: Option<String>,
}

/// A job and its result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobDetail {
    /// The job.
    pub id: i64,
    /// Its bundle, where it has one.
    pub bundle_id: Option<Uuid>,
    /// Whose it is.
    pub user_id: String,
    /// Its kind.
    pub kind: String,
    /// The word in `job_status`.
    pub status: String,
    /// Higher runs sooner.
    pub priority: i32,
    /// Percent, 0 to 100.
    pub progress: f64,
    /// How often it was claimed.
    pub attempt: i32,
    /// How often it failed.
    pub failures: i32,
    /// The worker that has or had it.
    pub worker: Option<i32>,
    /// Its error.
    pub error: Option<String>,
    /// Its output, JSON.
    pub output: Option<String>,
    /// What was asked for, JSON.
    pub spec: Option<String>,
    /// Why it waits.
    pub waits_for: Option<String>,
    /// When it was created, queued, started, finished, cancelled; RFC 3339.
    pub times: Vec<Option<String>>,
    /// Its result, where it has one.
    pub result: Option<JobResult>,
}

/// What is stored of a finished backtest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobResult {
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// The scenario, JSON.
    pub scenario: String,
    /// The money management, JSON.
    pub money_management: String,
    /// Begin of the range, RFC 3339.
    pub from_time: String,
    /// End of the range, excluded.
    pub until_time: String,
    /// Every metric, JSON.
    pub metrics: String,
    /// The first trades, JSON, where they are kept.
    pub trades: Option<String>,
    /// How many trades are kept.
    pub trades_kept: Option<i32>,
    /// The equity, JSON, where it is kept.
    pub equity: Option<String>,
}

impl Store {
    /// One bundle; `None` where there is no such bundle.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_bundle(&self, id: Uuid) -> Result<Option<BundleDetail>, StoreError> {
        const WHAT: &str = "read a bundle's status";
        let row = run!(self, "read a bundle's status", "overview_bundle", fetch_optional, id);
        row.map(|row| {
            Ok(BundleDetail {
                line: bundle_line(&row, WHAT)?,
                pending: column(&row, "pending", WHAT)?,
                queued: column(&row, "queued", WHAT)?,
                running: column(&row, "running", WHAT)?,
                left_out: column(&row, "left_out", WHAT)?,
                started_at: column(&row, "started_at", WHAT)?,
                finished_at: column(&row, "finished_at", WHAT)?,
                cancelled_at: column(&row, "cancelled_at", WHAT)?,
                verdict: column(&row, "verdict", WHAT)?,
            })
        })
        .transpose()
    }

    /// The best variants of a bundle so far, at most `limit`, best first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_best(
        &self,
        bundle: Uuid,
        limit: usize,
    ) -> Result<Vec<BestVariant>, StoreError> {
        const WHAT: &str = "read a bundle's best";
        let rows =
            run!(self, "read a bundle's best", "overview_best", fetch_all, bundle, int4(limit));
        rows.iter()
            .map(|row| {
                Ok(BestVariant {
                    job_id: column(row, "job_id", WHAT)?,
                    ticker: column(row, "ticker", WHAT)?,
                    timeframe: column(row, "timeframe", WHAT)?,
                    scenario: column(row, "scenario", WHAT)?,
                    money_management: column(row, "money_management", WHAT)?,
                    sharpe: column(row, "sharpe", WHAT)?,
                    total_return: column(row, "total_return", WHAT)?,
                    cagr: column(row, "cagr", WHAT)?,
                    max_drawdown: column(row, "max_drawdown", WHAT)?,
                    profit_factor: column(row, "profit_factor", WHAT)?,
                    win_rate: column(row, "win_rate", WHAT)?,
                    trade_count: column(row, "trade_count", WHAT)?,
                })
            })
            .collect()
    }

    /// What jobs of a bundle failed of, the most frequent first, at most `limit`.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_errors(
        &self,
        bundle: Uuid,
        limit: usize,
    ) -> Result<Vec<ErrorCount>, StoreError> {
        const WHAT: &str = "read a bundle's errors";
        let rows =
            run!(self, "read a bundle's errors", "overview_errors", fetch_all, bundle, int4(limit));
        rows.iter()
            .map(|row| {
                Ok(ErrorCount {
                    jobs: column(row, "jobs", WHAT)?,
                    job_id: column(row, "job_id", WHAT)?,
                    error_class: column(row, "error_class", WHAT)?,
                    error: column(row, "error", WHAT)?,
                })
            })
            .collect()
    }

    /// One job; `None` where there is no such job.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn overview_job(&self, id: JobId) -> Result<Option<JobDetail>, StoreError> {
        const WHAT: &str = "read a job's status";
        let row = run!(self, "read a job's status", "overview_job", fetch_optional, id);
        row.map(|row| {
            Ok(JobDetail {
                id: column(&row, "id", WHAT)?,
                bundle_id: column(&row, "bundle_id", WHAT)?,
                user_id: column(&row, "user_id", WHAT)?,
                kind: column(&row, "kind", WHAT)?,
                status: column(&row, "status", WHAT)?,
                priority: column(&row, "priority", WHAT)?,
                progress: column(&row, "progress", WHAT)?,
                attempt: column(&row, "attempt", WHAT)?,
                failures: column(&row, "failures", WHAT)?,
                worker: column(&row, "worker", WHAT)?,
                error: column(&row, "error", WHAT)?,
                output: column(&row, "output", WHAT)?,
                spec: column(&row, "spec", WHAT)?,
                waits_for: column(&row, "waits_for", WHAT)?,
                times: column(&row, "times", WHAT)?,
                result: job_result(&row, WHAT)?,
            })
        })
        .transpose()
    }

    /// The bundles whose ids lie between, both included; at most two.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn find_bundles(&self, from: Uuid, until: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let rows = run!(self, "find a bundle", "overview_find_bundle", fetch_all, from, until);
        rows.iter().map(|row| column(row, "id", "find a bundle")).collect()
    }

    /// Inserts a command for a bundle in the name of its user; `None` where there is no such bundle.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn insert_command(
        &self,
        bundle: Uuid,
        action: &str,
    ) -> Result<Option<i64>, StoreError> {
        let row = run!(self, "insert a command", "insert_command", fetch_optional, bundle, action);
        row.map(|row| column(&row, "id", "insert a command")).transpose()
    }

    /// What became of a command; `None` until it has taken effect.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_answer(&self, command: i64) -> Result<Option<String>, StoreError> {
        const WHAT: &str = "read a command's outcome";
        let row = run!(self, "read a command's outcome", "read_answer", fetch_optional, command);
        Ok(row.map(|row| column::<Option<String>>(&row, "outcome", WHAT)).transpose()?.flatten())
    }
}

fn job_result(row: &PgRow, what: &'static str) -> Result<Option<JobResult>, StoreError> {
    let Some(ticker) = column(row, "ticker", what)? else { return Ok(None) };
    Ok(Some(JobResult {
        ticker,
        timeframe: column(row, "timeframe", what)?,
        scenario: column(row, "scenario", what)?,
        money_management: column(row, "money_management", what)?,
        from_time: column(row, "from_time", what)?,
        until_time: column(row, "until_time", what)?,
        metrics: column(row, "metrics", what)?,
        trades: column(row, "trades", what)?,
        trades_kept: column(row, "trades_kept", what)?,
        equity: column(row, "equity", what)?,
    }))
}
