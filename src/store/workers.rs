//! Who works here: worker ids, leases, and the look that renews them.

use super::{OrderedLimit, Store, StoreError, column, failed, run};
use crate::domain::job::Claim;
use sqlx::postgres::PgRow;

/// A worker's number, new at every start of a process.
pub type WorkerId = i32;

/// How a worker is doing, as it says itself at each renewal.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Why it claims nothing that needs a slot.
    pub waits_for: Option<String>,
    /// Part of its full pace at which it goes.
    pub pace: f64,
    /// Why that is less than 1.
    pub slowed_by: Option<String>,
    /// What it tells of its pipes, slots, candles and statements, JSON; `None` leaves what was told.
    pub figures: Option<String>,
    /// How often it renews its lease, milliseconds; half as much again is silence in others.
    pub renewal_ms: i64,
}

impl Default for Condition {
    fn default() -> Self {
        Self { waits_for: None, pace: 1.0, slowed_by: None, figures: None, renewal_ms: 1_000 }
    }
}

/// What a renewal of the lease brought back.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "answers of one row, none follows from another")]
pub struct Look {
    /// Whether the lease was renewed; otherwise the worker has been declared dead.
    pub alive: bool,
    /// Claims that the worker thinks it holds and does not.
    pub lost: Vec<Claim>,
    /// Whether commands wait to be applied.
    pub commands_wait: bool,
    /// Whether bundles wait to be read.
    pub bundles_wait: bool,
    /// Whether anybody has claimed anything, as far as lanes tell.
    pub claims_stand: bool,
    /// Whether another worker has not renewed its lease when it should have.
    pub others_are_silent: bool,
    /// Claims in the worker's name that it did not hold and that were given back.
    pub orphans: i32,
    /// What commands say of pipes.
    pub ordered_limits: Vec<OrderedLimit>,
    /// Whether kinds or users have limits.
    pub limits_jobs: bool,
}

impl Store {
    /// A number nobody has had before.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn next_worker_id(&self) -> Result<WorkerId, StoreError> {
        const WHAT: &str = "take a worker id";
        let row = run!(self, "take a worker id", "next_worker_id", fetch_one);
        sqlx::Row::try_get(&row, 0).map_err(failed(WHAT))
    }

    /// Enters a worker with its first lease.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn register_worker(
        &self,
        worker: WorkerId,
        host: &str,
        slots: usize,
        lease_ms: i64,
    ) -> Result<(), StoreError> {
        run!(
            self,
            "register the worker",
            "register_worker",
            execute,
            worker,
            host,
            env!("CARGO_PKG_VERSION"),
            super::int4(slots),
            lease_ms
        );
        Ok(())
    }

    /// Renews the lease and looks what has become of the claims held. Rows claimed in the worker's
    /// name for longer than `orphan_after_ms` that are not among `held` are given back; `None`: they
    /// are not looked for.
    ///
    /// # Errors
    /// The statement failed; the lease may or may not have been renewed.
    pub async fn renew_lease(
        &self,
        worker: WorkerId,
        lease_ms: i64,
        held: &[Claim],
        orphan_after_ms: Option<i64>,
        condition: &Condition,
    ) -> Result<Look, StoreError> {
        const WHAT: &str = "renew the lease";
        let (ids, fences) = columns_of(held);
        let row = run!(
            self,
            "renew the lease",
            "renew_lease",
            fetch_one,
            worker,
            lease_ms,
            ids,
            fences,
            orphan_after_ms,
            condition.waits_for.as_deref(),
            condition.pace,
            condition.slowed_by.as_deref(),
            condition.renewal_ms * 3 / 2,
            condition.figures.as_deref()
        );
        let lost_ids: Vec<i64> = column(&row, "lost_ids", WHAT)?;
        let lost_fences: Vec<i64> = column(&row, "lost_fences", WHAT)?;
        Ok(Look {
            alive: column(&row, "alive", WHAT)?,
            lost: lost_ids
                .into_iter()
                .zip(lost_fences)
                .map(|(job_id, fence)| Claim { job_id, fence })
                .collect(),
            commands_wait: column(&row, "commands_wait", WHAT)?,
            bundles_wait: column(&row, "bundles_wait", WHAT)?,
            claims_stand: column(&row, "claims_stand", WHAT)?,
            others_are_silent: column(&row, "others_are_silent", WHAT)?,
            orphans: column(&row, "orphans", WHAT)?,
            ordered_limits: ordered_limits(&row, WHAT)?,
            limits_jobs: column(&row, "limits_jobs", WHAT)?,
        })
    }

    /// Says that the worker claims nothing more.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        run!(self, "mark the worker as draining", "drain_worker", execute, worker);
        Ok(())
    }

    /// Says how many slots the worker has from now on.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn resize_worker(&self, worker: WorkerId, slots: usize) -> Result<(), StoreError> {
        run!(
            self,
            "write the worker's slots",
            "resize_worker",
            execute,
            worker,
            super::int4(slots)
        );
        Ok(())
    }

    /// Says goodbye: the worker holds nothing any more.
    ///
    /// # Errors
    /// The statement failed; the lease will run out instead.
    pub async fn stop_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        run!(self, "sign the worker off", "stop_worker", execute, worker);
        Ok(())
    }

    /// Adds to the worker's count of refused late writes.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn count_late_writes(
        &self,
        worker: WorkerId,
        writes: usize,
    ) -> Result<(), StoreError> {
        run!(
            self,
            "count late writes",
            "count_late_writes",
            execute,
            worker,
            i64::from(super::int4(writes))
        );
        Ok(())
    }
}

fn ordered_limits(row: &PgRow, what: &'static str) -> Result<Vec<OrderedLimit>, StoreError> {
    let pipes: Vec<String> = column(row, "limited_pipes", what)?;
    let rates: Vec<Option<f64>> = column(row, "pipe_rates", what)?;
    let caps: Vec<Option<i32>> = column(row, "pipe_caps", what)?;
    let limits = pipes.into_iter().zip(rates).zip(caps);
    Ok(limits
        .map(|((pipe, rate_per_second), in_flight_max)| OrderedLimit {
            pipe,
            rate_per_second,
            in_flight_max,
        })
        .collect())
}

/// Claims as the two arrays that statements take.
pub(super) fn columns_of(claims: &[Claim]) -> (Vec<i64>, Vec<i64>) {
    claims.iter().map(|claim| (claim.job_id, claim.fence)).unzip()
}
