//! Jobs on their way in: claims, start marks, progress, parts.

use serde_json::Value;

use super::{Store, StoreError, WorkerId, column, int4, run};
use crate::domain::job::{Claim, ClaimedJob, Progress};

impl Store {
    /// Claims at most `limit` ready jobs, of them at most `cpu_limit` of `cpu_kinds`. The claim is
    /// committed when this returns.
    ///
    /// # Errors
    /// The statement failed; what it may have claimed is given back by the next look.
    pub async fn claim_jobs(
        &self,
        worker: WorkerId,
        limit: usize,
        cpu_kinds: &[&str],
        cpu_limit: usize,
    ) -> Result<Vec<ClaimedJob>, StoreError> {
        const WHAT: &str = "claim jobs";
        let claims = self.for_claims();
        let rows = run!(
            claims,
            "claim jobs",
            "claim_jobs",
            fetch_all,
            worker,
            int4(limit),
            cpu_kinds,
            int4(cpu_limit)
        );
        rows.iter()
            .map(|row| {
                Ok(ClaimedJob {
                    claim: Claim {
                        job_id: column(row, "job_id", WHAT)?,
                        fence: column(row, "fence", WHAT)?,
                    },
                    attempt: column(row, "attempt", WHAT)?,
                    kind: column(row, "kind", WHAT)?,
                    spec: column(row, "spec", WHAT)?,
                    timeout_s: column(row, "timeout_s", WHAT)?,
                    waited_ms: column(row, "waited_ms", WHAT)?,
                    age_ms: column(row, "age_ms", WHAT)?,
                    traceparent: column(row, "traceparent", WHAT)?,
                })
            })
            .collect()
    }

    /// Writes start marks and progress of running jobs; those that lost their claim change nothing.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn mark_progress(&self, progress: &[Progress]) -> Result<(), StoreError> {
        let ids: Vec<i64> = progress.iter().map(|p| p.claim.job_id).collect();
        let fences: Vec<i64> = progress.iter().map(|p| p.claim.fence).collect();
        let percents: Vec<f64> = progress.iter().map(|p| p.percent).collect();
        let elapsed: Vec<i64> = progress.iter().map(|p| p.elapsed_ms).collect();
        let timeouts: Vec<i64> = progress.iter().map(|p| p.timeout_ms).collect();
        let stalls: Vec<Option<i64>> = progress.iter().map(|p| p.stall_ms).collect();
        run!(
            self,
            "write progress",
            "mark_progress",
            execute,
            ids,
            fences,
            percents,
            elapsed,
            timeouts,
            stalls
        );
        Ok(())
    }

    /// Keeps what the next run of a job can go on from; nothing is kept for a run that lost its claim,
    /// or that has no start mark yet. Answers whether it was kept.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn keep_checkpoint(
        &self,
        claim: Claim,
        key: &str,
        state: &[u8],
    ) -> Result<bool, StoreError> {
        let kept = run!(
            self,
            "keep a checkpoint",
            "keep_checkpoint",
            execute,
            claim.job_id,
            claim.fence,
            key,
            state
        );
        Ok(kept.rows_affected() > 0)
    }

    /// What an interrupted run of a job has kept under this key, if the job has not failed since.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn find_checkpoint(
        &self,
        claim: Claim,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        const WHAT: &str = "find a checkpoint";
        let row = run!(
            self,
            "find a checkpoint",
            "find_checkpoint",
            fetch_optional,
            claim.job_id,
            claim.fence,
            key
        );
        row.map(|row| column(&row, "checkpoint", WHAT)).transpose()
    }

    /// Writes one part's own row. Answers whether the claim still held.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn write_part(
        &self,
        claim: Claim,
        part: i32,
        percent: f64,
        output: Option<&Value>,
    ) -> Result<bool, StoreError> {
        let written = run!(
            self,
            "write a part",
            "write_part",
            execute,
            claim.job_id,
            claim.fence,
            part,
            percent,
            output.map(Value::to_string)
        );
        Ok(written.rows_affected() > 0)
    }
}
