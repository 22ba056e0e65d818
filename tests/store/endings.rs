//! Ends of jobs: what an accepted one writes, and which are refused.

use serde_json::{Value, json};
use sluicegate::domain::job::{Claim, Ending, Outcome};
use sluicegate::store::EndingBatch;

use crate::rig::{AT_ONCE, Rig, completed, failed, stale};

/// A row of `results` as the kind `backtest` writes it.
fn answer() -> Value {
    json!({
        "ticker": "NASDAQ", "timeframe": "1d", "from_time": "2020-01-01T00:00:00Z",
        "until_time": "2021-01-01T00:00:00Z", "scenario": {}, "money_management": {},
        "final_equity": 11_000.5, "total_return": 0.1, "sharpe": null, "max_drawdown": 0.25,
        "max_drawdown_intrabar": 0.375, "trade_count": 7, "exposure": 0.5, "fees": 3, "funding": -0.5,
        "candles": 250, "metrics": {"a": 1},
        "candle_report": {}, "candle_digest": "c", "result_digest": "r", "engine_version": 1,
        "metrics_version": 1, "run_ms": 1.5, "job_id": 999_999, "not_a_column": true,
    })
}

fn answered(claim: Claim) -> Outcome {
    let ending = Ending::Completed { output: json!({ "sharpe": null }), answer: Some(answer()) };
    Outcome { claim, ending }
}

#[tokio::test]
async fn an_accepted_end_moves_the_job_from_the_queue_to_its_outcome_and_result() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let accepted = rig.store.end_jobs(&EndingBatch::of([&answered(claim)])).await.unwrap();
    assert!(accepted.contains(&claim.job_id));
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.queue").await, 0);
    assert_eq!(rig.status(claim.job_id).await, "completed");
    let (fence, worker): (i64, i32) =
        sqlx::query_as("select fence, worker from sluicegate.outcomes where job_id = $1")
            .bind(claim.job_id)
            .fetch_one(rig.db.pool())
            .await
            .unwrap();
    assert_eq!((fence, worker), (claim.fence, rig.worker));
    let (job, equity, sharpe): (i64, f64, Option<f64>) =
        sqlx::query_as("select job_id, final_equity, sharpe from sluicegate.results")
            .fetch_one(rig.db.pool())
            .await
            .unwrap();
    assert_eq!((job, equity, sharpe), (claim.job_id, 11_000.5, None));
}

#[tokio::test]
async fn one_row_that_lost_its_claim_does_not_hold_up_its_batch() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 3).await;
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    let batch = [answered(claims[0]), answered(stale(claims[1])), answered(claims[2])];
    let accepted = rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap();
    assert_eq!(accepted, [claims[0].job_id, claims[2].job_id].into());
    assert_eq!(rig.status(claims[1].job_id).await, "queued");
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.results").await, 2);
    let released: i64 =
        rig.one("select sum(released) from sluicegate.lane_deltas where released > 0").await;
    assert_eq!(released, 2);
}

#[tokio::test]
async fn of_two_runs_of_a_job_in_one_batch_only_the_one_that_holds_the_claim_counts() {
    let rig = Rig::new().await;
    let older = rig.claimed().await;
    rig.store.release_jobs(&[older]).await.unwrap();
    let newer = rig.claim(1).await[0].claim;
    let batch = [failed(older, "late", false), completed(newer)];
    let accepted = rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap();
    assert_eq!(accepted, [newer.job_id].into());
    assert_eq!(rig.status(newer.job_id).await, "completed");
}

#[tokio::test]
async fn a_claim_that_was_released_ended_cancelled_or_never_made_writes_nothing() {
    let rig = Rig::new().await;
    let released = rig.claimed().await;
    rig.store.release_jobs(&[released]).await.unwrap();
    let ended = rig.claimed().await;
    rig.store.end_jobs(&EndingBatch::of([&completed(ended)])).await.unwrap();
    let cancelled = rig.claimed().await;
    assert!(rig.store.cancel_claim(cancelled, "time_limit", "over its limit").await.unwrap());
    let waiting = Claim { job_id: rig.insert("bob", 0, 1).await[0], fence: 0 };
    let missing = Claim { job_id: 1_000_000, fence: 1 };
    let late = [released, ended, cancelled, waiting, missing];
    let outcomes = late.map(completed);
    let accepted = rig.store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap();
    assert_eq!(accepted, [].into());
    assert_eq!(
        rig.store.fail_jobs(&late.map(|claim| failed(claim, "late", true)), AT_ONCE).await.unwrap(),
        [].into()
    );
    assert_eq!(rig.store.release_jobs(&late).await.unwrap(), [].into());
    let words: Vec<String> = rig.all("select status from sluicegate.job_status order by id").await;
    // The released job was claimed again beside the second one.
    assert_eq!(words, ["queued", "completed", "cancelled", "pending"]);
    let counts: i64 = rig.one("select count(*) from sluicegate.outcomes").await;
    assert_eq!(counts, 2);
}

#[tokio::test]
async fn an_end_written_twice_is_recognised_by_its_fence() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let batch = EndingBatch::of([&answered(claim)]);
    assert_eq!(rig.store.end_jobs(&batch).await.unwrap().len(), 1);
    assert_eq!(rig.store.end_jobs(&batch).await.unwrap().len(), 0, "the retry changes nothing");
    let before = rig.store.written_before(&[claim, stale(claim)]).await.unwrap();
    assert_eq!(before, [claim.job_id].into());
    assert_eq!(rig.store.written_before(&[stale(claim)]).await.unwrap(), [].into());
}

#[tokio::test]
async fn a_nul_and_a_novel_in_an_error_are_made_storable() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let message = format!("before\0after {}", "x".repeat(10_000));
    rig.store.end_jobs(&EndingBatch::of([&failed(claim, &message, false)])).await.unwrap();
    let error: String = rig.one("select error from sluicegate.job_status").await;
    assert!(error.starts_with("before\u{fffd}after xxx"), "{error}");
    assert_eq!(error.chars().count(), 2_000);
}

#[tokio::test]
async fn a_row_the_database_cannot_take_is_an_error_about_the_data_and_writes_nothing() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 2).await;
    let claims: Vec<Claim> = rig.claim(2).await.iter().map(|job| job.claim).collect();
    let nul = Ending::Completed { output: json!({ "text": "a\0b" }), answer: None };
    let batch = [completed(claims[0]), Outcome { claim: claims[1], ending: nul }];
    let error = rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap_err();
    assert!(error.is_about_the_data(), "{error:?}");
    let claimed: i64 = rig.one("select count(*) from sluicegate.queue where state = 1").await;
    assert_eq!(claimed, 2);
}

#[tokio::test]
async fn released_jobs_are_pending_again_and_no_failure_is_counted() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    assert_eq!(rig.store.release_jobs(&[stale(claim)]).await.unwrap(), [].into());
    assert_eq!(rig.store.release_jobs(&[claim]).await.unwrap(), [claim.job_id].into());
    assert_eq!(rig.status(claim.job_id).await, "pending");
    let again = rig.claim(1).await;
    assert_eq!((again[0].attempt, again[0].claim.fence), (2, claim.fence + 2));
    assert_eq!(rig.one::<i32>("select failures from sluicegate.job_status").await, 0);
}

#[tokio::test]
async fn counts_of_a_batch_reach_bundle_and_lane_as_one_row_each() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 6).await;
    let claims: Vec<Claim> = rig.claim(6).await.iter().map(|job| job.claim).collect();
    let batch = [
        completed(claims[0]),
        completed(claims[1]),
        completed(stale(claims[2])),
        failed(claims[3], "broken", false),
    ];
    rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap();
    rig.store.cancel_claim(claims[4], "stalled", "no progress").await.unwrap();
    let news: Vec<String> = rig
        .all(&format!(
            "select concat_ws(' ', completed, failed, cancelled) from sluicegate.bundle_deltas
              where bundle_id = '{bundle}' order by 1"
        ))
        .await;
    assert_eq!(news, ["0 0 1", "2 1 0"]);
    rig.claim(1).await;
    assert_eq!(rig.one::<i32>("select running from sluicegate.lanes").await, 2);
}
