//! The claim: what is taken, in which order, and never twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgPool};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::rig::Rig;
use crate::support::eventually;

#[tokio::test]
async fn a_claim_takes_the_oldest_first_and_says_what_to_run() {
    let rig = Rig::new().await;
    let ids = rig.insert("alice", 0, 5).await;
    let jobs = rig.claim(3).await;
    let taken: Vec<i64> = jobs.iter().map(|job| job.claim.job_id).collect();
    assert_eq!(taken, ids[..3]);
    let first = &jobs[0];
    assert_eq!((first.claim.fence, first.attempt, first.kind.as_str()), (1, 1, "sleep"));
    assert_eq!((first.spec.as_str(), first.timeout_s), ("{\"seconds\": 0}", None));
    assert_eq!(rig.status(ids[0]).await, "queued");
    assert_eq!(rig.status(ids[3]).await, "pending");
    let worker: i32 =
        rig.one(&format!("select worker from sluicegate.job_status where id = {}", ids[0])).await;
    assert_eq!(worker, rig.worker);
    assert_eq!(rig.claim_ids(9).await, ids[3..]);
    assert_eq!(rig.claim_ids(9).await, [0_i64; 0]);
}

#[tokio::test]
async fn a_higher_priority_goes_first_whoever_asks() {
    let rig = Rig::new().await;
    let low = rig.insert("alice", -5, 2).await;
    let middle = rig.insert("bob", 0, 2).await;
    let high = rig.insert("carol", 7, 2).await;
    let expected: Vec<i64> = [high, middle, low].concat();
    assert_eq!(rig.claim_ids(6).await, expected);
}

#[tokio::test]
async fn a_limit_on_computing_jobs_leaves_the_others_alone() {
    let rig = Rig::new().await;
    rig.insert_kind("alice", "backtest", 9, 10).await;
    let sleeps = rig.insert("alice", 0, 4).await;
    let claim = |cpu_limit| rig.store.claim_jobs(rig.worker, 6, &["backtest"], cpu_limit);
    let jobs = claim(3).await.unwrap();
    let computing = jobs.iter().filter(|job| job.kind == "backtest").count();
    assert_eq!((computing, jobs.len()), (3, 6));
    assert_eq!(jobs[3].claim.job_id, sleeps[0]);
    let jobs = claim(0).await.unwrap();
    assert_eq!(jobs.len(), 1, "only the last sleep is left without slots");
    assert_eq!(claim(100).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_paused_lane_gives_nothing_until_it_is_resumed() {
    let rig = Rig::new().await;
    let paused = rig.insert("alice", 5, 2).await;
    let open = rig.insert("bob", 0, 2).await;
    rig.run("update sluicegate.lanes set paused = true where user_id = 'alice'").await;
    assert_eq!(rig.claim_ids(9).await, open);
    rig.run("update sluicegate.lanes set paused = false").await;
    assert_eq!(rig.claim_ids(9).await, paused);
}

#[tokio::test]
async fn delayed_jobs_are_claimed_when_they_are_due() {
    let rig = Rig::new().await;
    rig.run(
        "insert into sluicegate.jobs (user_id, kind, spec, run_at)
         values ('alice', 'sleep', '{}', now() + interval '1 hour')",
    )
    .await;
    let ready = rig.insert("alice", 0, 1).await;
    assert_eq!(rig.claim_ids(9).await, ready);
    rig.run("update sluicegate.queue set run_at = now() - interval '1 s' where state = 2").await;
    assert_eq!(rig.claim_ids(9).await, [ready[0] - 1]);
}

#[tokio::test]
async fn a_worker_that_is_dead_draining_late_or_unknown_claims_nothing() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 1).await;
    for change in
        ["dead_at = now()", "draining = true", "lease_until = now() - interval '1 ms'", "id = -7"]
    {
        let worker = rig.another_worker().await;
        rig.run(&format!("update sluicegate.workers set {change} where id = {worker}")).await;
        let jobs = rig.store.claim_jobs(worker, 9, &[], 0).await.unwrap();
        assert!(jobs.is_empty(), "{change}");
    }
    assert_eq!(rig.claim_ids(9).await.len(), 1);
}

#[tokio::test]
async fn released_jobs_come_before_newer_ones() {
    let rig = Rig::new().await;
    let ids = rig.insert("alice", 0, 6).await;
    let claims: Vec<_> = rig.claim(4).await.iter().map(|job| job.claim).collect();
    rig.store.release_jobs(&claims[1..3]).await.unwrap();
    assert_eq!(rig.claim_ids(3).await, [ids[1], ids[2], ids[4]]);
}

#[tokio::test]
async fn a_job_committed_late_with_a_lower_id_is_found() {
    let rig = Rig::new().await;
    let mut late = sqlx::PgConnection::connect(&rig.db.url()).await.unwrap();
    let mut transaction = late.begin().await.unwrap();
    let low: i64 = sqlx::query_scalar(
        "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{}') returning id",
    )
    .fetch_one(&mut *transaction)
    .await
    .unwrap();
    // Somebody else's: the lane of a user whose first row is not committed is waited for.
    let other = rig.insert("bob", 0, 1).await;
    assert_eq!(rig.claim_ids(9).await, other);
    transaction.commit().await.unwrap();
    assert_eq!(rig.claim_ids(9).await, [low]);

    let mut transaction = late.begin().await.unwrap();
    let low: i64 = sqlx::query_scalar(
        "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{}') returning id",
    )
    .fetch_one(&mut *transaction)
    .await
    .unwrap();
    let high = rig.insert("alice", 0, 3).await;
    assert_eq!(rig.claim_ids(9).await, high, "the watermark is beyond the late row now");
    transaction.commit().await.unwrap();
    assert!(low < high[0]);
    assert_eq!(rig.claim_ids(9).await, [low]);
}

#[tokio::test]
async fn a_job_inserted_while_a_claim_waits_for_its_turn_is_claimed_whole() {
    let rig = Rig::new().await;
    let mut turn = rig.db.pool().begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock('sluicegate.lanes'::regclass::oid::int, 0)")
        .execute(&mut *turn)
        .await
        .unwrap();
    let (store, worker) = (rig.store.clone(), rig.worker);
    let claim = tokio::spawn(async move { store.claim_jobs(worker, 9, &[], 0).await.unwrap() });
    eventually(Duration::from_secs(30), "the claim waits", async || {
        rig.one::<bool>(
            "select exists (select from pg_locks where locktype = 'advisory' and not granted
                and database = (select oid from pg_database where datname = current_database()))",
        )
        .await
    })
    .await;
    let ids = rig.insert("alice", 0, 2).await;
    turn.commit().await.unwrap();
    let taken: Vec<i64> = claim.await.unwrap().iter().map(|job| job.claim.job_id).collect();
    assert_eq!(taken, ids, "what is marked as claimed is also handed over");
}

/// Claimers that start together and go on until a round brings nothing for any of them.
async fn claim_together(rig: &Rig, claimers: usize, each: usize) -> Vec<i64> {
    let barrier = Arc::new(Barrier::new(claimers));
    let mut tasks = JoinSet::new();
    for _ in 0..claimers {
        let (store, barrier) = (rig.store.clone(), Arc::clone(&barrier));
        let worker = rig.another_worker().await;
        tasks.spawn(async move {
            barrier.wait().await;
            let mut taken = Vec::new();
            loop {
                let jobs = store.claim_jobs(worker, each, &[], 0).await.unwrap();
                if jobs.is_empty() {
                    return taken;
                }
                taken.extend(jobs.iter().map(|job| job.claim.job_id));
            }
        });
    }
    tasks.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn claimers_at_the_same_moment_never_get_the_same_job() {
    let rig = Rig::new().await;
    let mut inserted = HashSet::new();
    for user in 0..12 {
        for priority in 0..3 {
            inserted.extend(rig.insert(&format!("user {user}"), priority, 50).await);
        }
    }
    let taken = claim_together(&rig, 8, 17).await;
    assert_eq!(taken.len(), inserted.len(), "some were taken twice or left behind");
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), inserted);
}

/// The most claimed jobs of any lane, counted anew.
async fn busiest_lane(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select coalesce(max(n), 0) from (select count(*) as n from sluicegate.queue
          where state = 1 group by lane_id) t",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_exactly_with_eight_claimers_and_finishers() {
    const CAP: i64 = 5;
    const ROUNDS: usize = 15;
    let rig = Rig::new().await;
    for user in ["alice", "bob", "carol"] {
        rig.insert(user, 0, 2_000).await;
    }
    rig.run(&format!("update sluicegate.lanes set running_max = {CAP}")).await;
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, pool, barrier) =
            (rig.store.clone(), rig.db.pool().clone(), Arc::clone(&barrier));
        let worker = rig.another_worker().await;
        tasks.spawn(async move {
            let mut served = 0;
            for round in 0..2 * ROUNDS {
                // First all claim and then all finish; later everybody as it comes.
                let together = round < ROUNDS;
                if together {
                    barrier.wait().await;
                }
                let jobs = store.claim_jobs(worker, 4, &[], 0).await.unwrap();
                if together {
                    served += jobs.len();
                    barrier.wait().await;
                    assert_eq!(busiest_lane(&pool).await, CAP);
                    barrier.wait().await;
                } else {
                    assert!(busiest_lane(&pool).await <= CAP);
                }
                let claims: Vec<_> = jobs.iter().map(|job| job.claim).collect();
                assert_eq!(store.release_jobs(&claims).await.unwrap().len(), claims.len());
            }
            served
        });
    }
    let served: usize = tasks.join_all().await.iter().sum();
    assert_eq!(served, ROUNDS * 15, "three lanes of five, full in every round");
    rig.claim(0).await;
    let running: Vec<i32> = rig.all("select running from sluicegate.lanes").await;
    assert_eq!(running, [0, 0, 0]);
}
