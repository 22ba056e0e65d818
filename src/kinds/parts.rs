//! Jobs that split into parallel parts: each part writes its own row, so parts never contend.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::Value;

use super::{RunContext, RunControl, RunError};

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

/// How far one part of a job is.
#[derive(Debug)]
pub struct Part {
    /// What the whole part is worth of the job, from 0 to 1.
    share: f64,
    percent: f64,
    control: Arc<RunControl>,
}

impl Part {
    /// Says how far the part is, 0 to 100; the job is further by its share.
    pub fn set_percent(&mut self, percent: f64) {
        self.control.add_percent((percent - self.percent) * self.share);
        self.percent = percent;
    }
}

impl RunContext {
    /// Runs a part for each of `items`, at most `at_once` of them at the same time and begun in their
    /// order, and writes a row for each: when it begins and when it is done. The job's progress is
    /// the mean of what they say of theirs. Answers the outputs in order.
    ///
    /// # Errors
    /// The first part that failed; the others are dropped.
    pub async fn in_parts<I, T, F>(
        &self,
        items: Vec<I>,
        at_once: NonZeroUsize,
        run: impl Fn(I, Part) -> F,
    ) -> Result<Vec<T>, RunError>
    where
        T: Serialize,
        F: Future<Output = Result<T, RunError>>,
    {
        let count = u32::try_from(items.len().max(1)).unwrap_or(u32::MAX);
        let share = 1.0 / f64::from(count);
        let parts = (0..).zip(items).map(|(number, item)| {
            let part = Part { share, percent: 0.0, control: Arc::clone(&self.control) };
            let work = run(item, part);
            async move {
                self.write(PartReport { part: number, percent: 0.0, output: None }).await;
                let output = work.await?;
                let shown = serde_json::to_value(&output).unwrap_or_default();
                self.write(PartReport { part: number, percent: 100.0, output: Some(shown) }).await;
                Ok::<T, RunError>(output)
            }
        });
        stream::iter(parts).buffered(at_once.get()).try_collect().await
    }

    /// A part's row is for the eye: the job does not fail with it.
    async fn write(&self, report: PartReport) {
        let part = report.part;
        if let Err(error) = (self.write_part)(report).await {
            tracing::warn!(part, error = format!("{error:#}"), "write a part's row");
        }
    }
}
