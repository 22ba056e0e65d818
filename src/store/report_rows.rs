//! The results of a bundle as a report ranks them: page by page, however many there are.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Store, StoreError, column, run};
use crate::domain::job::JobId;

/// One result in the ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedResult {
    /// Its place, from 1.
    pub rank: usize,
    /// Its job.
    pub job_id: JobId,
    /// Number of the variant within its bundle; `None` where the job is gone.
    pub seq: Option<i32>,
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// Begin of the range that was tested.
    pub from: DateTime<Utc>,
    /// End of that range, excluded.
    pub until: DateTime<Utc>,
    /// The scenario, JSON.
    pub scenario: String,
    /// The money management, JSON.
    pub money_management: String,
    /// Its figures, in the order of [`RANKED_FIGURES`].
    pub figures: [Option<f64>; 20],
}

/// The columns of `results` that are figures, as they are ranked and written.
pub const RANKED_FIGURES: [&str; 20] = [
    "final_equity",
    "total_return",
    "buy_and_hold_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "psr",
    "max_drawdown",
    "max_drawdown_intrabar",
    "calmar",
    "profit_factor",
    "win_rate",
    "expectancy_r",
    "sqn",
    "trade_count",
    "exposure",
    "fees",
    "funding",
    "candles",
];

impl RankedResult {
    /// The figure of this name; `None` where it has no meaning, or where it is none of
    /// [`RANKED_FIGURES`].
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<f64> {
        let at = RANKED_FIGURES.iter().position(|figure| *figure == name)?;
        self.figures.get(at).copied().flatten()
    }
}

/// What a variant is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCurve {
    /// Its job.
    pub job_id: JobId,
    /// The job's spec, JSON.
    pub spec: String,
    /// Its equity as stored, a list of `[time, equity]`; null where it was not kept.
    pub equity: Value,
    /// Its daily returns as stored.
    pub daily_returns: Option<Vec<u8>>,
    /// Digest of its candles.
    pub candle_digest: String,
    /// All of its figures.
    pub metrics: Value,
    /// Its trades, JSON; of the first one asked for only, and where they were kept.
    pub trades: Option<String>,
    /// How it was checked; of the first one asked for only.
    pub validation: Value,
}

impl Store {
    /// The jobs of a bundle that have a result, best first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn ranked_jobs(&self, bundle: Uuid) -> Result<Vec<JobId>, StoreError> {
        const WHAT: &str = "rank a bundle's results";
        let row = run!(self, "rank a bundle's results", "report_order", fetch_one, bundle);
        column(&row, "job_ids", WHAT)
    }

    /// The results of these jobs in this order, the first one at rank `before + 1`; those that are
    /// gone are left out.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn ranked_results(
        &self,
        jobs: &[JobId],
        before: usize,
    ) -> Result<Vec<RankedResult>, StoreError> {
        let rows = run!(self, "read ranked results", "report_rows", fetch_all, jobs);
        rows.iter().map(|row| ranked_result(row, before, "read ranked results")).collect()
    }

    /// The whole rows of `results` of these jobs in this order but for their daily returns, each a
    /// JSON object with its `rank`, counted from `before + 1`, and its `seq`.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn whole_results(
        &self,
        jobs: &[JobId],
        before: usize,
    ) -> Result<Vec<String>, StoreError> {
        const WHAT: &str = "read whole results";
        let before = i64::try_from(before).unwrap_or(i64::MAX);
        let rows = run!(self, "read whole results", "report_whole_rows", fetch_all, jobs, before);
        rows.iter().map(|row| column(row, "result", WHAT)).collect()
    }

    /// What these variants are drawn from, in this order.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn stored_curves(&self, jobs: &[JobId]) -> Result<Vec<StoredCurve>, StoreError> {
        const WHAT: &str = "read curves";
        let rows = run!(self, "read curves", "report_curves", fetch_all, jobs);
        rows.iter()
            .map(|row| {
                let json = |name| {
                    let text: String = column(row, name, WHAT)?;
                    Ok::<Value, StoreError>(serde_json::from_str(&text).unwrap_or_default())
                };
                Ok(StoredCurve {
                    job_id: column(row, "job_id", WHAT)?,
                    spec: column(row, "spec", WHAT)?,
                    equity: json("equity")?,
                    daily_returns: column(row, "daily_returns", WHAT)?,
                    candle_digest: column(row, "candle_digest", WHAT)?,
                    metrics: json("metrics")?,
                    trades: column(row, "trades", WHAT)?,
                    validation: json("validation")?,
                })
            })
            .collect()
    }
}

fn ranked_result(
    row: &PgRow,
    before: usize,
    what: &'static str,
) -> Result<RankedResult, StoreError> {
    let place: i64 = column(row, "place", what)?;
    let mut figures = [None; 20];
    for (figure, name) in figures.iter_mut().zip(RANKED_FIGURES) {
        *figure = column(row, name, what)?;
    }
    Ok(RankedResult {
        rank: before + usize::try_from(place).unwrap_or(0),
        job_id: column(row, "job_id", what)?,
        seq: column(row, "seq", what)?,
        ticker: column(row, "ticker", what)?,
        timeframe: column(row, "timeframe", what)?,
        from: column(row, "from_time", what)?,
        until: column(row, "until_time", what)?,
        scenario: column(row, "scenario", what)?,
        money_management: column(row, "money_management", what)?,
        figures,
    })
}
