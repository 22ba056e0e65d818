//! What pause, resume, retry and reprioritise do to jobs, bundles and lanes.

use serde_json::json;
use sluicegate::domain::job::Claim;
use sluicegate::store::{Command, EndingBatch};
use uuid::Uuid;

use crate::rig::{Rig, completed, failed, specs};

async fn why(rig: &Rig, job: i64) -> String {
    rig.one(&format!("select reason from sluicegate.why_waiting where job_id = {job}")).await
}

/// Goes on until nothing is found, two jobs at a time; how many were found.
macro_rules! all {
    ($rig:ident, $name:ident, $command:expr $(, $more:expr)*) => {{
        let mut found = 0;
        loop {
            let batch = $rig.store.$name($command.id $(, $more)*, 2).await.unwrap();
            if batch == 0 {
                break found;
            }
            found += batch;
        }
    }};
}

#[tokio::test]
async fn nothing_more_of_a_paused_bundle_starts_until_it_is_resumed() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 6).await;
    rig.store.insert_variants(bundle, 0, &specs(4), 60_000).await.unwrap();
    let running = rig.claim_ids(1).await;
    let other = rig.insert("alice", 0, 1).await;
    let mallorys = rig.command("mallory", Some(bundle), None).await;
    assert_eq!(all!(rig, pause_jobs, mallorys), 0);
    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(all!(rig, pause_jobs, command), 3);
    assert!(rig.one::<bool>("select paused from sluicegate.bundle_status").await);
    // What comes in later waits as well, and what runs goes on.
    rig.store.insert_variants(bundle, 4, &specs(2), 60_000).await.unwrap();
    assert_eq!(rig.claim_ids(9).await, other);
    assert_eq!(rig.status(running[0]).await, "queued");
    let waiting: Vec<i64> =
        rig.all("select job_id from sluicegate.queue where state = 2 order by 1").await;
    assert_eq!(waiting.len(), 5);
    assert_eq!(why(&rig, waiting[4]).await, "paused");

    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(all!(rig, resume_jobs, command), 5);
    assert_eq!(rig.claim_ids(9).await, waiting);
    assert!(!rig.one::<bool>("select paused from sluicegate.bundle_status").await);
}

#[tokio::test]
async fn a_resumed_job_waits_for_its_own_time() {
    let rig = Rig::new().await;
    let later: i64 = rig
        .one(
            "insert into sluicegate.jobs (user_id, kind, spec, run_at)
             values ('alice', 'sleep', '{}', now() + interval '1 hour') returning id",
        )
        .await;
    let pause = rig.command("alice", None, Some(later)).await;
    assert_eq!(all!(rig, pause_jobs, pause), 1);
    assert_eq!(why(&rig, later).await, "paused");
    let resume = rig.command("alice", None, Some(later)).await;
    assert_eq!(all!(rig, resume_jobs, resume), 1);
    assert!(why(&rig, later).await.starts_with("delayed until "));
    assert!(rig.claim(9).await.is_empty());
}

#[tokio::test]
async fn a_paused_user_waits_in_all_lanes_also_new_ones_and_saves_up_nothing() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 3).await;
    let command = rig.command("alice", None, None).await;
    assert_eq!(all!(rig, pause_jobs, command), 0, "lanes are paused, not jobs");
    let new = rig.command("newcomer", None, None).await;
    all!(rig, pause_jobs, new);
    rig.insert("alice", 7, 1).await;
    rig.insert("newcomer", 0, 1).await;
    rig.insert("bob", 0, 200).await;
    for _ in 0..10 {
        let jobs = rig.claim(10).await;
        assert_eq!(jobs.len(), 10);
        for job in jobs {
            rig.store.end_jobs(&EndingBatch::of(&[completed(job.claim)])).await.unwrap();
        }
    }
    let alices: Vec<i64> =
        rig.all("select id from sluicegate.jobs where user_id = 'alice' order by id").await;
    assert_eq!(why(&rig, alices[0]).await, "paused");
    let command = rig.command("alice", None, None).await;
    all!(rig, resume_jobs, command);
    assert_eq!(rig.claim_ids(1).await, alices[3..], "the higher priority");
    let shared = rig.claim_ids(4).await;
    let of_alice = shared.iter().filter(|id| alices.contains(id)).count();
    assert_eq!(of_alice, 2, "half, as if nothing had been missed");
}

#[tokio::test]
async fn waiting_jobs_move_to_another_priority_and_what_is_claimed_stays() {
    let rig = Rig::new().await;
    let bundle = rig.expanding_bundle("alice", 5).await;
    rig.store.insert_variants(bundle, 0, &specs(3), 60_000).await.unwrap();
    let claimed = rig.claim(1).await[0].claim;
    let bobs = rig.insert("bob", 3, 1).await;
    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(all!(rig, move_jobs, command, 9), 2);
    rig.store.insert_variants(bundle, 3, &specs(2), 60_000).await.unwrap();
    let priorities: Vec<i32> = rig
        .all("select priority from sluicegate.job_status where status = 'pending' order by id")
        .await;
    assert_eq!(priorities, [9, 9, 3, 9, 9]);
    let ids = rig.claim_ids(5).await;
    assert_eq!(ids[4..], bobs, "the lower priority comes last");
    rig.store.end_jobs(&EndingBatch::of(&[completed(claimed)])).await.unwrap();
    rig.claim(1).await;
    let running: Vec<i32> =
        rig.all("select running from sluicegate.lanes order by user_id, priority").await;
    assert_eq!(running, [0, 4, 1], "of alice at 0 and 9, of bob");
}

/// Claims and ends all jobs of a bundle of three: one completes, one fails, one is cancelled.
async fn ended_bundle(rig: &Rig) -> (Uuid, Vec<Claim>) {
    let bundle = rig.running_bundle("alice", 3).await;
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    let [done, broken, unwanted]: [Claim; 3] = claims.as_slice().try_into().unwrap();
    let ends = [completed(done), failed(broken, "broken", false)];
    rig.store.end_jobs(&EndingBatch::of(&ends)).await.unwrap();
    let cancel = rig.command("alice", None, Some(unwanted.job_id)).await;
    assert_eq!(rig.store.cancel_jobs(&cancel, 9).await.unwrap().found, 1);
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    let status = rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap();
    assert_eq!(status.as_deref(), Some("completed"));
    (bundle, claims)
}

async fn counts(rig: &Rig, bundle: Uuid) -> String {
    rig.one(&format!(
        "select concat_ws(' ', status, completed, failed, cancelled, round(progress))
           from sluicegate.bundles where id = '{bundle}'"
    ))
    .await
}

async fn retry(rig: &Rig, command: &Command) -> i32 {
    all!(rig, retry_jobs, command)
}

#[tokio::test]
async fn a_retry_opens_a_new_generation_and_the_bundle_again() {
    let rig = Rig::new().await;
    let (bundle, old) = ended_bundle(&rig).await;
    assert_eq!(counts(&rig, bundle).await, "completed 1 1 1 100");
    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(retry(&rig, &command).await, 2);
    assert_eq!(counts(&rig, bundle).await, "running 1 0 0 33");
    assert_eq!(rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap(), None);
    let kept: Vec<String> =
        rig.all("select error_class from sluicegate.failed_attempts order by job_id").await;
    assert_eq!(kept, ["broken", "cancelled"]);

    // A run of the old generation that is still about writes nothing.
    let late: Vec<_> = old[1..].iter().map(|claim| completed(*claim)).collect();
    let accepted = rig.store.end_jobs(&EndingBatch::of(&late)).await.unwrap();
    assert!(accepted.is_empty(), "{accepted:?}");
    let new: Vec<_> = rig.claim(9).await;
    assert_eq!(new.len(), 2);
    for (new, old) in new.iter().zip(&old[1..]) {
        assert_eq!(new.claim.job_id, old.job_id);
        assert!(new.claim.fence > old.fence + 1 && new.attempt == 2);
    }
    let ends: Vec<_> = new.iter().map(|job| completed(job.claim)).collect();
    rig.store.end_jobs(&EndingBatch::of(&ends)).await.unwrap();
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    let status = rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap();
    assert_eq!(status.as_deref(), Some("completed"));
    assert_eq!(counts(&rig, bundle).await, "completed 3 0 0 100");
    let again = rig.command("alice", Some(bundle), None).await;
    assert_eq!(retry(&rig, &again).await, 0);
}

#[tokio::test]
async fn a_retry_waits_for_what_the_rollup_has_not_counted_yet() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 2).await;
    let claim = rig.claim(1).await[0].claim;
    rig.store.end_jobs(&EndingBatch::of(&[failed(claim, "broken", false)])).await.unwrap();
    let command = rig.command("alice", None, Some(claim.job_id)).await;
    assert_eq!(retry(&rig, &command).await, 1);
    assert_eq!(counts(&rig, bundle).await, "running 0 0 0 0");
    assert!(!rig.store.fold_bundle(bundle).await.unwrap());
    assert_eq!(counts(&rig, bundle).await, "running 0 0 0 0");
}

#[tokio::test]
async fn a_bundle_whose_dedupe_key_is_in_use_again_stays_closed() {
    let rig = Rig::new().await;
    let (bundle, _) = ended_bundle(&rig).await;
    let next = rig.bundle("alice").await;
    rig.run(&format!(
        "update sluicegate.bundles set dedupe_key = 'nightly' where id in ('{bundle}', '{next}')"
    ))
    .await;
    let command = rig.command("alice", Some(bundle), None).await;
    assert_eq!(retry(&rig, &command).await, 0);
    assert!(rig.store.find_target(&command).await.unwrap().dedupe_key_taken);
    assert_eq!(counts(&rig, bundle).await, "completed 1 1 1 100");
    rig.run(&format!("update sluicegate.bundles set status = 'failed' where id = '{next}'")).await;
    assert_eq!(retry(&rig, &command).await, 2);
}

#[tokio::test]
async fn an_order_given_to_several_daemons_at_once_counts_each_job_once() {
    let rig = Rig::new().await;
    let claim = rig.claimed().await;
    rig.store.end_jobs(&EndingBatch::of(&[failed(claim, "broken", false)])).await.unwrap();
    rig.insert("alice", 0, 40).await;
    let retry = rig.command("alice", None, Some(claim.job_id)).await;
    let pause = rig.running_bundle("bob", 40).await;
    let pause = rig.command("bob", Some(pause), None).await;
    let daemons = (0..4).map(|_| {
        let (store, retry, pause) = (rig.store.clone(), retry.id, pause.id);
        tokio::spawn(async move {
            while store.retry_jobs(retry, 9).await.unwrap() > 0 {}
            while store.pause_jobs(pause, 9).await.unwrap() > 0 {}
        })
    });
    for daemon in daemons.collect::<Vec<_>>() {
        daemon.await.unwrap();
    }
    assert_eq!(rig.store.find_target(&retry).await.unwrap().jobs, 1);
    assert_eq!(rig.store.find_target(&pause).await.unwrap().jobs, 40);
}

#[tokio::test]
async fn an_order_that_waits_for_its_user_keeps_nobody_from_claiming() {
    let rig = Rig::new().await;
    let [job] = rig.insert("alice", 0, 1).await.try_into().unwrap();
    rig.insert("bob", 0, 1).await;
    // A user's transaction is about to make the lane that the order needs.
    let mut open = rig.db.pool().begin().await.unwrap();
    sqlx::query(
        "insert into sluicegate.jobs (user_id, kind, spec, priority) values ('alice', 'sleep', '{}', 7)",
    )
    .execute(&mut *open)
    .await
    .unwrap();
    let order = rig.command("alice", None, Some(job)).await;
    let store = rig.store.clone();
    let moving = tokio::spawn(async move { store.move_jobs(order.id, 7, 9).await.unwrap() });
    rig.until_waits_for_a_lock("move_jobs").await;
    let claimed = rig.claim(9).await;
    assert_eq!(claimed.len(), 2, "claims go on meanwhile");
    open.commit().await.unwrap();
    moving.await.unwrap();
}
