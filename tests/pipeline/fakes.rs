//! A publisher over a list, consumers made of closures, and small settings.

use std::collections::VecDeque;
use std::future::Future;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluicegate::pipeline::{
    BatchConsumer, Consumer, PipeSettings, Pipes, PipesError, Publisher, Shutdown, StopSettings,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Claims numbers from a list that tests fill, and remembers what it was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    due: Mutex<VecDeque<u64>>,
    /// When set, there is always one more.
    endless: bool,
    limits: Mutex<Vec<usize>>,
    claimed: Mutex<Vec<u64>>,
    released: Mutex<Vec<u64>>,
    failing: Mutex<bool>,
    /// When set, a claim that has looked waits here for a permit before it returns.
    gate: Option<Semaphore>,
}

#[derive(Debug, thiserror::Error)]
#[error("the database is away")]
pub(crate) struct Away;

impl Numbers {
    pub(crate) fn of(due: impl IntoIterator<Item = u64>) -> Self {
        let numbers = Self::default();
        numbers.push(due);
        numbers
    }

    pub(crate) fn endless() -> Self {
        Self(Arc::new(Inner { endless: true, ..Inner::default() }))
    }

    pub(crate) fn gated() -> Self {
        Self(Arc::new(Inner { gate: Some(Semaphore::new(0)), ..Inner::default() }))
    }

    pub(crate) fn push(&self, due: impl IntoIterator<Item = u64>) {
        self.0.due.lock().unwrap().extend(due);
    }

    pub(crate) fn fail(&self, failing: bool) {
        *self.0.failing.lock().unwrap() = failing;
    }

    pub(crate) fn let_claims_return(&self, count: usize) {
        self.0.gate.as_ref().unwrap().add_permits(count);
    }

    /// The limit of every claim so far.
    pub(crate) fn limits(&self) -> Vec<usize> {
        self.0.limits.lock().unwrap().clone()
    }

    pub(crate) fn claimed(&self) -> Vec<u64> {
        self.0.claimed.lock().unwrap().clone()
    }

    pub(crate) fn released(&self) -> Vec<u64> {
        self.0.released.lock().unwrap().clone()
    }
}

impl Publisher for Numbers {
    type Item = u64;
    type Error = Away;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<u64>, Away> {
        self.0.limits.lock().unwrap().push(limit.get());
        if *self.0.failing.lock().unwrap() {
            return Err(Away);
        }
        let items: Vec<u64> = if self.0.endless {
            let first = self.claimed().len() as u64;
            (first..).take(limit.get()).collect()
        } else {
            let mut due = self.0.due.lock().unwrap();
            let count = limit.get().min(due.len());
            due.drain(..count).collect()
        };
        self.0.claimed.lock().unwrap().extend(&items);
        if let Some(gate) = &self.0.gate {
            gate.acquire().await.unwrap().forget();
        }
        Ok(items)
    }

    async fn release(&self, items: Vec<u64>) -> Result<(), Away> {
        self.0.released.lock().unwrap().extend(items);
        Ok(())
    }
}

/// A consumer made of a closure.
pub(crate) struct Each<F>(pub(crate) F);

impl<F, T> Consumer for Each<F>
where
    F: Fn(u64, Shutdown) -> T + Send + Sync + 'static,
    T: Future<Output = anyhow::Result<()>> + Send,
{
    type Item = u64;

    async fn consume(&self, item: u64, shutdown: &Shutdown) -> anyhow::Result<()> {
        self.0(item, shutdown.clone()).await
    }
}

/// A batching consumer made of a closure.
pub(crate) struct Batch<F>(pub(crate) F);

impl<F, T> BatchConsumer for Batch<F>
where
    F: Fn(Vec<u64>) -> T + Send + Sync + 'static,
    T: Future<Output = anyhow::Result<()>> + Send,
{
    type Item = u64;

    fn bytes(&self, item: &u64) -> usize {
        usize::try_from(*item).unwrap()
    }

    async fn consume(&self, items: Vec<u64>) -> anyhow::Result<()> {
        self.0(items).await
    }
}

/// What consumers saw, in order.
#[derive(Debug, Clone)]
pub(crate) struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Seen<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, value: T) {
        self.0.lock().unwrap().push(value);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

/// Polls hourly, so that in a test only wake-ups and room move anything.
pub(crate) fn settings(capacity: usize, in_flight_max: usize) -> PipeSettings {
    PipeSettings {
        poll_interval_ms: NonZeroU64::new(3_600_000).unwrap(),
        capacity: NonZeroUsize::new(capacity).unwrap(),
        rate_per_second: None,
        in_flight_max: NonZeroUsize::new(in_flight_max).unwrap(),
        claims_per_second: None,
        paused: false,
    }
}

/// Ten seconds to drain, one to abort.
pub(crate) fn pipes() -> Pipes {
    Pipes::new(StopSettings { drain_ms: 10_000, abort_ms: 1_000 })
}

pub(crate) fn start(pipes: Pipes) -> (Shutdown, JoinHandle<Result<(), PipesError>>) {
    let shutdown = Shutdown::new();
    let running = tokio::spawn(pipes.run(shutdown.clone()));
    (shutdown, running)
}

/// Waits until nothing can run any more.
pub(crate) async fn settled() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
