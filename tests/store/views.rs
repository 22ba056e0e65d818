//! What users read: why something waits, when a bundle will end, what went wrong.

use std::collections::BTreeMap;

use sluicegate::domain::job::Claim;
use sluicegate::store::EndingBatch;
use uuid::Uuid;

use crate::rig::{AT_ONCE, Rig, completed, failed};

/// Seconds until a bundle is expected to end.
async fn left_s(rig: &Rig, bundle: Uuid) -> Option<f64> {
    rig.one(&format!(
        "select extract(epoch from eta - clock_timestamp())::float8 from sluicegate.bundle_status
          where id = '{bundle}'"
    ))
    .await
}

/// Moves a bundle's past back by so many seconds.
async fn age(rig: &Rig, bundle: Uuid, seconds: u32) {
    rig.run(&format!(
        "update sluicegate.bundles
            set started_at = started_at - interval '{seconds} s',
                speed_from_at = speed_from_at - interval '{seconds} s',
                speed_next_at = speed_next_at - interval '{seconds} s' where id = '{bundle}'"
    ))
    .await;
}

/// Lets `jobs` of the bundle complete, and folds it.
async fn complete(rig: &Rig, bundle: Uuid, jobs: usize) {
    let claims = rig.claim(jobs).await;
    let outcomes: Vec<_> = claims.iter().map(|job| completed(job.claim)).collect();
    assert_eq!(rig.store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap().len(), jobs);
    rig.store.fold_bundle(bundle).await.unwrap();
}

#[track_caller]
fn assert_near(found: Option<f64>, expected: f64) {
    let near = found.is_some_and(|found| (found - expected).abs() < expected / 10.0 + 2.0);
    assert!(near, "found {found:?}, expected about {expected}");
}

#[tokio::test]
async fn the_end_of_a_bundle_is_expected_by_what_ended_lately() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 1_000).await;
    assert_eq!(left_s(&rig, bundle).await, None, "nothing has ended");
    age(&rig, bundle, 100).await;
    complete(&rig, bundle, 20).await;
    // 20 jobs in 100 s, 980 to go.
    assert_near(left_s(&rig, bundle).await, 4_900.0);
    age(&rig, bundle, 40).await;
    complete(&rig, bundle, 200).await;
    // Each look set a mark: by now the slow beginning does not count any more.
    age(&rig, bundle, 40).await;
    complete(&rig, bundle, 200).await;
    assert_near(left_s(&rig, bundle).await, 580.0 / (200.0 / 40.0));
    age(&rig, bundle, 720).await;
    assert_near(left_s(&rig, bundle).await, 580.0 / (200.0 / 760.0));
    let speed: f64 = rig.one("select speed from sluicegate.bundle_status").await;
    assert!((0.25..0.27).contains(&speed), "{speed} jobs per second: it falls while nothing ends");
}

#[tokio::test]
async fn no_end_is_expected_while_a_bundle_or_its_user_is_paused_and_pauses_do_not_count() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 30).await;
    age(&rig, bundle, 10).await;
    complete(&rig, bundle, 10).await;
    assert_near(left_s(&rig, bundle).await, 20.0);
    rig.run("update sluicegate.lanes set paused = true").await;
    assert_eq!(left_s(&rig, bundle).await, None, "its user is paused");
    rig.run("update sluicegate.lanes set paused = false").await;
    let command = rig.command("alice", Some(bundle), None).await;
    while rig.store.pause_jobs(command.id, 100).await.unwrap() > 0 {}
    assert_eq!(left_s(&rig, bundle).await, None, "it is paused");
    age(&rig, bundle, 1_000).await;
    while rig.store.resume_jobs(command.id, 100).await.unwrap() > 0 {}
    assert_eq!(left_s(&rig, bundle).await, None, "nothing has ended since");
    age(&rig, bundle, 5).await;
    complete(&rig, bundle, 10).await;
    assert_near(left_s(&rig, bundle).await, 5.0);
    complete(&rig, bundle, 10).await;
    assert_near(left_s(&rig, bundle).await, 0.0);
}

#[tokio::test]
async fn a_bundle_of_which_no_job_succeeded_says_how_the_first_one_failed() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 2).await;
    let claims: Vec<Claim> = rig.claim(2).await.iter().map(|job| job.claim).collect();
    let outcomes = claims.iter().map(|claim| failed(*claim, "no candles of BTC", false));
    let outcomes: Vec<_> = outcomes.collect();
    rig.store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap();
    rig.store.fold_bundle(bundle).await.unwrap();
    let none = serde_json::json!({});
    assert_eq!(rig.store.finish_bundle(bundle, 5, &none).await.unwrap().as_deref(), Some("failed"));
    let first = claims.iter().map(|claim| claim.job_id).min().unwrap();
    let error = "select error from sluicegate.bundle_status";
    assert_eq!(
        rig.one::<String>(error).await,
        format!("no job succeeded: 2 failed, 0 were cancelled; job {first}: no candles of BTC")
    );
    let job = format!("select error from sluicegate.job_status where id = {first}");
    assert_eq!(rig.one::<String>(&job).await, "no candles of BTC");
    let retry = rig.command("alice", Some(bundle), None).await;
    rig.run("update sluicegate.outcomes set ended_at = ended_at - interval '1 s'").await;
    assert_eq!(rig.store.retry_jobs(retry.id, 9).await.unwrap(), 2);
    assert_eq!(rig.one::<Option<String>>(error).await, None, "it is open again");
    assert_eq!(
        rig.one::<String>(&job).await,
        "no candles of BTC",
        "a waiting job says why it waits again"
    );
}

#[tokio::test]
async fn what_waits_and_why_can_be_asked_for_one_user_or_bundle() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 3).await;
    rig.insert("alice", 7, 2).await;
    rig.insert("bob", 0, 4).await;
    rig.run("select sluicegate.fold_lane_deltas()").await;
    let alices = "select reason || ' ' || count(*) from sluicegate.why_waiting
                   where user_id = 'alice' group by reason order by 1";
    let waiting: Vec<String> = rig.all(alices).await;
    assert_eq!(waiting, ["lower priority than 2 jobs 3", "no free slot on 1 workers 2"]);
    let of_bundle: i64 = rig
        .one(&format!(
            "select count(*) from sluicegate.why_waiting
              where user_id = 'alice' and bundle_id = '{bundle}' and kind = 'backtest'"
        ))
        .await;
    assert_eq!(of_bundle, 3);
    let command = rig.command("alice", Some(bundle), None).await;
    while rig.store.pause_jobs(command.id, 2).await.unwrap() > 0 {}
    let waiting: Vec<String> = rig.all(alices).await;
    assert_eq!(waiting, ["no free slot on 1 workers 2", "paused 3"]);
}

/// What `queue_health` counts, against a recount of the queue, through every change of a job's state.
#[tokio::test]
async fn counts_of_what_waits_are_right_whatever_becomes_of_it() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 4).await;
    rig.insert("alice", 0, 4).await;
    rig.run(
        "insert into sluicegate.jobs (user_id, kind, spec, run_at)
         select 'alice', 'sleep', '{}', now() + interval '1 hour' from generate_series(1, 3)",
    )
    .await;
    check_counts(&rig, "inserted").await;
    let claims: Vec<Claim> = rig.claim(4).await.iter().map(|job| job.claim).collect();
    check_counts(&rig, "claimed").await;
    let again: Vec<_> = claims[..2].iter().map(|claim| failed(*claim, "no", true)).collect();
    rig.store.fail_jobs(&again, AT_ONCE).await.unwrap();
    check_counts(&rig, "failed").await;
    let command = rig.command("alice", Some(bundle), None).await;
    while rig.store.pause_jobs(command.id, 3).await.unwrap() > 0 {}
    check_counts(&rig, "paused").await;
    while rig.store.move_jobs(command.id, 5, 3).await.unwrap() > 0 {}
    check_counts(&rig, "moved").await;
    while rig.store.resume_jobs(command.id, 3).await.unwrap() > 0 {}
    check_counts(&rig, "resumed").await;
    rig.run("update sluicegate.queue set run_at = now() where run_at > now()").await;
    rig.claim(3).await;
    check_counts(&rig, "promoted and claimed").await;
    let all = rig.command("alice", None, None).await;
    while rig.store.cancel_jobs(&all, 5).await.unwrap().found > 0 {}
    check_counts(&rig, "cancelled").await;
    rig.run("select sluicegate.fold_lane_deltas()").await;
    let left: i64 = rig
        .one(
            "select count(*) from sluicegate.lanes where jobs <> 0 or delayed <> 0 or running <> 0",
        )
        .await;
    assert_eq!(left, 0, "lanes do not add up");
}

async fn check_counts(rig: &Rig, when: &str) {
    let shown: Vec<String> = rig
        .all("select concat_ws(' ', kind, ready, running, delayed) from sluicegate.queue_health order by 1")
        .await;
    let counted: Vec<String> = rig
        .all(
            "select concat_ws(' ', l.kind, count(q) filter (where state = 0),
                              count(q) filter (where state = 1), count(q) filter (where state = 2))
               from sluicegate.lanes l left join sluicegate.queue q using (lane_id) group by l.kind order by 1",
        )
        .await;
    assert_eq!(shown, counted, "{when}");
}

#[tokio::test]
async fn a_job_shows_in_one_branch_of_its_status_whatever_its_state() {
    let rig = Rig::new().await;
    let ids = rig.insert("alice", 0, 4).await;
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    rig.run(&format!(
        "update sluicegate.queue set started_at = now() where job_id = {}",
        claims[1].job_id
    ))
    .await;
    rig.store.end_jobs(&EndingBatch::of(&[completed(claims[2])])).await.unwrap();
    let rows: Vec<String> = rig.all("select status || ' ' || id from sluicegate.job_status").await;
    let expected = [
        ("queued", claims[0].job_id),
        ("running", claims[1].job_id),
        ("completed", claims[2].job_id),
    ];
    let mut seen: BTreeMap<i64, &str> =
        expected.iter().map(|(status, id)| (*id, *status)).collect();
    for id in ids {
        seen.entry(id).or_insert("pending");
    }
    let mut expected: Vec<String> =
        seen.iter().map(|(id, status)| format!("{status} {id}")).collect();
    let mut rows = rows;
    rows.sort();
    expected.sort();
    assert_eq!(rows, expected);
    for (id, status) in seen {
        assert_eq!(rig.status(id).await, status);
        let by_status: Vec<i64> = rig
            .all(&format!("select id from sluicegate.job_status where status = '{status}'"))
            .await;
        assert_eq!(by_status, [id], "{status}");
    }
}
