//! Errors of jobs: tried again after a delay, until they failed too often.

use serde_json::json;
use sluicegate::domain::job::{Claim, RetryDelays};

use crate::rig::{AT_ONCE, Rig, failed, stale};

/// Makes every delayed job due.
async fn due(rig: &Rig) {
    rig.run("update sluicegate.queue set run_at = now() - interval '1 s' where state = 2").await;
}

#[tokio::test]
async fn a_failure_waits_out_its_delay_and_then_runs_again() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let outcome = failed(claim, "no luck", true);
    assert_eq!(
        rig.store
            .fail_jobs(&[outcome], RetryDelays { base_ms: 60_000, max_ms: 60_000 })
            .await
            .unwrap(),
        [claim.job_id].into()
    );
    assert_eq!(rig.status(claim.job_id).await, "pending");
    assert_eq!(rig.one::<String>("select error from sluicegate.job_status").await, "no luck");
    let delay: f64 = rig
        .one("select extract(epoch from run_at - clock_timestamp())::float8 from sluicegate.queue")
        .await;
    assert!((25.0..=90.0).contains(&delay), "{delay}");
    assert!(rig.claim(9).await.is_empty());
    due(&rig).await;
    let again = rig.claim(9).await;
    assert_eq!((again[0].attempt, again[0].claim.fence), (2, claim.fence + 2));
    assert_eq!(rig.one::<i32>("select failures from sluicegate.job_status").await, 1);
}

#[tokio::test]
async fn a_job_that_failed_max_failures_times_is_failed_for_good() {
    let rig = Rig::new().await;
    let job: i64 = rig
        .one(
            "insert into sluicegate.jobs (user_id, kind, spec, max_failures)
             values ('alice', 'sleep', '{}', 2) returning id",
        )
        .await;
    for (round, expected) in [(1, "pending"), (2, "failed")] {
        let claim = rig.claim(1).await[0].claim;
        let outcome = failed(claim, &format!("failure {round}"), true);
        assert_eq!(rig.store.fail_jobs(&[outcome], AT_ONCE).await.unwrap(), [job].into());
        assert_eq!(rig.status(job).await, expected);
        due(&rig).await;
    }
    assert_eq!(rig.one::<String>("select error from sluicegate.job_status").await, "failure 2");
    assert_eq!(rig.one::<i32>("select failures from sluicegate.job_status").await, 2);
    let kept: Vec<String> = rig.all("select error from sluicegate.failed_attempts").await;
    assert_eq!(kept, ["failure 1"]);
    assert!(rig.claim(9).await.is_empty());
}

#[tokio::test]
async fn one_batch_may_hold_first_last_and_late_failures() {
    let rig = Rig::new().await;
    rig.run(
        "insert into sluicegate.jobs (user_id, kind, spec, max_failures)
         values ('alice', 'sleep', '{}', 1), ('alice', 'sleep', '{}', 3), ('alice', 'sleep', '{}', 3)",
    )
    .await;
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    let outcomes = [
        failed(claims[0], "last", true),
        failed(claims[1], "first", true),
        failed(stale(claims[2]), "late", true),
    ];
    let accepted = rig.store.fail_jobs(&outcomes, AT_ONCE).await.unwrap();
    assert_eq!(accepted, [claims[0].job_id, claims[1].job_id].into());
    let words: Vec<String> = rig.all("select status from sluicegate.job_status order by id").await;
    assert_eq!(words, ["failed", "pending", "queued"]);
    rig.claim(0).await;
    assert_eq!(rig.one::<i32>("select running from sluicegate.lanes").await, 1);
}

#[tokio::test]
async fn a_failed_job_of_a_bundle_is_counted_once_and_only_at_its_end() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1).await;
    for _ in 0..3 {
        let claim = rig.claim(1).await[0].claim;
        let before: i64 = rig.one("select count(*) from sluicegate.bundle_deltas").await;
        assert_eq!(before, 0);
        rig.store.fail_jobs(&[failed(claim, "broken", true)], AT_ONCE).await.unwrap();
        due(&rig).await;
    }
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    assert_eq!(
        rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap().as_deref(),
        Some("failed")
    );
}
