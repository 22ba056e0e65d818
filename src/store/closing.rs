//! Bundles whose jobs have all ended: taken, looked through, ranked, ended.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{BundleRequest, Store, StoreError, WorkerId, column, failed, int4, run};
use crate::domain::job::JobId;

/// A bundle whose jobs have all ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedBundle {
    /// What its user asked for.
    pub request: BundleRequest,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// How often it was taken to be closed and not given back, this time included.
    pub closings: u32,
}

/// What is told of the best variant of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct BestRecord {
    /// How it was validated; an empty object where it was not.
    pub validation: Value,
    /// Its return, 1 is 100 %.
    pub total_return: f64,
    /// That of buying and holding.
    pub buy_and_hold_return: Option<f64>,
}

/// One of the best variants of a bundle.
#[derive(Debug, Clone, PartialEq)]
pub struct BestResult {
    /// Its job.
    pub job_id: JobId,
    /// The job's spec, JSON.
    pub spec: String,
    /// Begin of the range it was made on.
    pub from: DateTime<Utc>,
    /// End of the range, excluded.
    pub until: DateTime<Utc>,
    /// Digest of the result.
    pub result_digest: String,
    /// Digest of the variant; empty where none was stored.
    pub variant_digest: String,
    /// Whether its trades are stored.
    pub has_trades: bool,
    /// How it was checked so far; an object.
    pub validation: Value,
}

impl Store {
    /// Takes bundles whose jobs have all ended, for `hold_ms`, highest priority first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn take_ended_bundles(
        &self,
        worker: WorkerId,
        limit: usize,
        hold_ms: i64,
    ) -> Result<Vec<Uuid>, StoreError> {
        const WHAT: &str = "take bundles to close";
        let rows = run!(
            self,
            "take bundles to close",
            "take_ended_bundles",
            fetch_all,
            worker,
            int4(limit),
            hold_ms
        );
        rows.iter().map(|row| column(row, "id", WHAT)).collect()
    }

    /// Holds a bundle for another `hold_ms`. Answers whether it has been cancelled; `None` where the
    /// hold was lost.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn hold_bundle(
        &self,
        worker: WorkerId,
        bundle: Uuid,
        hold_ms: i64,
    ) -> Result<Option<bool>, StoreError> {
        const WHAT: &str = "hold a bundle";
        let row =
            run!(self, "hold a bundle", "hold_bundle", fetch_optional, bundle, worker, hold_ms);
        row.map(|row| column(&row, "cancelled", WHAT)).transpose()
    }

    /// A bundle that this worker is to close; `None` where it is not its any more.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_ended_bundle(
        &self,
        worker: WorkerId,
        bundle: Uuid,
    ) -> Result<Option<EndedBundle>, StoreError> {
        const WHAT: &str = "read a bundle to close";
        let row = run!(
            self,
            "read a bundle to close",
            "read_ended_bundle",
            fetch_optional,
            bundle,
            worker
        );
        row.map(|row| {
            let closings: i16 = column(&row, "closings", WHAT)?;
            Ok(EndedBundle {
                request: BundleRequest::of(&row, WHAT)?,
                cancelled: column(&row, "cancelled", WHAT)?,
                closings: u32::try_from(closings).unwrap_or(0),
            })
        })
        .transpose()
    }

    /// The best `top` variants of a bundle, the best one first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn best_results(
        &self,
        bundle: Uuid,
        top: usize,
    ) -> Result<Vec<BestResult>, StoreError> {
        const WHAT: &str = "find the best variants";
        let rows =
            run!(self, "find the best variants", "best_results", fetch_all, bundle, int4(top));
        rows.iter()
            .map(|row| {
                let validation: String = column(row, "validation", WHAT)?;
                Ok(BestResult {
                    job_id: column(row, "job_id", WHAT)?,
                    spec: column(row, "spec", WHAT)?,
                    from: column(row, "from_time", WHAT)?,
                    until: column(row, "until_time", WHAT)?,
                    result_digest: column(row, "result_digest", WHAT)?,
                    variant_digest: column(row, "variant_digest", WHAT)?,
                    has_trades: column(row, "has_trades", WHAT)?,
                    validation: serde_json::from_str(&validation).unwrap_or_default(),
                })
            })
            .collect()
    }

    /// Stores trades and equity of one result, if it has this digest. Answers whether it had.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn keep_trades(
        &self,
        job_id: JobId,
        result_digest: &str,
        trades: &Value,
        equity: &Value,
    ) -> Result<bool, StoreError> {
        let kept = run!(
            self,
            "keep trades",
            "keep_trades",
            execute,
            job_id,
            result_digest,
            trades.to_string(),
            equity.to_string()
        );
        Ok(kept.rows_affected() > 0)
    }

    /// Adds to how a result was checked, if it has this digest and the time kept back has not been
    /// looked at. Answers whether that was so.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn keep_validation(
        &self,
        job_id: JobId,
        result_digest: &str,
        validation: &Value,
    ) -> Result<bool, StoreError> {
        let kept = run!(
            self,
            "keep a validation",
            "keep_validation",
            execute,
            job_id,
            result_digest,
            validation.to_string()
        );
        Ok(kept.rows_affected() > 0)
    }

    /// How a result was checked; null where there is no such result.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn best_record(&self, job_id: JobId) -> Result<Option<BestRecord>, StoreError> {
        const WHAT: &str = "read the best result";
        let row = run!(self, "read the best result", "best_record", fetch_optional, job_id);
        let Some(row) = row else { return Ok(None) };
        let validation: String = column(&row, "validation", WHAT)?;
        Ok(Some(BestRecord {
            validation: serde_json::from_str(&validation).unwrap_or_default(),
            total_return: column(&row, "total_return", WHAT)?,
            buy_and_hold_return: column(&row, "buy_and_hold_return", WHAT)?,
        }))
    }

    /// Drops trades and equity of all but the best `top` variants of a bundle.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn prune_trades(&self, bundle: Uuid, top: usize) -> Result<(), StoreError> {
        run!(self, "prune trades", "prune_trades", execute, bundle, int4(top));
        Ok(())
    }

    /// Ends a bundle whose jobs have all ended: writes its ranking and what is `said` of it (an
    /// object), its last status, tells listeners. Answers that status; `None` where there was nothing
    /// to end.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn finish_bundle(
        &self,
        bundle: Uuid,
        ranks: usize,
        said: &Value,
    ) -> Result<Option<String>, StoreError> {
        let row = run!(
            self,
            "finish a bundle",
            "finish_bundle",
            fetch_one,
            bundle,
            int4(ranks),
            said.to_string()
        );
        sqlx::Row::try_get(&row, 0).map_err(failed("finish a bundle"))
    }
}
