//! What a command reaches, and whose.

use uuid::Uuid;

use crate::rig::Rig;

#[tokio::test]
async fn commands_wait_in_order_until_they_are_answered() {
    let rig = Rig::new().await;
    let first = rig.command("alice", None, Some(7)).await;
    let second = rig.command("bob", None, None).await;
    assert_eq!(rig.store.commands_to_apply(9).await.unwrap(), [first.id, second.id]);
    assert_eq!(rig.store.commands_to_apply(1).await.unwrap(), [first.id]);
    assert_eq!(
        (first.user_id.as_str(), first.action.as_str(), first.job_id),
        ("alice", "cancel", Some(7))
    );
    rig.store.answer_command(first.id, "done").await.unwrap();
    rig.store.answer_command(first.id, "done again").await.unwrap();
    let outcome: String =
        rig.one(&format!("select outcome from sluicegate.commands where id = {}", first.id)).await;
    assert_eq!(outcome, "done");
    assert_eq!(rig.store.read_command(first.id).await.unwrap(), None);
    assert_eq!(rig.store.commands_to_apply(9).await.unwrap(), [second.id]);
}

#[tokio::test]
async fn a_target_of_somebody_else_is_not_there() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1).await;
    let job = rig.one::<i64>("select id from sluicegate.jobs").await;
    for (user, seen) in [("alice", true), ("mallory", false)] {
        let command = rig.command(user, Some(bundle), None).await;
        let target = rig.store.find_target(&command).await.unwrap();
        assert_eq!(target.bundle_status.as_deref(), seen.then_some("running"));
        let command = rig.command(user, None, Some(job)).await;
        let target = rig.store.find_target(&command).await.unwrap();
        assert_eq!(target.job_status.as_deref(), seen.then_some("open"));
    }
    let mallorys = rig.command("mallory", Some(bundle), None).await;
    assert_eq!(rig.store.cancel_bundles(&mallorys).await.unwrap(), 0);
    assert_eq!(rig.store.cancel_jobs(&mallorys, 9).await.unwrap().found, 0);
    let missing = rig.command("alice", Some(Uuid::nil()), None).await;
    assert_eq!(rig.store.find_target(&missing).await.unwrap().bundle_status, None);
    rig.claim(1).await;
    assert_eq!(rig.status(job).await, "queued");
}

#[tokio::test]
async fn a_cancel_reaches_waiting_delayed_and_claimed_jobs_and_no_ended_one() {
    let rig = Rig::new().await;
    let ended = rig.claimed().await;
    rig.store.cancel_claim(ended, "stalled", "stalled").await.unwrap();
    rig.run(
        "insert into sluicegate.jobs (user_id, kind, spec, run_at)
         values ('alice', 'sleep', '{}', now() + interval '1 hour')",
    )
    .await;
    rig.claimed().await;
    rig.insert("alice", 0, 1).await;
    rig.insert("bob", 0, 1).await;
    let command = rig.command("alice", None, None).await;
    assert_eq!(rig.store.cancel_jobs(&command, 2).await.unwrap().found, 2, "the limit of one call");
    assert_eq!(rig.store.cancel_jobs(&command, 2).await.unwrap().found, 1);
    assert_eq!(rig.store.cancel_jobs(&command, 2).await.unwrap().found, 0);
    let words: Vec<String> = rig.all("select status from sluicegate.job_status order by id").await;
    assert_eq!(words, ["cancelled", "cancelled", "cancelled", "cancelled", "pending"]);
    let reason = format!("cancelled by command {}", command.id);
    let reasons: Vec<String> =
        rig.all("select error from sluicegate.outcomes order by job_id").await;
    assert_eq!(reasons, ["stalled", reason.as_str(), reason.as_str(), reason.as_str()]);
    assert_eq!(rig.store.find_target(&command).await.unwrap().jobs, 3);
}

#[tokio::test]
async fn a_cancel_of_a_bundle_or_of_a_job_leaves_the_others() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 2).await;
    let other = rig.running_bundle("alice", 2).await;
    let jobs: Vec<i64> = rig.all("select id from sluicegate.jobs order by id").await;
    let one = rig.command("alice", None, Some(jobs[3])).await;
    assert_eq!(rig.store.cancel_jobs(&one, 9).await.unwrap().found, 1);
    let whole = rig.command("alice", Some(bundle), None).await;
    assert_eq!(rig.store.cancel_bundles(&whole).await.unwrap(), 1);
    assert_eq!(rig.store.cancel_bundles(&whole).await.unwrap(), 0);
    assert_eq!(rig.store.cancel_jobs(&whole, 9).await.unwrap().found, 2);
    assert_eq!(rig.status(jobs[2]).await, "pending");
    assert!(!rig.store.fold_bundle(other).await.unwrap());
}

#[tokio::test]
async fn a_bundle_nobody_has_read_is_cancelled_at_once() {
    let rig = Rig::new().await;
    let bundle = rig.bundle("alice").await;
    let command = rig.command("alice", None, None).await;
    assert_eq!(rig.store.cancel_bundles(&command).await.unwrap(), 1);
    let status: String = rig.one("select status from sluicegate.bundle_status").await;
    assert_eq!(status, "cancelled");
    rig.store.accept_bundle(bundle, 5, 0).await.unwrap();
    assert_eq!(
        rig.store.insert_variants(bundle, 0, &crate::rig::specs(5), 1_000).await.unwrap(),
        None
    );
}
