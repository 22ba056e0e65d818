//! The results of a bundle together: what can be compared day by day, what never traded, what
//! walked forward.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Store, StoreError, column, int4, run};
use crate::domain::job::JobId;

/// The results of a bundle on one market over one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultGroup {
    /// What was traded.
    pub ticker: String,
    /// Length of its candles.
    pub timeframe: String,
    /// Begin of the range.
    pub from: DateTime<Utc>,
    /// End of the range, excluded.
    pub until: DateTime<Utc>,
    /// Number of results.
    pub variants: u64,
    /// Bytes of their daily returns.
    pub bytes: u64,
}

/// The first groups of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultGroups {
    /// The one of the best variant first.
    pub first: Vec<ResultGroup>,
    /// How many there are in all.
    pub count: u64,
}

/// What statistics need of one result.
#[derive(Debug, Clone, PartialEq)]
pub struct DailyRow {
    /// Its job.
    pub job_id: JobId,
    /// Number of the variant within its bundle.
    pub seq: u64,
    /// Digest of the variant; empty where none was stored.
    pub variant_digest: String,
    /// Its Sharpe ratio, annual.
    pub sharpe: Option<f64>,
    /// Its daily returns as stored; empty where there are none.
    pub daily_returns: Vec<u8>,
}

impl Store {
    /// The first `limit` groups of a bundle's results, the one of the best variant first.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn result_groups(
        &self,
        bundle: Uuid,
        limit: usize,
    ) -> Result<ResultGroups, StoreError> {
        const WHAT: &str = "find what can be compared";
        let rows = run!(
            self,
            "find what can be compared",
            "result_groups",
            fetch_all,
            bundle,
            int4(limit)
        );
        let count = |row, name| {
            let count: i64 = column(row, name, WHAT)?;
            Ok::<u64, StoreError>(u64::try_from(count).unwrap_or(0))
        };
        let group = |row| {
            Ok(ResultGroup {
                ticker: column(row, "ticker", WHAT)?,
                timeframe: column(row, "timeframe", WHAT)?,
                from: column(row, "from_time", WHAT)?,
                until: column(row, "until_time", WHAT)?,
                variants: count(row, "variants")?,
                bytes: count(row, "bytes")?,
            })
        };
        Ok(ResultGroups {
            first: rows.iter().map(group).collect::<Result<_, StoreError>>()?,
            count: rows.first().map_or(Ok(0), |row| count(row, "groups"))?,
        })
    }

    /// Up to `limit` results of a group in the order of their numbers, those after number `after`.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn daily_returns(
        &self,
        bundle: Uuid,
        group: &ResultGroup,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DailyRow>, StoreError> {
        const WHAT: &str = "read daily returns";
        let after = after.map_or(-1, |seq| i32::try_from(seq).unwrap_or(i32::MAX));
        let rows = run!(
            self,
            "read daily returns",
            "daily_returns",
            fetch_all,
            bundle,
            &group.ticker,
            &group.timeframe,
            group.from,
            group.until,
            after,
            int4(limit)
        );
        rows.iter()
            .map(|row| {
                let seq: i32 = column(row, "seq", WHAT)?;
                Ok(DailyRow {
                    job_id: column(row, "job_id", WHAT)?,
                    seq: u64::try_from(seq).unwrap_or(0),
                    variant_digest: column(row, "variant_digest", WHAT)?,
                    sharpe: column(row, "sharpe", WHAT)?,
                    daily_returns: column(row, "daily_returns", WHAT)?,
                })
            })
            .collect()
    }

    /// How many variants of a bundle never traded (`zero_trades`), `failed` or were `cancelled`, each
    /// by reason.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn without_trades(&self, bundle: Uuid) -> Result<Map<String, Value>, StoreError> {
        const WHAT: &str = "count what did not trade";
        let rows = run!(self, "count what did not trade", "without_trades", fetch_all, bundle);
        let mut counts = Map::new();
        for row in &rows {
            let (what, reason): (String, String) =
                (column(row, "what", WHAT)?, column(row, "reason", WHAT)?);
            let variants: i64 = column(row, "variants", WHAT)?;
            let by_reason = counts.entry(what).or_insert_with(|| Value::Object(Map::new()));
            if let Some(by_reason) = by_reason.as_object_mut() {
                by_reason.insert(reason, Value::from(variants));
            }
        }
        Ok(counts)
    }

    /// What came of the walk-forwards of a bundle: their outputs without folds and curves, each with
    /// its `job_id`.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn walk_forwards(&self, bundle: Uuid) -> Result<Vec<Value>, StoreError> {
        const WHAT: &str = "read walk-forwards";
        let rows = run!(self, "read walk-forwards", "walk_forwards", fetch_all, bundle);
        rows.iter()
            .map(|row| {
                let output: String = column(row, "output", WHAT)?;
                Ok(serde_json::from_str(&output).unwrap_or_default())
            })
            .collect()
    }
}
