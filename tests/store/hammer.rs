//! Many clients at once: each claims, starts, ends, fails, gives back, looks and cancels as it likes. What
//! was accepted adds up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use sluicegate::domain::job::{Claim, Progress};
use sluicegate::store::{Condition, EndingBatch, Store, WorkerId};

use crate::rig::{AT_ONCE, LEASE_MS, Rig, completed, failed, settings};

/// What the clients were told.
#[derive(Debug, Default)]
struct Told {
    ended: AtomicUsize,
    refused: AtomicUsize,
}

async fn one_client(store: Store, worker: WorkerId, seed: u64, told: Arc<Told>) {
    let mut random = Rng::with_seed(seed);
    let mut held: Vec<Claim> = Vec::new();
    let mut empty = 0;
    // A job that others hold may come back: an empty hand is believed after some looks only.
    while empty < 40 {
        let got = store.claim_jobs(worker, random.usize(1..6), &[], 0).await.unwrap();
        empty = if got.is_empty() && held.is_empty() { empty + 1 } else { 0 };
        held.extend(got.iter().map(|job| job.claim));
        random.shuffle(&mut held);
        let some = held.split_off(held.len() - random.usize(0..=held.len()));
        let accepted = match random.u8(..20) {
            0..3 => {
                let outcomes: Vec<_> =
                    some.iter().map(|claim| failed(*claim, "no", true)).collect();
                store.fail_jobs(&outcomes, AT_ONCE).await.unwrap().len()
            }
            3..6 => store.release_jobs(&some).await.unwrap().len(),
            6..8 => {
                start(&store, &some).await;
                held.extend(&some);
                continue;
            }
            8 => {
                // As if the reply to the claim had been lost: nobody holds these any more.
                let fine = Condition::default();
                store.renew_lease(worker, LEASE_MS, &held, Some(0), &fine).await.unwrap();
                // Its own claims are void now: the ends of these are late.
                end(&store, &some, &told).await;
                continue;
            }
            _ => {
                end(&store, &some, &told).await;
                continue;
            }
        };
        assert_eq!(accepted, some.len(), "nobody else writes under these claims");
    }
}

async fn start(store: &Store, claims: &[Claim]) {
    let mark = |claim: &Claim| Progress {
        claim: *claim,
        percent: 1.0,
        elapsed_ms: 1,
        timeout_ms: 3_600_000,
        stall_ms: None,
    };
    let marks: Vec<Progress> = claims.iter().map(mark).collect();
    store.mark_progress(&marks).await.unwrap();
    for claim in claims {
        store.keep_checkpoint(*claim, "key", &[7; 3_000]).await.unwrap();
    }
}

async fn end(store: &Store, claims: &[Claim], told: &Told) {
    let outcomes: Vec<_> = claims.iter().map(|claim| completed(*claim)).collect();
    let ended = store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap().len();
    told.ended.fetch_add(ended, Ordering::Relaxed);
    told.refused.fetch_add(claims.len() - ended, Ordering::Relaxed);
}

async fn hammer(clients: usize, jobs: i32) {
    let rig = Rig::new().await;
    for user in ["alice", "bob", "carol"] {
        rig.insert(user, 0, jobs / 3).await;
    }
    let told = Arc::new(Told::default());
    let mut running = Vec::new();
    for seed in 0..clients as u64 {
        let mut own = settings(rig.db.url());
        own.max_connections = 2;
        let worker = rig.another_worker().await;
        let client = one_client(Store::new(&own).unwrap(), worker, seed, Arc::clone(&told));
        running.push(tokio::spawn(client));
    }
    for client in running {
        client.await.unwrap();
    }
    let jobs = i64::from(jobs / 3 * 3);
    let count = "select count(*) from sluicegate.";
    assert_eq!(rig.one::<i64>(&format!("{count}queue")).await, 0, "something is left");
    assert_eq!(rig.one::<i64>(&format!("{count}outcomes")).await, jobs);
    let done = rig.one::<i64>(&format!("{count}outcomes where status = 1")).await;
    let ended = i64::try_from(told.ended.load(Ordering::Relaxed)).unwrap();
    assert_eq!(ended, done, "accepted ends and those in the table");
    assert!(told.refused.load(Ordering::Relaxed) > 0, "no end was late");
    let left = "select count(*) from sluicegate.lane_counts
                 where running <> 0 or ready <> 0 or delayed <> 0";
    assert_eq!(rig.one::<i64>(left).await, 0, "lanes do not add up");
    assert_eq!(rig.one::<i64>(&format!("{count}progress")).await, 0, "progress is left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_clients_are_told_is_what_the_tables_say() {
    hammer(8, 600).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn what_a_hundred_clients_are_told_is_what_the_tables_say() {
    hammer(100, 15_000).await;
}
