//! Start marks, progress and parts of running jobs.

use serde_json::json;
use sluicegate::domain::job::{Claim, Progress};
use sluicegate::store::EndingBatch;

use crate::rig::{AT_ONCE, Rig, completed, failed, stale};

fn at(claim: Claim, percent: f64) -> Progress {
    Progress { claim, percent, elapsed_ms: 1_500, timeout_ms: 60_000, stall_ms: Some(30_000) }
}

#[tokio::test]
async fn the_first_mark_starts_a_job_and_later_ones_move_it() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    rig.store.mark_progress(&[at(claim, 10.0)]).await.unwrap();
    assert_eq!(rig.status(claim.job_id).await, "running");
    let (started, deadline): (f64, f64) = sqlx::query_as(
        "select extract(epoch from clock_timestamp() - started_at)::float8,
                extract(epoch from deadline - started_at)::float8 from sluicegate.queue",
    )
    .fetch_one(rig.db.pool())
    .await
    .unwrap();
    assert!((1.5..20.0).contains(&started), "it began before it was marked: {started}");
    assert!((59.9..60.1).contains(&deadline), "{deadline}");
    let first: String = rig.one("select started_at::text from sluicegate.queue").await;
    let row: String = rig.one("select concat(ctid, xmax) from sluicegate.queue").await;
    rig.store.mark_progress(&[at(claim, 70.0)]).await.unwrap();
    assert!(rig.one::<bool>("select progress = 70 from sluicegate.job_status").await);
    assert_eq!(rig.one::<String>("select started_at::text from sluicegate.queue").await, first);
    // No lock in the queue: it would be written to the log for each job and tick.
    assert_eq!(rig.one::<String>("select concat(ctid, xmax) from sluicegate.queue").await, row);
    // A crash of the server empties the table; the run's next mark is there again.
    rig.run("truncate sluicegate.progress").await;
    rig.store.mark_progress(&[at(claim, 80.0)]).await.unwrap();
    assert!(rig.one::<bool>("select progress = 80 from sluicegate.job_status").await);
    assert_eq!(rig.one::<String>("select started_at::text from sluicegate.queue").await, first);
}

#[tokio::test]
async fn marks_under_an_old_fence_change_nothing() {
    let rig = Rig::new().await;
    let (lost, held) = (rig.claimed().await, rig.claimed().await);
    rig.store.mark_progress(&[at(stale(lost), 10.0), at(held, 20.0)]).await.unwrap();
    assert_eq!(rig.status(lost.job_id).await, "queued");
    assert_eq!(rig.status(held.job_id).await, "running");
    rig.store.release_jobs(&[lost]).await.unwrap();
    rig.store.mark_progress(&[at(lost, 30.0)]).await.unwrap();
    assert_eq!(rig.status(lost.job_id).await, "pending");
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.progress").await, 1);
    rig.store.release_jobs(&[held]).await.unwrap();
    rig.store.mark_progress(&[at(held, 40.0)]).await.unwrap();
    assert!(rig.one::<bool>("select percent = 20 from sluicegate.progress").await);
}

#[tokio::test]
async fn no_progress_is_left_of_a_job_that_ended() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    rig.store.mark_progress(&[at(claim, 10.0)]).await.unwrap();
    rig.store.fail_jobs(&[failed(claim, "broken", true)], AT_ONCE).await.unwrap();
    rig.run("update sluicegate.queue set run_at = now() - interval '1 s'").await;
    // The second run ends before its start mark.
    let again = rig.claim(1).await[0].claim;
    rig.store.end_jobs(&EndingBatch::of([&completed(again)])).await.unwrap();
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.progress").await, 0);
}

#[tokio::test]
async fn each_part_has_a_row_of_its_own_under_the_claim() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let output = json!({ "slept_s": 1 });
    assert!(rig.store.write_part(claim, 0, 0.0, None).await.unwrap());
    assert!(rig.store.write_part(claim, 1, 0.0, None).await.unwrap());
    assert!(rig.store.write_part(claim, 0, 100.0, Some(&output)).await.unwrap());
    assert!(!rig.store.write_part(stale(claim), 2, 0.0, None).await.unwrap());
    let parts: Vec<String> = rig
        .all(
            "select concat_ws(' ', attempt, part, progress, output) from sluicegate.job_parts
              order by part",
        )
        .await;
    assert_eq!(parts, ["1 0 100 {\"slept_s\": 1}", "1 1 0"]);
    rig.store.release_jobs(&[claim]).await.unwrap();
    assert!(!rig.store.write_part(claim, 0, 50.0, None).await.unwrap());
}

#[tokio::test]
async fn a_checkpoint_is_found_by_the_next_claim_under_its_key_and_goes_with_the_end() {
    let rig = Rig::new().await;
    let first = rig.claimed().await;
    assert!(
        !rig.store.keep_checkpoint(first, "key", &[1]).await.unwrap(),
        "there is no start mark"
    );
    rig.store.mark_progress(&[at(first, 10.0)]).await.unwrap();
    assert!(rig.store.keep_checkpoint(first, "key", &[1, 2]).await.unwrap());
    assert!(rig.store.keep_checkpoint(first, "key", &[3, 0, 255]).await.unwrap());
    rig.store.mark_progress(&[at(first, 50.0)]).await.unwrap();
    rig.store.release_jobs(&[first]).await.unwrap();
    assert!(!rig.store.keep_checkpoint(first, "key", &[4]).await.unwrap(), "the claim is lost");

    let second = rig.claim(1).await[0].claim;
    assert_eq!(rig.store.find_checkpoint(second, "key").await.unwrap(), Some(vec![3, 0, 255]));
    assert_eq!(rig.store.find_checkpoint(second, "other").await.unwrap(), None);
    assert_eq!(rig.store.find_checkpoint(first, "key").await.unwrap(), None);
    rig.store.end_jobs(&EndingBatch::of([&completed(second)])).await.unwrap();
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.progress").await, 0);
}

#[tokio::test]
async fn no_progress_is_left_of_a_job_that_ends_while_it_is_marked() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    let mut mark = rig.db.pool().begin().await.unwrap();
    sqlx::query(include_str!("../../src/store/sql/mark_progress.sql"))
        .bind([claim.job_id])
        .bind([claim.fence])
        .bind([50.0])
        .bind([1_500_i64])
        .bind([60_000_i64])
        .bind([30_000_i64])
        .execute(&mut *mark)
        .await
        .unwrap();
    let store = rig.store.clone();
    let end = async move { store.end_jobs(&EndingBatch::of([&completed(claim)])).await };
    let ending = tokio::spawn(end);
    rig.until_waits_for_a_lock("end_jobs").await;
    mark.commit().await.unwrap();
    assert!(ending.await.unwrap().unwrap().contains(&claim.job_id));
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.progress").await, 0);
}

#[tokio::test]
async fn after_a_failure_a_run_begins_afresh() {
    let rig = Rig::new().await;
    let first = rig.claimed().await;
    rig.store.mark_progress(&[at(first, 10.0)]).await.unwrap();
    assert!(rig.store.keep_checkpoint(first, "key", &[1]).await.unwrap());
    rig.store.fail_jobs(&[failed(first, "no", true)], AT_ONCE).await.unwrap();
    let second = rig.claim(1).await[0].claim;
    assert_eq!(rig.store.find_checkpoint(second, "key").await.unwrap(), None);
}
