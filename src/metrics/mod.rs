//! What a process can be asked in numbers, in the form that Prometheus reads. No label has values that
//! users choose, so their number stays small.

mod guard;
mod jobs;
mod pipes;

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use self::guard::GuardCollector;
pub use self::jobs::{JobMetrics, RunEnd};
use self::pipes::PipeCollector;
use crate::guard::Guard;
use crate::pipeline::StatusBoard;

/// Prefix of all names.
const PREFIX: &str = "sluicegate";

/// All metrics of a process; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Mutex<Registry>,
    jobs: JobMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let jobs = JobMetrics::registered(&mut registry);
        Self(Arc::new(Inner { registry: Mutex::new(registry), jobs }))
    }
}

impl Metrics {
    /// What is counted of jobs.
    #[must_use]
    pub fn jobs(&self) -> &JobMetrics {
        &self.0.jobs
    }

    /// Shows the figures of these pipes from now on.
    pub fn show_pipes(&self, board: StatusBoard) {
        self.0.registry.lock().register_collector(Box::new(PipeCollector(board)));
    }

    /// Shows the pace and its reasons from now on.
    pub fn show_guard(&self, guard: &Guard) {
        self.0.registry.lock().register_collector(Box::new(GuardCollector(guard.clone())));
    }

    /// All metrics at this moment, in the `OpenMetrics` text format.
    ///
    /// # Errors
    /// None in practice: writing into a string cannot fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry.lock())?;
        Ok(text)
    }
}
