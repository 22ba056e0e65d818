//! Jobs that split into parallel parts: each part writes its own row, so parts never contend.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::try_join_all;
use serde_json::Value;

use super::{RunContext, RunError};

/// What a part says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PartReport {
    /// Number of the part, from 0.
    pub part: i32,
    /// Percent done, 0 to 100.
    pub percent: f64,
    /// What came out; `None` until it is done.
    pub output: Option<Value>,
}

/// Writes a part's row under the claim of its job; does nothing when the claim is lost.
pub type WritePart = Arc<
    dyn Fn(PartReport) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send + Sync,
>;

impl RunContext {
    /// Runs `count` parts at the same time and writes a row for each: when it begins and when it is
    /// done. The job's progress is the share of parts that are done. Answers the outputs in order.
    ///
    /// # Errors
    /// The first part that failed; the others are dropped.
    pub async fn in_parts<F>(
        &self,
        count: i32,
        run: impl Fn(i32) -> F,
    ) -> Result<Vec<Value>, RunError>
    where
        F: Future<Output = Result<Value, RunError>>,
    {
        let step = 100.0 / f64::from(count.max(1));
        let parts = (0..count).map(|part| {
            let work = run(part);
            async move {
                self.write(PartReport { part, percent: 0.0, output: None }).await;
                let output = work.await?;
                self.write(PartReport { part, percent: 100.0, output: Some(output.clone()) }).await;
                self.control.set_percent(self.control.percent() + step);
                Ok::<Value, RunError>(output)
            }
        });
        try_join_all(parts).await
    }

    /// A part's row is for the eye: the job does not fail with it.
    async fn write(&self, report: PartReport) {
        let part = report.part;
        if let Err(error) = (self.write_part)(report).await {
            tracing::warn!(part, error = format!("{error:#}"), "write a part's row");
        }
    }
}
