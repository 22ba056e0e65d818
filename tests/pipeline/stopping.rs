//! The order of stopping, leftovers, the grace period, and ends that nobody asked for.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use sluicegate::pipeline::{BatchSettings, PipesError, Publisher, Shutdown};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::fakes::{Away, Batch, Each, Numbers, Seen, pipes, settings, settled, start};

fn batches_of(batch_max: usize) -> BatchSettings {
    BatchSettings { batch_max: batch_max.try_into().unwrap(), batch_bytes_max: None, linger_ms: 50 }
}

#[tokio::test(start_paused = true)]
async fn leftovers_are_released_exactly_once_and_running_items_go_on() {
    let numbers = Numbers::endless();
    let seen = Seen::new();
    let mut pipes = pipes();
    let log = seen.clone();
    let consumer = Each(move |item, _| {
        let log = log.clone();
        async move {
            sleep(Duration::from_secs(5)).await;
            log.push(item);
            Ok(())
        }
    });
    // The slow rate keeps one item in the loop's hand, received and not started.
    let mut settings = settings(4, 2);
    settings.rate_per_second = Some(0.5);
    pipes.add("numbers", &settings, numbers.clone(), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    settled().await;
    assert_eq!(board.pipe("numbers").unwrap().in_flight, 1);
    shutdown.stop();
    settled().await;
    let mut released = numbers.released();
    released.sort_unstable();
    assert_eq!(released, numbers.claimed()[1..]);
    assert!(!running.is_finished());
    running.await.unwrap().unwrap();
    assert_eq!(seen.all(), [0]);
    let pipe = board.pipe("numbers").unwrap();
    assert_eq!((pipe.finished, pipe.released), (1, released.len() as u64));
}

#[tokio::test(start_paused = true)]
async fn a_claim_under_way_at_the_stop_is_finished_and_released() {
    let numbers = Numbers::gated();
    numbers.push(0..3);
    let mut pipes = pipes();
    let consumer = Each(|_, _| async { Ok(()) });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    settled().await;
    shutdown.stop();
    settled().await;
    assert!(!running.is_finished());
    numbers.let_claims_return(1);
    running.await.unwrap().unwrap();
    assert_eq!(numbers.released(), [0, 1, 2]);
    assert_eq!(board.pipe("numbers").unwrap().started, 0);
}

#[tokio::test(start_paused = true)]
async fn running_items_are_told_to_abort_after_the_grace_period() {
    let seen = Seen::new();
    let mut pipes = pipes();
    let log = seen.clone();
    let consumer = Each(move |item, shutdown: Shutdown| {
        let log = log.clone();
        async move {
            assert!(!shutdown.is_aborting());
            shutdown.aborting().await;
            log.push((item, shutdown.is_aborting(), Instant::now()));
            Ok(())
        }
    });
    pipes.add("numbers", &settings(4, 2), Numbers::of([1]), consumer);
    let (shutdown, running) = start(pipes);
    settled().await;
    let asked = Instant::now();
    shutdown.stop();
    running.await.unwrap().unwrap();
    let seen = seen.all();
    assert_eq!(seen.len(), 1);
    let (item, aborting, when) = seen[0];
    assert_eq!((item, aborting), (1, true));
    let grace = when - asked;
    assert!((10_000..10_010).contains(&grace.as_millis()), "{grace:?}");
}

#[tokio::test(start_paused = true)]
async fn pipes_that_ignore_the_abort_are_named_and_cut_off() {
    let mut pipes = pipes();
    pipes.add("stuck", &settings(4, 2), Numbers::of([1]), Each(|_, _| pending()));
    pipes.add("fine", &settings(4, 2), Numbers::of([1]), Each(|_, _| async { Ok(()) }));
    let (shutdown, running) = start(pipes);
    settled().await;
    shutdown.stop();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "abandoned: stuck");
}

#[tokio::test(start_paused = true)]
async fn a_fed_pipe_drains_whole_before_the_tasks_that_outlive_all_pipes_end() {
    let events = Seen::new();
    let mut pipes = pipes();
    let log = events.clone();
    let outcomes = Batch(move |items: Vec<u64>| {
        let log = log.clone();
        async move {
            sleep(Duration::from_millis(300)).await;
            items.iter().for_each(|item| log.push(format!("outcome {item}")));
            Ok(())
        }
    });
    let sender = pipes.add_fed("outcome", &settings(1, 1), &batches_of(2), outcomes);
    let log = events.clone();
    let consumer = Each(move |item, shutdown: Shutdown| {
        let (log, sender) = (log.clone(), sender.clone());
        async move {
            // The last results come when the grace period is over, all at once.
            shutdown.aborting().await;
            sender.send(item).await?;
            log.push("item".to_owned());
            Ok(())
        }
    });
    pipes.add("numbers", &settings(4, 4), Numbers::of(0..4), consumer);
    let log = events.clone();
    pipes.add_task("lease_keeper", |shutdown| async move {
        shutdown.stopped().await;
        log.push("lease".to_owned());
        Ok(())
    });
    let log = events.clone();
    pipes.add_task("listener", |shutdown| async move {
        shutdown.stopping().await;
        log.push("listener".to_owned());
        Ok(())
    });
    let (shutdown, running) = start(pipes);
    settled().await;
    shutdown.stop();
    running.await.unwrap().unwrap();

    let events = events.all();
    assert_eq!(events.first().unwrap(), "listener");
    assert_eq!(events.last().unwrap(), "lease");
    let mut outcomes: Vec<_> = events.iter().filter(|event| event.starts_with("out")).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["outcome 0", "outcome 1", "outcome 2", "outcome 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_by_itself_stops_the_rest_and_is_named() {
    let gate = Arc::new(Semaphore::new(0));
    let mut pipes = pipes();
    let numbers = Numbers::endless();
    pipes.add(
        "numbers",
        &settings(4, 2),
        numbers.clone(),
        Each(|_, shutdown: Shutdown| async move {
            shutdown.stopping().await;
            Ok(())
        }),
    );
    let wait = Arc::clone(&gate);
    pipes.add_task("listener", |_| async move {
        wait.acquire().await?.forget();
        Ok(())
    });
    let (_, running) = start(pipes);
    settled().await;
    assert!(!running.is_finished());
    gate.add_permits(1);
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "`listener` ended by itself");
    assert_eq!(numbers.released().len(), 4);
}

struct Broken;

impl Publisher for Broken {
    type Item = u64;
    type Error = Away;

    async fn claim(&self, _: std::num::NonZeroUsize) -> Result<Vec<u64>, Away> {
        panic!("a broken publisher")
    }

    async fn release(&self, _: Vec<u64>) -> Result<(), Away> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_publish_loop_that_panics_stops_the_rest_and_is_named() {
    let mut pipes = pipes();
    pipes.add("broken", &settings(4, 2), Broken, Each(|_, _| async { Ok(()) }));
    pipes.add("fine", &settings(4, 2), Numbers::of([1]), Each(|_, _| async { Ok(()) }));
    let (_, running) = start(pipes);
    let error = running.await.unwrap().unwrap_err();
    let PipesError::Failed { name, source } = error else {
        panic!("{error}");
    };
    assert_eq!(name, "broken");
    assert_eq!(source.to_string(), "panicked: a broken publisher");
}

#[tokio::test(start_paused = true)]
async fn a_fed_pipe_without_senders_ends_by_itself_and_is_named() {
    let mut pipes = pipes();
    let consumer = Batch(|_| async { Ok(()) });
    drop(pipes.add_fed("outcome", &settings(4, 1), &batches_of(2), consumer));
    let (_, running) = start(pipes);
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "run `outcome`");
}

#[tokio::test(start_paused = true)]
async fn a_name_given_twice_is_refused_before_anything_runs() {
    let numbers = Numbers::of([1]);
    let mut pipes = pipes();
    for _ in 0..2 {
        pipes.add("twin", &settings(4, 2), numbers.clone(), Each(|_, _| async { Ok(()) }));
    }
    let (_, running) = start(pipes);
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the name `twin` is given twice");
    assert!(numbers.limits().is_empty());
}
