//! Claiming, back-pressure, waking, errors and panics.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::bail;
use sluicegate::pipeline::PipeSettings;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use crate::fakes::{Each, Numbers, Seen, pipes, settings, settled, start};

#[tokio::test(start_paused = true)]
async fn no_more_is_claimed_than_the_channel_and_the_places_in_flight_hold() {
    let numbers = Numbers::endless();
    let gate = Arc::new(Semaphore::new(0));
    let mut pipes = pipes();
    let held = Arc::clone(&gate);
    let consumer = Each(move |_, _| {
        let gate = Arc::clone(&held);
        async move {
            gate.acquire().await?.forget();
            Ok(())
        }
    });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);

    settled().await;
    assert_eq!(numbers.limits(), [4, 2]);
    assert_eq!(numbers.claimed().len(), 6);
    let pipe = board.pipe("numbers").unwrap();
    assert_eq!((pipe.depth, pipe.in_flight, pipe.started), (4, 2, 2));

    // One free place is not yet worth a claim; the second one is.
    gate.add_permits(1);
    settled().await;
    assert_eq!(numbers.limits(), [4, 2]);
    gate.add_permits(1);
    sleep(Duration::from_secs(7)).await;
    assert_eq!(numbers.limits(), [4, 2, 2]);
    assert_eq!(numbers.claimed().len(), 8);

    gate.add_permits(100);
    shutdown.stop();
    running.await.unwrap().unwrap();
    let pipe = board.pipe("numbers").unwrap();
    assert_eq!(pipe.full_channel, 3);
    assert!((7.0..7.1).contains(&pipe.back_pressure_seconds));
}

#[tokio::test(start_paused = true)]
async fn the_places_in_flight_are_all_used_and_never_exceeded() {
    let numbers = Numbers::of(0..200);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut pipes = pipes();
    let highest = Arc::clone(&most);
    let consumer = Each(move |item, _| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&highest));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_millis(item % 7)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    pipes.add("numbers", &settings(8, 3), numbers, consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(10)).await;
    shutdown.stop();
    running.await.unwrap().unwrap();
    assert_eq!(board.pipe("numbers").unwrap().finished, 200);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_an_error_stay_with_their_items() {
    let mut pipes = pipes();
    let consumer = Each(|item, _| async move {
        match item {
            3 => panic!("three is too much"),
            5 => bail!("five is odd"),
            _ => Ok(()),
        }
    });
    pipes.add("numbers", &settings(4, 2), Numbers::of(0..10), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    settled().await;
    let pipe = board.pipe("numbers").unwrap();
    assert_eq!((pipe.started, pipe.finished), (10, 8));
    assert_eq!((pipe.failed, pipe.panicked, pipe.in_flight), (1, 1, 0));
    assert_eq!(pipe.last_error.unwrap(), "five is odd");
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn failing_claims_neither_spin_nor_stop_the_pipe() {
    let numbers = Numbers::of(0..3);
    numbers.fail(true);
    let mut pipes = pipes();
    let consumer = Each(|_, _| async { Ok(()) });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(60)).await;
    let attempts = numbers.limits().len();
    assert!((10..=22).contains(&attempts), "{attempts} attempts in 60 s");
    let pipe = board.pipe("numbers").unwrap();
    assert_eq!(pipe.claim_errors, attempts as u64);
    assert_eq!(pipe.last_error.unwrap(), "the database is away");

    numbers.fail(false);
    sleep(Duration::from_secs(11)).await;
    assert_eq!(board.pipe("numbers").unwrap().finished, 3);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_starts_a_claim_at_once() {
    let numbers = Numbers::default();
    let seen = Seen::new();
    let mut pipes = pipes();
    let log = seen.clone();
    let consumer = Each(move |item, _| {
        log.push((item, Instant::now()));
        async { Ok(()) }
    });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let wake = pipes.wake("numbers").unwrap();
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(60)).await;
    let pushed = Instant::now();
    numbers.push([7]);
    wake.wake();
    settled().await;
    assert_eq!(seen.all(), [(7, pushed)]);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_during_a_claim_is_not_lost() {
    let numbers = Numbers::gated();
    let mut pipes = pipes();
    let consumer = Each(|_, _| async { Ok(()) });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let board = pipes.status();
    let wake = pipes.wake("numbers").unwrap();
    let (shutdown, running) = start(pipes);
    settled().await;
    // The first claim has looked and found nothing; it has not returned yet.
    assert_eq!(numbers.limits().len(), 1);
    numbers.push([7]);
    wake.wake();
    numbers.let_claims_return(3);
    settled().await;
    assert_eq!(board.pipe("numbers").unwrap().finished, 1);
    // Wake-ups coalesce: one look for the one that came, one that found nothing more.
    assert_eq!(numbers.limits().len(), 3);
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_comes_unannounced_as_a_pipe_turns_idle_does_not_wait_for_a_poll() {
    let numbers = Numbers::default();
    let mut pipes = pipes();
    pipes.add("numbers", &settings(4, 2), numbers.clone(), Each(|_, _| async { Ok(()) }));
    let board = pipes.status();
    let wake = pipes.wake("numbers").unwrap();
    let (shutdown, running) = start(pipes);
    settled().await;
    numbers.push([7]);
    wake.wake();
    settled().await;
    assert_eq!(numbers.limits().len(), 3, "nothing, one, nothing more");
    numbers.push([8]);
    // It polls hourly, and once more after a hundredth of that.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(board.pipe("numbers").unwrap().finished, 2);
    let looks = numbers.limits().len();
    sleep(Duration::from_secs(1_800)).await;
    assert!(numbers.limits().len() <= looks + 1, "then it is idle");
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn polling_goes_on_without_wake_ups_and_with_jitter() {
    let numbers = Numbers::default();
    let mut pipes = pipes();
    let consumer = Each(|_, _| async { Ok(()) });
    let settings =
        PipeSettings { poll_interval_ms: NonZeroU64::new(100).unwrap(), ..settings(4, 2) };
    pipes.add("numbers", &settings, numbers.clone(), consumer);
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(10)).await;
    let looks = numbers.limits().len();
    assert!((84..=126).contains(&looks), "{looks} looks in 100 intervals");
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_does_not_return_shows_as_silence() {
    let numbers = Numbers::gated();
    let mut pipes = pipes();
    let consumer = Each(|_, _| async { Ok(()) });
    pipes.add("numbers", &settings(4, 2), numbers.clone(), consumer);
    let board = pipes.status();
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(30)).await;
    let pipe = board.pipe("numbers").unwrap();
    assert!(pipe.publisher_silent_ms.unwrap() >= 29_000);
    assert!(pipe.consumer_silent_ms.unwrap() <= 1_000);
    assert_eq!(pipe.last_claim_age_ms, None);
    numbers.let_claims_return(1);
    sleep(Duration::from_secs(30)).await;
    assert!(board.longest_silence() <= Duration::from_secs(1));
    shutdown.stop();
    running.await.unwrap().unwrap();
}
