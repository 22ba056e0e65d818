//! Claims taken away: from dead workers, from runs over their limit, from runs that stalled.

use serde_json::json;
use sluicegate::domain::job::{Claim, Death, Progress};

use crate::rig::{Rig, stale};

/// The worker dies with all it holds; another one takes its place.
async fn die(rig: &mut Rig) {
    rig.run(&format!("update sluicegate.workers set dead_at = now() where id = {}", rig.worker))
        .await;
    rig.worker = rig.another_worker().await;
}

fn begun(claim: Claim) -> Progress {
    Progress { claim, percent: 5.0, elapsed_ms: 0, timeout_ms: 60_000, stall_ms: Some(30_000) }
}

#[tokio::test]
async fn jobs_of_a_dead_worker_are_found_and_ready_again_at_once() {
    let mut rig = Rig::new().await;
    let claim = rig.claimed().await;
    rig.store.mark_progress(&[begun(claim)]).await.unwrap();
    assert!(rig.store.find_dead_jobs(9).await.unwrap().is_empty());
    die(&mut rig).await;
    let dead = rig.store.find_dead_jobs(9).await.unwrap();
    assert_eq!((dead[0].claim, dead[0].death), (claim, Death::Worker));
    assert!(rig.store.rescue_jobs(&[stale(claim)], 3).await.unwrap().is_empty());
    let rescued = rig.store.rescue_jobs(&[claim], 3).await.unwrap();
    assert_eq!((rescued[0].job_id, rescued[0].quarantined), (claim.job_id, false));
    assert!(rig.store.rescue_jobs(&[claim], 3).await.unwrap().is_empty(), "once is enough");
    let again = rig.claim(9).await;
    assert_eq!((again[0].claim.job_id, again[0].attempt), (claim.job_id, 2));
    assert_eq!(rig.one::<i32>("select failures from sluicegate.job_status").await, 0);
}

#[tokio::test]
async fn a_job_that_was_running_at_three_deaths_is_quarantined() {
    let mut rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1).await;
    for death in 1..=3 {
        let claim = rig.claim(1).await[0].claim;
        rig.store.mark_progress(&[begun(claim)]).await.unwrap();
        die(&mut rig).await;
        let rescued = rig.store.rescue_jobs(&[claim], 3).await.unwrap();
        assert_eq!(rescued[0].quarantined, death == 3);
    }
    let error: String =
        rig.one("select error from sluicegate.job_status where status = 'failed'").await;
    assert_eq!(error, "quarantined: the processes that held it died 3 times");
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.failed_attempts").await, 2);
    assert_eq!(rig.one::<i32>("select failures from sluicegate.job_status").await, 0);
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    assert_eq!(
        rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap().as_deref(),
        Some("failed")
    );
}

#[tokio::test]
async fn a_job_that_only_waited_at_deaths_is_given_five_times_the_patience() {
    let mut rig = Rig::new().await;
    rig.insert("alice", 0, 1).await;
    for death in 1..=10 {
        let claim = rig.claim(1).await[0].claim;
        die(&mut rig).await;
        let rescued = rig.store.rescue_jobs(&[claim], 2).await.unwrap();
        assert_eq!(rescued[0].quarantined, death == 10, "death {death}");
    }
}

#[tokio::test]
async fn a_claim_of_a_worker_that_signed_off_or_never_was_is_found_too() {
    let rig = Rig::new().await;
    let (left, unknown) = (rig.claimed().await, rig.claimed().await);
    let other = rig.another_worker().await;
    rig.run(&format!(
        "update sluicegate.queue set worker = {other} where job_id = {}",
        left.job_id
    ))
    .await;
    rig.run(&format!("update sluicegate.queue set worker = -1 where job_id = {}", unknown.job_id))
        .await;
    rig.store.stop_worker(other).await.unwrap();
    let dead = rig.store.find_dead_jobs(9).await.unwrap();
    assert_eq!(dead.iter().map(|job| job.claim).collect::<Vec<_>>(), [left, unknown]);
    assert!(dead.iter().all(|job| job.death == Death::Worker));
    assert_eq!(rig.store.find_dead_jobs(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_run_over_its_time_limit_is_cancelled_with_the_reason() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let overdue = Progress { elapsed_ms: 60_001, ..begun(claim) };
    rig.store.mark_progress(&[overdue]).await.unwrap();
    let dead = rig.store.find_dead_jobs(9).await.unwrap();
    assert_eq!((dead[0].death, dead[0].limit_ms), (Death::TimeLimit, 60_000));
    assert!(!rig.store.cancel_claim(stale(claim), "time_limit", "over").await.unwrap());
    assert!(rig.store.cancel_claim(claim, "time_limit", "over its limit").await.unwrap());
    assert!(!rig.store.cancel_claim(claim, "time_limit", "again").await.unwrap());
    assert_eq!(rig.status(claim.job_id).await, "cancelled");
    assert_eq!(
        rig.one::<String>("select error from sluicegate.job_status").await,
        "over its limit"
    );
    let times: bool = rig
        .one("select started_at < cancelled_at and finished_at is null from sluicegate.job_status")
        .await;
    assert!(times);
    assert!(rig.store.find_dead_jobs(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_without_progress_is_stalled_and_one_that_is_not_watched_never_is() {
    let rig = Rig::new().await;
    let (watched, unwatched) = (rig.claimed().await, rig.claimed().await);
    let ignored = Progress { stall_ms: None, ..begun(unwatched) };
    rig.store.mark_progress(&[begun(watched), ignored]).await.unwrap();
    assert!(rig.store.find_dead_jobs(9).await.unwrap().is_empty());
    rig.run("update sluicegate.progress set updated_at = now() - interval '31 s'").await;
    let dead = rig.store.find_dead_jobs(9).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].claim, dead[0].death, dead[0].limit_ms), (watched, Death::Stalled, 30_000));
    rig.store.mark_progress(&[begun(watched)]).await.unwrap();
    assert!(rig.store.find_dead_jobs(9).await.unwrap().is_empty(), "it moved again");
}
