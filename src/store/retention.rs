//! What is removed when it is old, a few rows at a time.

use super::{BEGIN, Store, StoreError, column, failed, int4, run};

/// What has an age after which it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Results of what has ended.
    Results,
    /// Jobs that ended, with all that is theirs.
    Jobs,
    /// Bundles that ended and whose jobs are gone.
    Bundles,
    /// Commands that were applied.
    Commands,
    /// Workers that are no more.
    Workers,
    /// Lanes that nobody uses.
    Lanes,
}

/// What one statement removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Rows that are gone.
    pub gone: i64,
    /// Where to go on; `None` where nothing older is left.
    pub next: Option<i64>,
}

/// Somebody held the lanes at that moment.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Store {
    /// Removes some of what is older than so many days: looks at `limit` rows after `after`.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn prune(
        &self,
        kept: Kept,
        days: u32,
        limit: usize,
        after: i64,
    ) -> Result<Pruned, StoreError> {
        const WHAT: &str = "prune";
        let (days, limit) = (f64::from(days), i64::from(int4(limit)));
        let row = match kept {
            Kept::Results => {
                run!(self, "prune results", "prune_results", fetch_one, days, limit, after)
            }
            Kept::Jobs => run!(self, "prune jobs", "prune_jobs", fetch_one, days, limit, after),
            Kept::Bundles => {
                run!(self, "prune bundles", "prune_bundles", fetch_one, days, limit, after)
            }
            Kept::Commands => {
                run!(self, "prune commands", "prune_commands", fetch_one, days, limit, after)
            }
            Kept::Workers => {
                run!(self, "prune workers", "prune_workers", fetch_one, days, limit, after)
            }
            Kept::Lanes => {
                run!(self, "mark idle lanes", "mark_idle_lanes", execute);
                let gone = self.prune_lanes(days, limit).await?;
                return Ok(Pruned { gone, next: (gone == limit).then_some(0) });
            }
        };
        let more: bool = column(&row, "more", WHAT)?;
        let last_id: i64 = column(&row, "last_id", WHAT)?;
        Ok(Pruned { gone: column(&row, "gone", WHAT)?, next: more.then_some(last_id) })
    }

    /// Takes the table for a moment, or leaves it be where somebody works on it.
    async fn prune_lanes(&self, days: f64, limit: i64) -> Result<i64, StoreError> {
        const WHAT: &str = "prune lanes";
        const LOCK: &str = "set local lock_timeout = '50ms'; \
                            lock table sluicegate.lanes in access exclusive mode";
        let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed(WHAT))?;
        match sqlx::raw_sql(LOCK).execute(&mut *transaction).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
            {
                transaction.rollback().await.map_err(failed(WHAT))?;
                return Ok(0);
            }
            Err(error) => return Err(failed(WHAT)(error)),
        }
        let removal = self.query(include_str!("sql/prune_lanes.sql")).bind(days).bind(limit);
        let removed = removal.execute(&mut *transaction).await.map_err(failed(WHAT))?;
        transaction.commit().await.map_err(failed(WHAT))?;
        Ok(i64::try_from(removed.rows_affected()).unwrap_or(i64::MAX))
    }
}
