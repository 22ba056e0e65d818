//! Takes claims away from the dead: puts their jobs back, or cancels what ran too long.

use std::collections::HashMap;
use std::time::Duration;

use crate::domain::job::{Claim, DeadJob, Death};
use crate::metrics::JobMetrics;
use crate::pipeline::BatchConsumer;
use crate::store::Store;
use crate::worker::{Event, Wakes, Worker};

/// Takes claims away.
#[derive(Debug)]
pub struct DeadJobCancellerConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    crashes_max: u32,
    metrics: JobMetrics,
}

impl DeadJobCancellerConsumer {
    /// A job whose process died `crashes_max` times is quarantined.
    #[must_use]
    pub fn new(
        store: &Store,
        worker: &Worker,
        wakes: &Wakes,
        crashes_max: u32,
        metrics: &JobMetrics,
    ) -> Self {
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            crashes_max,
            metrics: metrics.clone(),
        }
    }

    async fn rescue(&self, claims: &[Claim]) -> anyhow::Result<()> {
        if claims.is_empty() {
            return Ok(());
        }
        let rescued = self.store.rescue_jobs(claims, self.crashes_max).await?;
        for (event, ended) in [(Event::Rescued, false), (Event::Quarantined, true)] {
            let jobs = rescued.iter().filter(|job| job.quarantined == ended);
            self.worker.note_those(event, claims, &jobs.map(|job| job.job_id).collect());
        }
        let ended = rescued.iter().filter(|job| job.quarantined).map(|job| job.job_id);
        self.worker.job_events().note(ended);
        let quarantined = rescued.iter().filter(|job| job.quarantined).count();
        self.metrics.rescued(rescued.len() - quarantined, quarantined);
        if !rescued.is_empty() {
            tracing::warn!(jobs = rescued.len(), quarantined, "took jobs from dead workers");
        }
        self.wakes.wake("pending_job");
        Ok(())
    }

    async fn cancel(&self, dead: &DeadJob) -> anyhow::Result<()> {
        let limit_s = Duration::from_millis(u64::try_from(dead.limit_ms).unwrap_or(0));
        let (class, reason) = match dead.death {
            Death::Stalled => ("stalled", format!("no progress for {limit_s:?}")),
            Death::TimeLimit | Death::Worker => {
                ("time_limit", format!("over its time limit of {limit_s:?}"))
            }
        };
        if self.store.cancel_claim(dead.claim, class, &reason).await? {
            self.worker.note(Event::Cancelled, &[dead.claim]);
            self.worker.job_events().note([dead.claim.job_id]);
            tracing::info!(job = dead.claim.job_id, reason, "job cancelled");
        }
        Ok(())
    }
}

impl BatchConsumer for DeadJobCancellerConsumer {
    type Item = DeadJob;

    async fn consume(&self, dead: Vec<DeadJob>) -> anyhow::Result<()> {
        // Two looks may have found the same before it was dealt with.
        let dead: HashMap<Claim, DeadJob> = dead.into_iter().map(|job| (job.claim, job)).collect();
        let mut dead: Vec<DeadJob> = dead.into_values().collect();
        dead.sort_unstable_by_key(|job| job.claim.job_id);
        let (orphans, overdue): (Vec<_>, Vec<_>) =
            dead.into_iter().partition(|job| job.death == Death::Worker);
        let claims: Vec<Claim> = orphans.iter().map(|job| job.claim).collect();
        self.rescue(&claims).await?;
        for job in &orphans {
            let silence = Duration::from_millis(u64::try_from(job.silent_ms).unwrap_or(0));
            self.metrics.rescue_took(silence.as_secs_f64());
        }
        for job in &overdue {
            self.cancel(job).await?;
        }
        if !overdue.is_empty() {
            self.worker.look_now();
            self.wakes.wake("bundle_rollup");
        }
        Ok(())
    }
}
