//! A rate that several processes share.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluicegate::pipeline::{Budget, Governor, Leasing, Slice};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The budget of the database in memory: slices of time, one after the other.
#[derive(Debug, Clone)]
struct Ledger {
    due: Arc<Mutex<Instant>>,
    leases: Arc<Mutex<usize>>,
}

impl Ledger {
    fn new() -> Self {
        Self { due: Arc::new(Mutex::new(Instant::now())), leases: Arc::default() }
    }
}

impl Budget for Ledger {
    fn lease(&self, rate: f64, want: u32) -> Leasing<'_> {
        *self.leases.lock().unwrap() += 1;
        let now = Instant::now();
        let mut due = self.due.lock().unwrap();
        let begins = (*due).max(now);
        let ahead = begins - now;
        let slice = if ahead > Duration::from_secs(1) {
            Slice { starts: 0, begins_in: ahead - Duration::from_secs(1) }
        } else {
            *due = begins + Duration::from_secs_f64(f64::from(want) / rate);
            Slice { starts: want, begins_in: ahead }
        };
        Box::pin(async move { Ok(slice) })
    }
}

fn governor(rate: f64, ledger: &Ledger) -> Governor {
    let governor = Governor::new(Some(rate), NonZeroUsize::MIN);
    governor.draw_from(Arc::new(ledger.clone()));
    governor
}

/// Fails if more than these start in any window of a second.
fn assert_windows(starts: &[Instant], most: usize) {
    let mut window = VecDeque::new();
    for start in starts {
        window.push_back(*start);
        while window.front().is_some_and(|first| *start - *first >= Duration::from_secs(1)) {
            window.pop_front();
        }
        assert!(window.len() <= most, "{} starts within a second", window.len());
    }
}

#[tokio::test(start_paused = true)]
async fn four_processes_together_keep_the_rate_and_waste_little_of_it() {
    let (rate, ledger) = (100.0, Ledger::new());
    let starts = Arc::new(Mutex::new(Vec::new()));
    let begin = Instant::now();
    let mut processes = JoinSet::new();
    for process in 0..4 {
        let (governor, starts) = (governor(rate, &ledger), Arc::clone(&starts));
        processes.spawn(async move {
            // One comes late, one is killed in the middle of its slice.
            sleep(Duration::from_secs(if process == 3 { 7 } else { 0 })).await;
            let until = Duration::from_secs(if process == 2 { 12 } else { 30 });
            while begin.elapsed() < until {
                governor.pace().await;
                starts.lock().unwrap().push(Instant::now());
            }
        });
    }
    while processes.join_next().await.is_some() {}
    let mut starts = starts.lock().unwrap().clone();
    starts.sort();
    let count = u32::try_from(starts.len()).unwrap();
    let share = f64::from(count) / (rate * 30.0);
    assert!((0.97..=1.01).contains(&share), "{share}");
    // The rate, a burst of two, and a slice that may come late.
    assert_windows(&starts, 100 + 2 + 25);
    let leases = *ledger.leases.lock().unwrap();
    assert!(leases < 300, "{leases} leases for {count} starts");
}

#[tokio::test(start_paused = true)]
async fn starts_that_were_slept_through_are_lost() {
    let (rate, ledger) = (100.0, Ledger::new());
    let governor = governor(rate, &ledger);
    governor.pace().await;
    sleep(Duration::from_secs(20)).await;
    let begin = Instant::now();
    for _ in 0..100 {
        governor.pace().await;
    }
    assert!(begin.elapsed() >= Duration::from_millis(960), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_lifted_frees_whoever_waits() {
    let ledger = Ledger::new();
    let governor = governor(0.001, &ledger);
    governor.pace().await;
    let waiting = governor.clone();
    let begin = Instant::now();
    let waits = tokio::spawn(async move { waiting.pace().await });
    sleep(Duration::from_secs(1)).await;
    governor.set(None, NonZeroUsize::MIN);
    waits.await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(1_100), "{:?}", begin.elapsed());
}

/// A database that is away.
#[derive(Debug)]
struct Gone;

impl Budget for Gone {
    fn lease(&self, _rate: f64, _want: u32) -> Leasing<'_> {
        Box::pin(async { anyhow::bail!("connection refused") })
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_database_nothing_starts() {
    let governor = Governor::new(Some(1_000.0), NonZeroUsize::MIN);
    governor.draw_from(Arc::new(Gone));
    let paced = tokio::time::timeout(Duration::from_secs(60), governor.pace()).await;
    assert!(paced.is_err());
}
