//! Items per second through a pipe whose work is nothing: what the machinery itself costs.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use std::convert::Infallible;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sluicegate::pipeline::{
    BatchConsumer, BatchSettings, Consumer, PipeSettings, Pipes, Publisher, Shutdown, StopSettings,
};

const ITEMS: u64 = 1_000_000;
const RUNS: usize = 5;

/// Claims the numbers below [`ITEMS`], as many as there is room for.
struct Numbers(AtomicU64);

impl Publisher for Numbers {
    type Item = u64;
    type Error = Infallible;

    async fn claim(&self, limit: NonZeroUsize) -> Result<Vec<u64>, Infallible> {
        let limit = u64::try_from(limit.get()).unwrap();
        let first = self.0.fetch_add(limit, Ordering::Relaxed);
        Ok((first..ITEMS.min(first + limit)).collect())
    }

    async fn release(&self, _: Vec<u64>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Counts, and asks for the stop after the last item.
struct Count(AtomicU64, Shutdown);

impl Count {
    fn add(&self, items: u64) {
        if self.0.fetch_add(items, Ordering::Relaxed) + items == ITEMS {
            self.1.stop();
        }
    }
}

struct Each(Arc<Count>);

impl Consumer for Each {
    type Item = u64;

    async fn consume(&self, _: u64, _: &Shutdown) -> anyhow::Result<()> {
        self.0.add(1);
        Ok(())
    }
}

struct Batch(Arc<Count>);

impl BatchConsumer for Batch {
    type Item = u64;

    async fn consume(&self, items: Vec<u64>) -> anyhow::Result<()> {
        self.0.add(u64::try_from(items.len()).unwrap());
        Ok(())
    }
}

fn main() {
    measure("single", |pipes, settings, count| {
        pipes.add("pipe", settings, Numbers(AtomicU64::new(0)), Each(count));
    });
    measure("batches of 500", |pipes, settings, count| {
        let batch = BatchSettings {
            batch_max: NonZeroUsize::new(500).unwrap(),
            batch_bytes_max: None,
            linger_ms: 1,
        };
        let numbers = Numbers(AtomicU64::new(0));
        pipes.add_batched("pipe", settings, &batch, numbers, Batch(count));
    });
}

fn measure(what: &str, add: impl Fn(&mut Pipes, &PipeSettings, Arc<Count>)) {
    let mut rates: Vec<f64> = (0..RUNS).map(|_| run(&add)).collect();
    rates.sort_by(f64::total_cmp);
    let (median, best) = (rates.get(RUNS / 2).unwrap(), rates.last().unwrap());
    println!("{what}: best {best:.0} items/s, median {median:.0} items/s of {RUNS} runs");
}

fn run(add: impl Fn(&mut Pipes, &PipeSettings, Arc<Count>)) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let settings = PipeSettings {
        poll_interval_ms: NonZeroU64::new(1_000).unwrap(),
        capacity: NonZeroUsize::new(2_048).unwrap(),
        rate_per_second: None,
        claims_per_second: None,
        paused: false,
        in_flight_max: NonZeroUsize::new(256).unwrap(),
    };
    runtime.block_on(async {
        let shutdown = Shutdown::new();
        let mut pipes = Pipes::new(StopSettings { drain_ms: 1_000, abort_ms: 1_000 });
        let count = Arc::new(Count(AtomicU64::new(0), shutdown.clone()));
        add(&mut pipes, &settings, count);
        let begin = Instant::now();
        pipes.run(shutdown).await.unwrap();
        let items = u32::try_from(ITEMS).unwrap();
        f64::from(items) / begin.elapsed().as_secs_f64()
    })
}
