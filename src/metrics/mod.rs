//! What a process can be asked in numbers, in the form that Prometheus reads. No label has values that
//! users choose, so their number stays small.

mod figures;
mod guard;
mod jobs;
mod pipes;
mod process;
mod reloads;
mod store;

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::text;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use self::figures::Figure;
use self::figures::FigureCollector;
use self::guard::GuardCollector;
pub use self::jobs::{JobMetrics, RunEnd};
use self::pipes::PipeCollector;
pub use self::reloads::ReloadMetrics;
use self::store::StoreCollector;
use crate::guard::Guard;
use crate::pipeline::StatusBoard;
use crate::store::Store;

/// Prefix of all names.
const PREFIX: &str = "sluicegate";

/// All metrics of a process; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Mutex<Registry>,
    jobs: JobMetrics,
    reloads: ReloadMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let jobs = JobMetrics::registered(&mut registry);
        let reloads = ReloadMetrics::registered(&mut registry);
        let version = [("version", env!("CARGO_PKG_VERSION"))].to_vec();
        registry.register("build", "Which program this is", Info::new(version));
        registry.register_collector(Box::new(FigureCollector(Box::new(process::figures))));
        Self(Arc::new(Inner { registry: Mutex::new(registry), jobs, reloads }))
    }
}

impl Metrics {
    /// What is counted of jobs.
    #[must_use]
    pub fn jobs(&self) -> &JobMetrics {
        &self.0.jobs
    }

    /// What becomes of readings of the settings.
    #[must_use]
    pub fn reloads(&self) -> &ReloadMetrics {
        &self.0.reloads
    }

    /// Shows what statements and connections cost from now on.
    pub fn show_store(&self, store: &Store) {
        self.0.registry.lock().register_collector(Box::new(StoreCollector(store.clone())));
    }

    /// Shows numbers that somebody else knows from now on.
    pub fn show(&self, figures: impl Fn() -> Vec<Figure> + Send + Sync + 'static) {
        let collector = FigureCollector(Box::new(figures));
        self.0.registry.lock().register_collector(Box::new(collector));
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
