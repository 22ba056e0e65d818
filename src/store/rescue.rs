//! Finding the dead and taking their claims away.

use super::workers::columns_of;
use super::{Store, StoreError, WorkerId, column, int4, run};
use crate::domain::job::{Claim, DeadJob, Death, JobId};

/// A worker that was declared dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadWorker {
    /// Its number.
    pub id: WorkerId,
    /// The host it ran on.
    pub host: String,
}

/// A job taken from a dead worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescued {
    /// The job.
    pub job_id: JobId,
    /// Whether it has now killed too many processes and ended as failed.
    pub quarantined: bool,
}

impl Store {
    /// Declares workers dead: the lease ran out, or the session lock is gone and nothing was renewed
    /// for `silence_ms`. Nobody is declared dead within `grace_ms` of a start of the server.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn declare_dead(
        &self,
        silence_ms: i64,
        grace_ms: i64,
    ) -> Result<Vec<DeadWorker>, StoreError> {
        const WHAT: &str = "declare workers dead";
        let rows =
            run!(self, "declare workers dead", "declare_dead", fetch_all, silence_ms, grace_ms);
        rows.iter()
            .map(|row| {
                Ok(DeadWorker { id: column(row, "id", WHAT)?, host: column(row, "host", WHAT)? })
            })
            .collect()
    }

    /// Claims whose worker is dead, that ran over their limit, or that stalled.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn find_dead_jobs(&self, limit: usize) -> Result<Vec<DeadJob>, StoreError> {
        const WHAT: &str = "find dead jobs";
        let rows = run!(self, "find dead jobs", "find_dead_jobs", fetch_all, int4(limit));
        rows.iter()
            .map(|row| {
                Ok(DeadJob {
                    claim: Claim {
                        job_id: column(row, "job_id", WHAT)?,
                        fence: column(row, "fence", WHAT)?,
                    },
                    death: match column::<i32>(row, "death", WHAT)? {
                        0 => Death::Worker,
                        1 => Death::TimeLimit,
                        _ => Death::Stalled,
                    },
                    limit_ms: column(row, "limit_ms", WHAT)?,
                    silent_ms: column(row, "silent_ms", WHAT)?,
                })
            })
            .collect()
    }

    /// Puts jobs of dead workers back, or quarantines those that were there at too many deaths.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn rescue_jobs(
        &self,
        claims: &[Claim],
        crashes_max: u32,
    ) -> Result<Vec<Rescued>, StoreError> {
        const WHAT: &str = "rescue jobs";
        let (ids, fences) = columns_of(claims);
        let crashes_max = i32::try_from(crashes_max).unwrap_or(i32::MAX);
        let rows = run!(self, "rescue jobs", "rescue_jobs", fetch_all, ids, fences, crashes_max);
        rows.iter()
            .map(|row| {
                Ok(Rescued {
                    job_id: column(row, "job_id", WHAT)?,
                    quarantined: column(row, "quarantined", WHAT)?,
                })
            })
            .collect()
    }

    /// Cancels one claimed job with the reason. Answers whether the claim still stood.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn cancel_claim(
        &self,
        claim: Claim,
        class: &str,
        reason: &str,
    ) -> Result<bool, StoreError> {
        const WHAT: &str = "cancel a dead job";
        let row = run!(
            self,
            "cancel a dead job",
            "end_jobs",
            fetch_one,
            vec![claim.job_id],
            vec![claim.fence],
            vec![3_i16],
            vec![class],
            vec![reason],
            vec![None::<String>],
            vec![None::<String>],
            vec![None::<f64>]
        );
        let ended: Vec<i64> = sqlx::Row::try_get(&row, 0).map_err(super::failed(WHAT))?;
        Ok(!ended.is_empty())
    }
}
