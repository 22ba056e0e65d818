//! The state of the whole as people look at it: read by a few statements, shown by `status`, by `top` and by
//! the pages over HTTP.

pub mod figures;
pub mod tables;
pub mod words;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use uuid::Uuid;

pub use self::figures::{CacheFigures, DatabaseFigures, Figures, Machine, PipeFigures, Recorder};
pub use crate::store::StoreError as ReadError;
pub use crate::store::{
    BestVariant, BundleDetail, BundleLine, ErrorCount, FailureLine, JobDetail, JobResult,
    QueueLine, WorkerLine,
};
use crate::store::{DatabaseSettings, Store, StoreError};

/// More workers are not shown.
const WORKERS_MAX: usize = 200;
/// More bundles of one sort (open, running, newest) are not shown.
const BUNDLES_MAX: usize = 50;
/// More failures are not shown.
const FAILURES_MAX: usize = 50;
/// More of the best variants of a bundle are not shown.
const BEST_MAX: usize = 20;
/// More reasons for failures of a bundle are not shown.
const ERRORS_MAX: usize = 20;
/// An answer that takes longer is given up.
const PATIENCE_MS: u64 = 3_000;

/// All of it at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The server's time, RFC 3339.
    pub at: String,
    /// Host, port and name of the database.
    pub database: String,
    /// How long the statements of this took, one after the other, milliseconds.
    pub answered_ms: f64,
    /// How many bundles are open.
    pub open_bundles: i64,
    /// The queue by kind.
    pub queues: Vec<QueueLine>,
    /// The pipes of all live workers together.
    pub pipes: Vec<Pipe>,
    /// Workers that have not signed off.
    pub workers: Vec<Worker>,
    /// Open bundles and those inserted last, newest first.
    pub bundles: Vec<BundleLine>,
    /// The newest jobs that failed for good.
    pub failures: Vec<FailureLine>,
}

/// A worker and what it tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worker {
    /// Its row.
    #[serde(flatten)]
    pub line: WorkerLine,
    /// What it tells; `None` where it tells nothing.
    pub figures: Option<Figures>,
}

/// A pipe in all processes together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pipe {
    /// Its name, and the sums over all processes. A set rate that each has for itself is summed too.
    #[serde(flatten)]
    pub sum: PipeFigures,
    /// In how many processes.
    pub processes: usize,
}

/// A bundle opened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bundle {
    /// The server's time, RFC 3339.
    pub at: String,
    /// Its counts.
    #[serde(flatten)]
    pub detail: BundleDetail,
    /// Its best variants so far.
    pub best: Vec<BestVariant>,
    /// What its jobs failed of.
    pub errors: Vec<ErrorCount>,
}

/// Reads from the database, on a connection of its own and with a patience of its own.
#[derive(Debug, Clone)]
pub struct Reader(Store);

impl Reader {
    /// Connects at its first use.
    ///
    /// # Errors
    /// [`StoreError::Url`] where a connection string cannot be read.
    pub fn new(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let own = DatabaseSettings {
            max_connections: 2,
            acquire_timeout_ms: settings.acquire_timeout_ms.min(PATIENCE_MS),
            statement_timeout_ms: settings.statement_timeout_ms.min(PATIENCE_MS),
            ..settings.clone()
        };
        Ok(Self(Store::new(&own)?.with_patience(Duration::from_millis(PATIENCE_MS))))
    }

    /// The store it reads by.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0
    }

    /// The state of the whole; bundles and failures of one user only where one is given.
    ///
    /// # Errors
    /// A statement failed.
    pub async fn overview(&self, user: Option<&str>) -> Result<Overview, StoreError> {
        let began = Instant::now();
        let (at, open_bundles) = self.0.overview_now().await?;
        let queues = self.0.overview_queues().await?;
        let lines = self.0.overview_workers(WORKERS_MAX).await?;
        let workers: Vec<Worker> = lines.into_iter().map(worker).collect();
        let bundles = self.0.overview_bundles(user, BUNDLES_MAX).await?;
        let failures = self.0.overview_failures(user, FAILURES_MAX).await?;
        Ok(Overview {
            at,
            database: self.0.address(),
            answered_ms: began.elapsed().as_secs_f64() * 1e3,
            open_bundles,
            queues,
            pipes: together(&workers),
            workers,
            bundles,
            failures,
        })
    }

    /// One bundle; `None` where there is no such bundle.
    ///
    /// # Errors
    /// A statement failed.
    pub async fn bundle(&self, id: Uuid) -> Result<Option<Bundle>, StoreError> {
        let Some(detail) = self.0.overview_bundle(id).await? else { return Ok(None) };
        let (at, _) = self.0.overview_now().await?;
        let best = self.0.overview_best(id, BEST_MAX).await?;
        let errors = match detail.line.failed {
            0 => Vec::new(),
            _ => self.0.overview_errors(id, ERRORS_MAX).await?,
        };
        Ok(Some(Bundle { at, detail, best, errors }))
    }

    /// One job; `None` where there is no such job.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn job(&self, id: i64) -> Result<Option<JobDetail>, StoreError> {
        self.0.overview_job(id).await
    }
}

fn worker(line: WorkerLine) -> Worker {
    // What another version tells may be anything.
    let figures = line.figures.as_deref().and_then(|text| serde_json::from_str(text).ok());
    Worker { line, figures }
}

/// The pipes of all live workers together, in the order of the first one that tells of them.
fn together(workers: &[Worker]) -> Vec<Pipe> {
    let mut pipes: Vec<Pipe> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let live = workers.iter().filter(|worker| worker.line.is_live);
    for told in live.filter_map(|worker| worker.figures.as_ref()).flat_map(|told| &told.pipes) {
        let place = *places.entry(&told.name).or_insert_with(|| {
            pipes.push(Pipe::default());
            pipes.len() - 1
        });
        if let Some(pipe) = pipes.get_mut(place) {
            add(pipe, told);
        }
    }
    pipes
}

fn add(pipe: &mut Pipe, told: &PipeFigures) {
    if pipe.processes == 0 {
        *pipe = Pipe { sum: told.clone(), processes: 1 };
        return;
    }
    let sum = &mut pipe.sum;
    sum.depth = sum.depth.saturating_add(told.depth);
    sum.capacity = sum.capacity.saturating_add(told.capacity);
    sum.in_flight = sum.in_flight.saturating_add(told.in_flight);
    sum.in_flight_max = sum.in_flight_max.saturating_add(told.in_flight_max);
    sum.rate_per_second = match (sum.rate_per_second, told.rate_per_second) {
        (Some(ours), Some(theirs)) if told.of_cluster => Some(ours.max(theirs)),
        (Some(ours), Some(theirs)) => Some(ours + theirs),
        _ => None,
    };
    sum.started_per_second += told.started_per_second;
    sum.held_back = sum.held_back.max(told.held_back);
    sum.back_pressure_s += told.back_pressure_s;
    sum.failed = sum.failed.saturating_add(told.failed);
    sum.paused |= told.paused;
    pipe.processes += 1;
}

impl Overview {
    /// Workers whose lease stands.
    pub fn live(&self) -> impl Iterator<Item = &Worker> {
        self.workers.iter().filter(|worker| worker.line.is_live)
    }

    /// How many there are.
    #[must_use]
    pub fn live_count(&self) -> i64 {
        i64::try_from(self.live().count()).unwrap_or(i64::MAX)
    }

    /// Their slots, and how many of them compute.
    #[must_use]
    pub fn slots(&self) -> (u64, u64) {
        let figures = self.live().filter_map(|worker| worker.figures.as_ref());
        figures.fold((0_u64, 0_u64), |(all, busy), told| {
            (all.saturating_add(told.slots), busy.saturating_add(told.slots_busy))
        })
    }

    /// The worker that goes slowest, where one holds back.
    #[must_use]
    pub fn slowest(&self) -> Option<&WorkerLine> {
        let slowed = self.live().map(|worker| &worker.line).filter(|line| line.pace < 1.0);
        slowed.min_by(|a, b| a.pace.total_cmp(&b.pace))
    }
}
