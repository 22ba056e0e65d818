//! Jobs read back: what was asked for, and what is stored of the run.

use sqlx::postgres::PgRow;

use super::{Store, StoreError, column, run};
use crate::domain::job::JobId;

/// A job as it was asked for, and what is stored of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// What it is.
    pub kind: String,
    /// The word in `job_status`.
    pub status: String,
    /// What was asked for, JSON.
    pub spec: String,
    /// Its row in `results`, where it has one.
    pub result: Option<StoredResult>,
}

/// What a row of `results` says of where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// Begin of the range that was tested, milliseconds since the epoch.
    pub from_ms: i64,
    /// End of that range, excluded; milliseconds since the epoch.
    pub until_ms: i64,
    /// The scenario, JSON.
    pub scenario: String,
    /// The money management, JSON.
    pub money_management: String,
    /// Digest of the candles, warm-up included.
    pub candle_digest: String,
    /// Digest of trades and equity.
    pub result_digest: String,
    /// Digest of what decided over it; empty where none is stored.
    pub variant_digest: String,
    /// Version of the engine.
    pub engine_version: i32,
    /// Version of the definitions of the figures.
    pub metrics_version: i32,
}

impl Store {
    /// Reads a job and what is stored of its run; `None` where there is no such job.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_stored_job(&self, job: JobId) -> Result<Option<StoredJob>, StoreError> {
        const WHAT: &str = "read a job and its result";
        let row = run!(self, "read a job and its result", "stored_job", fetch_optional, job);
        row.map(|row| {
            let digest: Option<String> = column(&row, "result_digest", WHAT)?;
            Ok(StoredJob {
                kind: column(&row, "kind", WHAT)?,
                status: column(&row, "status", WHAT)?,
                spec: column(&row, "spec", WHAT)?,
                result: digest.map(|digest| stored_result(&row, digest, WHAT)).transpose()?,
            })
        })
        .transpose()
    }
}

fn stored_result(
    row: &PgRow,
    result_digest: String,
    what: &'static str,
) -> Result<StoredResult, StoreError> {
    Ok(StoredResult {
        ticker: column(row, "ticker", what)?,
        timeframe: column(row, "timeframe", what)?,
        from_ms: column(row, "from_ms", what)?,
        until_ms: column(row, "until_ms", what)?,
        scenario: column(row, "scenario", what)?,
        money_management: column(row, "money_management", what)?,
        candle_digest: column(row, "candle_digest", what)?,
        result_digest,
        variant_digest: column(row, "variant_digest", what)?,
        engine_version: column(row, "engine_version", what)?,
        metrics_version: column(row, "metrics_version", what)?,
    })
}
