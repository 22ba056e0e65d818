//! The outcome consumer on a real database: batches that hold a poisoned, a late or a failed run.

use serde_json::json;
use sluicegate::consumers::outcome::OutcomeConsumer;
use sluicegate::domain::job::{Claim, Ending, Outcome, RetryDelays};
use sluicegate::guard::Guard;
use sluicegate::kinds::outage::Outage;
use sluicegate::metrics::Metrics;
use sluicegate::pipeline::BatchConsumer;
use sluicegate::worker::{Journal, Wakes, Worker, WorkerSettings};

use crate::rig::{LEASE_MS, Rig, completed, failed};

const DELAYS: RetryDelays = RetryDelays { base_ms: 60_000, max_ms: 100_000 };

/// The consumer of a worker that has claimed `jobs` jobs.
async fn consumer(rig: &mut Rig, jobs: i32) -> (OutcomeConsumer, Worker, Vec<Claim>) {
    let settings = WorkerSettings {
        slots: 1,
        claim_ahead_ms: 200,
        lease_ms: LEASE_MS.unsigned_abs(),
        lease_renew_ms: 1_000,
        figures_ms: 0,
        drain_ms: 1_000,
        abort_ms: 1_000,
        orphan_after_ms: 60_000,
        checkpoint_after_ms: 60_000,
        checkpoint_kb_max: 1_024,
    };
    let worker = Worker::start(
        &rig.store,
        settings,
        Outage::default(),
        Guard::default(),
        Journal::default(),
    )
    .await
    .unwrap();
    rig.worker = worker.id();
    rig.insert("alice", 0, jobs).await;
    let claims: Vec<Claim> = rig.claim(1_000).await.iter().map(|job| job.claim).collect();
    for claim in &claims {
        worker.held().insert(*claim, false);
    }
    let consumer = OutcomeConsumer::new(
        &rig.store,
        &worker,
        &Wakes::default(),
        DELAYS,
        Metrics::default().jobs(),
    );
    (consumer, worker, claims)
}

async fn late_writes(rig: &Rig) -> i64 {
    rig.one(&format!(
        "select late_writes_refused from sluicegate.workers where id = {}",
        rig.worker
    ))
    .await
}

#[tokio::test]
async fn an_outcome_says_when_the_run_began_however_short_it_was() {
    let mut rig = Rig::new().await;
    let (consumer, worker, claims) = consumer(&mut rig, 2).await;
    rig.run("update sluicegate.queue set claimed_at = now() - interval '1 h'").await;
    rig.run("create table before_it as select clock_timestamp() as at").await;
    worker.held().control(claims[0]).unwrap().begin();
    consumer.consume(claims.iter().map(|claim| completed(*claim)).collect()).await.unwrap();
    let begun: Vec<bool> = rig
        .all(
            "select started_at between (select at from before_it) and ended_at
               from sluicegate.outcomes order by job_id",
        )
        .await;
    assert_eq!(begun, [true, false], "the second never said that it began");
    let claimed: bool =
        rig.one("select bool_and(started_at >= claimed_at) from sluicegate.outcomes").await;
    assert!(claimed);
}

#[tokio::test]
async fn a_poisoned_row_fails_alone_and_its_batch_is_written() {
    let mut rig = Rig::new().await;
    let (consumer, worker, claims) = consumer(&mut rig, 50).await;
    let mut batch: Vec<Outcome> = claims.iter().map(|claim| completed(*claim)).collect();
    batch[17].ending = Ending::Completed { output: json!({ "text": "a\0b" }), answer: None };
    batch[33].ending =
        Ending::Completed { output: json!({}), answer: Some(json!({ "ticker": null })) };
    consumer.consume(batch).await.unwrap();
    let counts: Vec<String> = rig
        .all("select status || ' ' || count(*) from sluicegate.job_status group by status order by 1")
        .await;
    assert_eq!(counts, ["completed 48", "failed 2"]);
    let errors: Vec<String> =
        rig.all("select error from sluicegate.outcomes where status = 2 order by job_id").await;
    assert!(
        errors[0].starts_with("the outcome cannot be stored: write outcomes: "),
        "{}",
        errors[0]
    );
    assert!(errors[0].contains("unsupported Unicode escape sequence"), "{}", errors[0]);
    assert!(errors[1].contains("null value in column \"ticker\""), "{}", errors[1]);
    assert!(worker.held().claims().is_empty());
    assert_eq!(late_writes(&rig).await, 0);
}

#[tokio::test]
async fn an_end_that_comes_after_a_cancel_is_refused_and_counted() {
    let mut rig = Rig::new().await;
    let (consumer, worker, claims) = consumer(&mut rig, 3).await;
    let command = rig.command("alice", None, Some(claims[1].job_id)).await;
    assert_eq!(rig.store.cancel_jobs(&command, 9).await.unwrap().found, 1);
    let batch = claims.iter().map(|claim| completed(*claim)).collect();
    consumer.consume(batch).await.unwrap();
    assert_eq!(rig.status(claims[1].job_id).await, "cancelled");
    assert_eq!(rig.status(claims[2].job_id).await, "completed");
    assert_eq!(late_writes(&rig).await, 1);
    assert!(worker.held().claims().is_empty());
}

#[tokio::test]
async fn an_end_written_before_is_not_a_late_one() {
    let mut rig = Rig::new().await;
    let (consumer, _, claims) = consumer(&mut rig, 1).await;
    consumer.consume(vec![completed(claims[0])]).await.unwrap();
    consumer.consume(vec![completed(claims[0])]).await.unwrap();
    assert_eq!(late_writes(&rig).await, 0);
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.outcomes").await, 1);
}

#[tokio::test]
async fn the_wait_before_another_try_doubles_with_failures_not_with_claims_within_the_limit() {
    let mut rig = Rig::new().await;
    let (consumer, _, claims) = consumer(&mut rig, 3).await;
    let mut batch: Vec<Outcome> =
        claims.iter().map(|claim| failed(*claim, "broken", true)).collect();
    let earlier = [("attempt = 40", claims[0].job_id), ("failures = 1", claims[1].job_id)];
    for (what, job) in earlier {
        rig.run(&format!("update sluicegate.queue set {what} where job_id = {job}")).await;
    }
    batch[2] = failed(claims[2], "bad spec", false);
    consumer.consume(batch).await.unwrap();
    let words: Vec<String> = rig.all("select status from sluicegate.job_status order by id").await;
    assert_eq!(words, ["pending", "pending", "failed"]);
    let delays: Vec<f64> = rig
        .all("select extract(epoch from run_at - clock_timestamp())::float8 from sluicegate.queue order by job_id")
        .await;
    assert!((20.0..=90.0).contains(&delays[0]), "60 s, half of it to either side: {delays:?}");
    assert!((40.0..=150.0).contains(&delays[1]), "100 s, half of it to either side: {delays:?}");
}
