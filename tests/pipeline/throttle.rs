//! A throttle: rests after work, starts further apart, smaller batches; never more than without it.

use std::num::NonZeroUsize;
use std::time::Duration;

use sluicegate::pipeline::{BatchSettings, Governor, PipeSettings, Throttle};
use tokio::time::{Instant, sleep};

use crate::fakes::{Batch, Each, Numbers, Seen, pipes, settings, settled, start};

const WORK: Duration = Duration::from_millis(10);

fn at(pace: f64) -> Throttle {
    let throttle = Throttle::default();
    throttle.set(pace);
    throttle
}

#[tokio::test(start_paused = true)]
async fn work_and_rest_together_keep_the_pace() {
    for (pace, rest_ms) in [(1.0, 0), (0.5, 10), (0.1, 90), (f64::NAN, 5_000), (7.0, 0)] {
        let begin = Instant::now();
        at(pace).rest_after(WORK).await;
        let rested = begin.elapsed().as_millis();
        assert!((rest_ms..=rest_ms + 1).contains(&rested), "{pace}: {rested} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pace_that_rises_ends_the_rest() {
    let (throttle, begin) = (at(0.01), Instant::now());
    let changes = async {
        sleep(Duration::from_millis(30)).await;
        throttle.set(0.1);
        sleep(Duration::from_millis(20)).await;
        throttle.set(1.0);
    };
    tokio::join!(throttle.rest_after(WORK), changes);
    assert_eq!(begin.elapsed().as_millis(), 50);
}

#[tokio::test(start_paused = true)]
async fn starts_keep_rate_times_pace_and_never_exceed_the_rate_when_the_pace_changes() {
    let throttle = at(0.25);
    let governor = Governor::new(Some(400.0), NonZeroUsize::MIN);
    governor.follow(throttle.clone());
    let mut starts = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(5) {
        governor.pace().await;
        starts.push(Instant::now());
    }
    let per_second = f64::from(u32::try_from(starts.len()).unwrap()) / 5.0;
    assert!((97.0..=101.0).contains(&per_second), "{per_second}");

    starts.clear();
    while starts.len() < 2_000 {
        if starts.len() % 7 == 0 {
            throttle.set(fastrand::choice([0.05, 0.5, 1.0]).unwrap());
        }
        governor.pace().await;
        starts.push(Instant::now());
    }
    for window in [20, 100, 1_000] {
        for (first, last) in starts.iter().zip(starts.iter().skip(window)) {
            // A burst of four and what the timer is late are allowed with or without a throttle.
            let least = (f64::from(u32::try_from(window).unwrap()) - 5.0) / 400.0;
            assert!((*last - *first).as_secs_f64() >= least, "{window} starts");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_holds_at_once_however_slow_the_start_before_it_was_to_be() {
    let governor = Governor::new(Some(0.001), NonZeroUsize::MIN);
    governor.follow(at(0.1));
    let begin = Instant::now();
    let faster = async {
        sleep(Duration::from_secs(1)).await;
        governor.set(Some(100.0), NonZeroUsize::MIN);
    };
    tokio::join!(governor.pace(), faster);
    assert!(begin.elapsed() <= Duration::from_millis(1_150), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slowed_pipe_claims_less_and_rests_after_each_claim() {
    let (numbers, throttle) = (Numbers::endless(), at(0.25));
    let mut pipes = pipes();
    let consumer = Each(|_, _| async {
        sleep(WORK).await;
        Ok(())
    });
    pipes.add("pending_job", &settings(100, 100), numbers.clone(), consumer);
    pipes.governor("pending_job").unwrap().follow(throttle.clone());
    let (shutdown, running) = start(pipes);
    settled().await;
    assert_eq!(numbers.limits().first(), Some(&25));
    throttle.set(0.01);
    sleep(Duration::from_secs(1)).await;
    assert!(numbers.limits().iter().all(|limit| *limit <= 25));
    assert!(numbers.limits().last().unwrap() <= &13, "no smaller than an eighth");
    shutdown.stop();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slowed_batch_keeps_its_place_while_it_rests() {
    let seen = Seen::new();
    let batch = BatchSettings {
        batch_max: NonZeroUsize::new(8).unwrap(),
        linger_ms: 0,
        batch_bytes_max: None,
    };
    let one_at_a_time = PipeSettings { in_flight_max: NonZeroUsize::MIN, ..settings(64, 1) };
    let mut pipes = pipes();
    let log = seen.clone();
    let consumer = Batch(move |items: Vec<u64>| {
        log.push((Instant::now(), items.len()));
        async {
            sleep(WORK).await;
            Ok(())
        }
    });
    let sender = pipes.add_fed("outcome", &one_at_a_time, &batch, consumer);
    pipes.governor("outcome").unwrap().follow(at(0.5));
    for item in 0..12 {
        sender.send(item).await.unwrap();
    }
    let (shutdown, running) = start(pipes);
    sleep(Duration::from_secs(1)).await;
    let seen: Vec<(Instant, usize)> = seen.all();
    assert_eq!(seen.iter().map(|(_, items)| *items).collect::<Vec<_>>(), [4, 4, 4]);
    for ((first, _), (second, _)) in seen.iter().zip(seen.iter().skip(1)) {
        let gap = (*second - *first).as_millis();
        assert!((20..=23).contains(&gap), "{gap} ms for 10 ms of work and 10 ms of rest");
    }
    drop(sender);
    shutdown.stop();
    running.await.unwrap().unwrap();
}
