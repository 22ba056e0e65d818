//! Bundles: read, expanded, rolled up.

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{Store, StoreError, WorkerId, column, failed, int4, run};

/// A bundle as its user wrote it, and how far it has been expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleRequest {
    /// How many of its jobs are in the table.
    pub expanded: u64,
    /// How many there will be; `None` before it has been read.
    pub total: Option<u64>,
    /// The five JSON columns as text, in the order `universal_config`, `ticker_variants`,
    /// `date_ranges`, `scenario_variants`, `money_management_variants`.
    pub columns: [String; 5],
}

/// Jobs of one kind that are to be inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJobs {
    /// What they are.
    pub kind: &'static str,
    /// Their specs, JSON.
    pub specs: Vec<String>,
}

impl BundleRequest {
    pub(super) fn of(row: &PgRow, what: &'static str) -> Result<Self, StoreError> {
        let expanded: i32 = column(row, "expanded", what)?;
        let total: Option<i32> = column(row, "total", what)?;
        Ok(Self {
            expanded: u64::try_from(expanded).unwrap_or(0),
            total: total.and_then(|total| u64::try_from(total).ok()),
            columns: [
                column(row, "universal_config", what)?,
                column(row, "ticker_variants", what)?,
                column(row, "date_ranges", what)?,
                column(row, "scenario_variants", what)?,
                column(row, "money_management_variants", what)?,
            ],
        })
    }
}

impl Store {
    /// Takes bundles that wait to be read or expanded, for `hold_ms`, highest priority first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn take_bundles(
        &self,
        worker: WorkerId,
        limit: usize,
        hold_ms: i64,
    ) -> Result<Vec<Uuid>, StoreError> {
        const WHAT: &str = "take bundles to expand";
        let rows = run!(
            self,
            "take bundles to expand",
            "take_bundles",
            fetch_all,
            worker,
            int4(limit),
            hold_ms
        );
        rows.iter().map(|row| column(row, "id", WHAT)).collect()
    }

    /// Lets others take these bundles at once.
    ///
    /// # Errors
    /// The statement failed; the hold runs out by itself.
    pub async fn give_bundles_back(
        &self,
        worker: WorkerId,
        bundles: &[Uuid],
    ) -> Result<(), StoreError> {
        run!(self, "give bundles back", "give_bundles_back", execute, worker, bundles);
        Ok(())
    }

    /// What the user asked for; `None` when the bundle needs no expanding (any more).
    ///
    /// # Errors
    /// The statement failed.
    pub async fn read_bundle(&self, bundle: Uuid) -> Result<Option<BundleRequest>, StoreError> {
        const WHAT: &str = "read a bundle";
        let row = run!(self, "read a bundle", "read_bundle", fetch_optional, bundle);
        row.map(|row| BundleRequest::of(&row, WHAT)).transpose()
    }

    /// Records that a bundle makes sense and how many jobs it has.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn accept_bundle(
        &self,
        bundle: Uuid,
        total: u64,
        left_out: u64,
    ) -> Result<(), StoreError> {
        let total = i32::try_from(total).unwrap_or(i32::MAX);
        let left_out = i64::try_from(left_out).unwrap_or(i64::MAX);
        run!(self, "accept a bundle", "accept_bundle", execute, bundle, total, left_out);
        Ok(())
    }

    /// Rejects a bundle with the reason; nothing of it is run.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn reject_bundle(&self, bundle: Uuid, error: &str) -> Result<(), StoreError> {
        run!(self, "reject a bundle", "reject_bundle", execute, bundle, error);
        Ok(())
    }

    /// Gives up an accepted bundle that reads differently now; it ends as cancelled, with the reason.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn abandon_bundle(&self, bundle: Uuid, error: &str) -> Result<(), StoreError> {
        run!(self, "abandon a bundle", "abandon_bundle", execute, bundle, error);
        Ok(())
    }

    /// Inserts the jobs that follow the first `expanded` ones. Answers the new cursor; `None` when
    /// somebody else moved it or the bundle was cancelled.
    ///
    /// # Errors
    /// The statement failed; nothing was inserted, or the reply got lost: the cursor tells.
    pub async fn insert_variants(
        &self,
        bundle: Uuid,
        expanded: u64,
        jobs: &NewJobs,
        hold_ms: i64,
    ) -> Result<Option<u64>, StoreError> {
        const WHAT: &str = "insert a bundle's jobs";
        let expanded = i32::try_from(expanded).unwrap_or(i32::MAX);
        let row = run!(
            self,
            "insert a bundle's jobs",
            "insert_variants",
            fetch_optional,
            bundle,
            expanded,
            &jobs.specs,
            hold_ms,
            jobs.kind
        );
        row.map(|row| {
            let cursor: i32 = column(&row, "expanded", WHAT)?;
            Ok(u64::try_from(cursor).unwrap_or(0))
        })
        .transpose()
    }

    /// Bundles with deltas to fold, and those whose jobs have all ended.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn bundles_with_news(&self, limit: usize) -> Result<Vec<Uuid>, StoreError> {
        const WHAT: &str = "find bundles with news";
        let rows =
            run!(self, "find bundles with news", "bundles_with_news", fetch_all, int4(limit));
        rows.iter().map(|row| column(row, "bundle_id", WHAT)).collect()
    }

    /// Folds a bundle's deltas into it. Answers whether all of its jobs have ended.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn fold_bundle(&self, bundle: Uuid) -> Result<bool, StoreError> {
        let row = run!(self, "fold a bundle", "fold_bundle", fetch_one, bundle);
        sqlx::Row::try_get(&row, 0).map_err(failed("fold a bundle"))
    }
}
