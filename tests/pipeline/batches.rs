//! How batches fill.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use sluicegate::pipeline::{BatchSettings, Sender};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::fakes::{Batch, Numbers, Seen, pipes, settings, settled, start};

type Batches = Seen<(Instant, Vec<u64>)>;
type Held = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

const TENTHS: BatchSettings = BatchSettings {
    batch_max: NonZeroUsize::new(3).unwrap(),
    batch_bytes_max: None,
    linger_ms: 100,
};

/// Notes each batch when it starts, then holds it until the gate lets it go.
fn held(seen: &Batches, gate: &Arc<Semaphore>) -> Batch<impl Fn(Vec<u64>) -> Held + use<>> {
    let (seen, gate) = (seen.clone(), Arc::clone(gate));
    Batch(move |items| {
        seen.push((Instant::now(), items));
        let gate = Arc::clone(&gate);
        let held: Held = Box::pin(async move {
            gate.acquire().await?.forget();
            Ok(())
        });
        held
    })
}

async fn send(sender: &Sender<u64>, items: impl IntoIterator<Item = u64>) {
    for item in items {
        sender.send(item).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_starts_when_full_when_lingered_or_when_nothing_else_runs() {
    let (seen, gate) = (Seen::new(), Arc::new(Semaphore::new(0)));
    let mut pipes = pipes();
    let sender = pipes.add_fed("outcome", &settings(16, 4), &TENTHS, held(&seen, &gate));
    let (shutdown, running) = start(pipes);
    let begin = Instant::now();

    send(&sender, [0]).await;
    settled().await;
    assert_eq!(seen.all(), [(begin, vec![0])], "nothing else runs: at once");

    send(&sender, 1..5).await;
    settled().await;
    let full = seen.all().pop().unwrap();
    assert_eq!(full.1, [1, 2, 3], "full: at once, and no more than batch_max");

    sleep(Duration::from_secs(1)).await;
    let (when, lingered) = seen.all().pop().unwrap();
    assert_eq!(lingered, [4]);
    let linger = when - full.0;
    assert!((100..=102).contains(&linger.as_millis()), "{linger:?}");

    send(&sender, [5]).await;
    settled().await;
    assert_eq!(seen.all().len(), 3, "others run: it lingers");
    let ended = Instant::now();
    gate.add_permits(3);
    settled().await;
    assert_eq!(seen.all().pop().unwrap(), (ended, vec![5]), "they ended: at once");

    gate.add_permits(100);
    drop(sender);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn large_items_make_small_batches() {
    let (seen, gate) = (Seen::new(), Arc::new(Semaphore::new(100)));
    let mut pipes = pipes();
    // The fake's items are as many bytes as they say.
    let batch = BatchSettings {
        batch_max: NonZeroUsize::new(10).unwrap(),
        batch_bytes_max: NonZeroUsize::new(100),
        linger_ms: 100,
    };
    let sender = pipes.add_fed("outcome", &settings(16, 1), &batch, held(&seen, &gate));
    send(&sender, [40, 40, 40, 1, 2, 3, 200, 5]).await;
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(1)).await;
    let batches: Vec<_> = seen.all().into_iter().map(|(_, items)| items).collect();
    assert_eq!(batches, [vec![40, 40, 40], vec![1, 2, 3, 200], vec![5]]);
    drop(sender);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_one_starts_one_batch_a_second_with_all_that_came() {
    let (seen, gate) = (Seen::new(), Arc::new(Semaphore::new(100)));
    let mut pipes = pipes();
    let mut settings = settings(16, 4);
    settings.rate_per_second = Some(1.0);
    let sender = pipes.add_fed("progress", &settings, &TENTHS, held(&seen, &gate));
    let (shutdown, running) = start(pipes);
    let begin = Instant::now();
    send(&sender, [0]).await;
    settled().await;
    send(&sender, [1]).await;
    sleep(Duration::from_millis(500)).await;
    send(&sender, [2]).await;
    sleep(Duration::from_secs(2)).await;
    let batches: Vec<_> = seen.all().into_iter().map(|(_, items)| items).collect();
    assert_eq!(batches, [vec![0], vec![1, 2]]);
    let second = seen.all()[1].0 - begin;
    assert!((990..=1_010).contains(&second.as_millis()), "{second:?}");
    drop(sender);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_published_batch_not_started_at_the_stop_is_released() {
    let (seen, gate) = (Batches::new(), Arc::new(Semaphore::new(0)));
    let numbers = Numbers::of(0..7);
    let mut pipes = pipes();
    let settings = settings(16, 2);
    pipes.add_batched("numbers", &settings, &TENTHS, numbers.clone(), held(&seen, &gate));
    let (shutdown, running) = start(pipes);
    settled().await;
    // Two batches of three run; the seventh waits for a place.
    assert_eq!(seen.all().len(), 2);
    shutdown.stop();
    gate.add_permits(2);
    running.await.unwrap().unwrap();
    assert_eq!(numbers.released(), [6]);
}
