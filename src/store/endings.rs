//! Jobs on their way out: outcomes, failures, claims given back. Every write is fenced.

use std::collections::HashSet;
use std::time::Instant;

use super::workers::columns_of;
use super::{Store, StoreError, failed, run};
use crate::domain::job::{Claim, Ending, JobId, Outcome, RetryDelays};

/// Ends of runs as the columns that one statement takes.
#[derive(Debug, Default)]
pub struct EndingBatch {
    job_ids: Vec<i64>,
    fences: Vec<i64>,
    statuses: Vec<i16>,
    classes: Vec<Option<String>>,
    errors: Vec<Option<String>>,
    outputs: Vec<Option<String>>,
    answers: Vec<Option<String>>,
    ran_ms: Vec<Option<f64>>,
}

const COMPLETED: i16 = 1;
const FAILED: i16 = 2;

impl EndingBatch {
    /// Takes the columns out of outcomes; a failure among them is final, retryable or not.
    #[must_use]
    pub fn of<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>) -> Self {
        let mut batch = Self::default();
        for outcome in outcomes {
            batch.job_ids.push(outcome.claim.job_id);
            batch.fences.push(outcome.claim.fence);
            let (status, class, error, output, answer) = match &outcome.ending {
                Ending::Completed { output, answer } => {
                    (COMPLETED, None, None, Some(output), answer.as_ref())
                }
                Ending::Failed(failure) => {
                    (FAILED, Some(failure.class), Some(&failure.message), None, None)
                }
            };
            batch.statuses.push(status);
            batch.classes.push(class.map(str::to_owned));
            batch.errors.push(error.map(|error| storable(error)));
            batch.outputs.push(output.map(serde_json::Value::to_string));
            batch.answers.push(answer.map(serde_json::Value::to_string));
            batch.ran_ms.push(None);
        }
        batch
    }

    /// Adds how long ago each run began, where that is known; from it the server tells when.
    #[must_use]
    pub fn with_begins(mut self, begun: impl Fn(Claim) -> Option<Instant>) -> Self {
        let claims = self.job_ids.iter().zip(&self.fences);
        let elapsed_ms = claims.map(|(&job_id, &fence)| {
            begun(Claim { job_id, fence }).map(|begun| begun.elapsed().as_secs_f64() * 1_000.0)
        });
        self.ran_ms = elapsed_ms.collect();
        self
    }
}

/// Postgres text holds no NUL, and nobody reads a megabyte of error.
fn storable(error: &str) -> String {
    error.replace('\0', "\u{fffd}").chars().take(2_000).collect()
}

impl Store {
    /// Ends jobs for good in one statement. Answers which were accepted; the others had lost their
    /// claim, or are in the table already.
    ///
    /// # Errors
    /// The statement failed: nothing is written, or the reply got lost.
    pub async fn end_jobs(&self, batch: &EndingBatch) -> Result<HashSet<JobId>, StoreError> {
        let row = run!(
            self,
            "write outcomes",
            "end_jobs",
            fetch_one,
            &batch.job_ids,
            &batch.fences,
            &batch.statuses,
            &batch.classes,
            &batch.errors,
            &batch.outputs,
            &batch.answers,
            &batch.ran_ms
        );
        first_ids(&row, "write outcomes")
    }

    /// Which of these claims' outcomes are in the table under exactly this fence: an earlier try was
    /// committed and its reply got lost.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn written_before(&self, claims: &[Claim]) -> Result<HashSet<JobId>, StoreError> {
        const WHAT: &str = "look for outcomes written before";
        let (ids, fences) = columns_of(claims);
        let rows = run!(
            self,
            "look for outcomes written before",
            "written_before",
            fetch_all,
            ids,
            fences
        );
        rows.iter().map(|row| super::column(row, "job_id", WHAT)).collect()
    }

    /// Writes failures that may be tried again after `delays`; those that failed too often end.
    /// Answers which were accepted. Outcomes that did not fail are passed over.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn fail_jobs(
        &self,
        outcomes: &[Outcome],
        delays: RetryDelays,
    ) -> Result<HashSet<JobId>, StoreError> {
        let batch = EndingBatch::of(outcomes);
        let row = run!(
            self,
            "write failures",
            "fail_jobs",
            fetch_one,
            &batch.job_ids,
            &batch.fences,
            &batch.classes,
            &batch.errors,
            delays.base_ms,
            delays.max_ms
        );
        first_ids(&row, "write failures")
    }

    /// Tells listeners which of these jobs have ended; `more` were left out.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn tell_ended_jobs(&self, jobs: &[JobId], more: i64) -> Result<(), StoreError> {
        run!(self, "tell which jobs ended", "tell_ended_jobs", fetch_optional, jobs, more);
        Ok(())
    }

    /// Gives claims back unharmed. Answers which were still held.
    ///
    /// # Errors
    /// The statement failed; the look gives them back later.
    pub async fn release_jobs(&self, claims: &[Claim]) -> Result<HashSet<JobId>, StoreError> {
        let (ids, fences) = columns_of(claims);
        let row = run!(self, "release claims", "release_jobs", fetch_one, ids, fences);
        first_ids(&row, "release claims")
    }
}

fn first_ids(
    row: &sqlx::postgres::PgRow,
    what: &'static str,
) -> Result<HashSet<JobId>, StoreError> {
    let ids: Vec<i64> = sqlx::Row::try_get(row, 0).map_err(failed(what))?;
    Ok(ids.into_iter().collect())
}
