//! What a report says of a bundle beside its ranking.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{Store, StoreError, column, int4, run};
use crate::domain::job::JobId;

/// What a user may ask for: the columns of `bundles` that say what to run.
const ASKED: [&str; 5] = [
    "universal_config",
    "ticker_variants",
    "date_ranges",
    "scenario_variants",
    "money_management_variants",
];

/// A bundle itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportBundle {
    /// Its id.
    pub id: Uuid,
    /// Who asked.
    pub user_id: String,
    /// Its label.
    pub name: Option<String>,
    /// The word in `bundle_status`.
    pub status: String,
    /// Ended jobs in percent.
    pub progress: f64,
    /// Number of jobs; `None` until the bundle has been read.
    pub total: Option<i32>,
    /// Jobs that succeeded.
    pub completed: i32,
    /// Jobs that failed for good.
    pub failed: i32,
    /// Jobs that were cancelled.
    pub cancelled: i32,
    /// Combinations left out.
    pub left_out: i64,
    /// Jobs that run now.
    pub running: i32,
    /// When it is expected to end.
    pub eta: Option<DateTime<Utc>>,
    /// Why it was rejected.
    pub error: Option<String>,
    /// When it was inserted.
    pub created_at: DateTime<Utc>,
    /// When its first jobs were inserted.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended as completed, failed or rejected.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Whether a command keeps its jobs from starting.
    pub paused: bool,
    /// What was asked for: columns and their JSON.
    pub asked: Vec<(&'static str, String)>,
    /// What was said of it at its end; null before.
    pub summary: Value,
    /// The time of the database.
    pub now: DateTime<Utc>,
}

/// Jobs of a bundle that ended in one way without success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFailure {
    /// `failed` or `cancelled`.
    pub status: String,
    /// What they are.
    pub kind: String,
    /// The class of the error.
    pub reason: String,
    /// How many.
    pub jobs: i64,
    /// The first of them.
    pub job_id: JobId,
    /// What was said of it.
    pub error: Option<String>,
}

/// One market and time of a bundle, and what its candles were like.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportMarket {
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// Begin of the range.
    pub from: DateTime<Utc>,
    /// End of the range, excluded.
    pub until: DateTime<Utc>,
    /// Results on it.
    pub variants: i64,
    /// Markets and times of the bundle in all.
    pub markets: i64,
    /// Candles within the range.
    pub candles: i32,
    /// `candle_report` of the first result.
    pub candle_report: Value,
}

impl Store {
    /// Reads a bundle for a report; `None` where there is none of this id.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn report_bundle(&self, id: Uuid) -> Result<Option<ReportBundle>, StoreError> {
        const WHAT: &str = "read a bundle to report on";
        let row = run!(self, "read a bundle to report on", "report_bundle", fetch_optional, id);
        row.map(|row| {
            let asked = |name: &&'static str| Ok((*name, column(&row, name, WHAT)?));
            let summary: String = column(&row, "summary", WHAT)?;
            Ok(ReportBundle {
                id,
                user_id: column(&row, "user_id", WHAT)?,
                name: column(&row, "name", WHAT)?,
                status: column(&row, "status", WHAT)?,
                progress: column(&row, "progress", WHAT)?,
                total: column(&row, "total", WHAT)?,
                completed: column(&row, "completed", WHAT)?,
                failed: column(&row, "failed", WHAT)?,
                cancelled: column(&row, "cancelled", WHAT)?,
                left_out: column(&row, "left_out", WHAT)?,
                running: column(&row, "running", WHAT)?,
                eta: column(&row, "eta", WHAT)?,
                error: column(&row, "error", WHAT)?,
                created_at: column(&row, "created_at", WHAT)?,
                started_at: column(&row, "started_at", WHAT)?,
                finished_at: column(&row, "finished_at", WHAT)?,
                cancelled_at: column(&row, "cancelled_at", WHAT)?,
                paused: column(&row, "paused", WHAT)?,
                asked: ASKED.iter().map(asked).collect::<Result<_, StoreError>>()?,
                summary: serde_json::from_str(&summary).unwrap_or_default(),
                now: column(&row, "now", WHAT)?,
            })
        })
        .transpose()
    }

    /// The newest bundle, of `user` where one is named; `None` where there is none.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn report_last_bundle(&self, user: Option<&str>) -> Result<Option<Uuid>, StoreError> {
        const WHAT: &str = "find the newest bundle";
        let row = run!(self, "find the newest bundle", "report_last_bundle", fetch_optional, user);
        row.map(|row| column(&row, "id", WHAT)).transpose()
    }

    /// The jobs of a bundle that ended without success, by reason; the `limit` most frequent ones.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn report_failures(
        &self,
        bundle: Uuid,
        limit: usize,
    ) -> Result<Vec<ReportFailure>, StoreError> {
        const WHAT: &str = "count failures by reason";
        let rows = run!(
            self,
            "count failures by reason",
            "report_failures",
            fetch_all,
            bundle,
            int4(limit)
        );
        rows.iter()
            .map(|row| {
                Ok(ReportFailure {
                    status: column(row, "status", WHAT)?,
                    kind: column(row, "kind", WHAT)?,
                    reason: column(row, "reason", WHAT)?,
                    jobs: column(row, "jobs", WHAT)?,
                    job_id: column(row, "job_id", WHAT)?,
                    error: column(row, "error", WHAT)?,
                })
            })
            .collect()
    }

    /// The markets and times of a bundle with what was found of their candles; the first `limit`,
    /// the one of the best variant first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn report_quality(
        &self,
        bundle: Uuid,
        limit: usize,
    ) -> Result<Vec<ReportMarket>, StoreError> {
        const WHAT: &str = "read what candles were like";
        let rows = run!(
            self,
            "read what candles were like",
            "report_quality",
            fetch_all,
            bundle,
            int4(limit)
        );
        rows.iter()
            .map(|row| {
                let report: String = column(row, "candle_report", WHAT)?;
                Ok(ReportMarket {
                    ticker: column(row, "ticker", WHAT)?,
                    timeframe: column(row, "timeframe", WHAT)?,
                    from: column(row, "from_time", WHAT)?,
                    until: column(row, "until_time", WHAT)?,
                    variants: column(row, "variants", WHAT)?,
                    markets: column(row, "markets", WHAT)?,
                    candles: column(row, "candles", WHAT)?,
                    candle_report: serde_json::from_str(&report).unwrap_or_default(),
                })
            })
            .collect()
    }
}
