//! Rates and caps of kinds and users: held by claims, whoever claims.

use std::sync::Arc;

use sluicegate::store::{Limit, LimitOrder};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::rig::{Rig, completed};
use sluicegate::store::EndingBatch;

const NOTHING: Limit =
    Limit { scope: "user", name: "*", rate_per_second: None, in_flight_max: None };

async fn why(rig: &Rig, job: i64) -> String {
    rig.one(&format!("select reason from sluicegate.why_waiting where job_id = {job}")).await
}

/// Claimed jobs, by what `column` of the lanes says.
async fn most_claimed_by(rig: &Rig, column: &str) -> i64 {
    rig.one(&format!(
        "select coalesce(max(n), 0) from (
             select count(*) as n from sluicegate.queue q join sluicegate.lanes l using (lane_id)
              where q.state = 1 group by l.{column}) t"
    ))
    .await
}

#[tokio::test]
async fn a_cap_of_a_user_counts_all_lanes_and_every_user_has_one() {
    let rig = Rig::new().await;
    rig.store.configure_limits(&[Limit { in_flight_max: Some(3), ..NOTHING }]).await.unwrap();
    for user in ["alice", "bob"] {
        rig.insert_kind(user, "sleep", 0, 5).await;
        rig.insert_kind(user, "other", 0, 5).await;
        rig.insert_kind(user, "sleep", 7, 5).await;
    }
    let claims = rig.claim(100).await;
    assert_eq!(claims.len(), 6);
    assert_eq!(most_claimed_by(&rig, "user_id").await, 3);
    let waiting = rig.one("select min(job_id) from sluicegate.queue where state = 0").await;
    assert_eq!(why(&rig, waiting).await, "user alice is at its limit of 3 jobs at once");
    // An end makes room for one more of the same user.
    let [first, ..] = claims.as_slice() else { panic!("nothing claimed") };
    let outcome = [completed(first.claim)];
    rig.store.end_jobs(&EndingBatch::of(&outcome)).await.unwrap();
    assert_eq!(rig.claim(100).await.len(), 1);
    assert_eq!(most_claimed_by(&rig, "user_id").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_of_a_kind_holds_exactly_with_eight_claimers_and_finishers() {
    const CAP: usize = 7;
    const ROUNDS: usize = 10;
    let rig = Arc::new(Rig::new().await);
    for user in ["alice", "bob", "carol"] {
        rig.insert_kind(user, "sleep", 0, 500).await;
        rig.insert_kind(user, "free", 0, 500).await;
    }
    let limit = Limit { scope: "kind", name: "sleep", ..NOTHING };
    rig.store.configure_limits(&[Limit { in_flight_max: Some(7), ..limit }]).await.unwrap();
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (rig, barrier) = (Arc::clone(&rig), Arc::clone(&barrier));
        let worker = rig.another_worker().await;
        tasks.spawn(async move {
            let mut capped = 0;
            for _ in 0..ROUNDS {
                barrier.wait().await;
                let jobs = rig.store.claim_jobs(worker, 6, &[], 0).await.unwrap();
                capped += jobs.iter().filter(|job| job.kind == "sleep").count();
                barrier.wait().await;
                let running: i64 = rig
                    .one(
                        "select count(*) from sluicegate.queue q join sluicegate.lanes l using (lane_id)
                          where q.state = 1 and l.kind = 'sleep'",
                    )
                    .await;
                assert_eq!(usize::try_from(running).unwrap(), CAP);
                barrier.wait().await;
                let claims: Vec<_> = jobs.iter().map(|job| job.claim).collect();
                rig.store.release_jobs(&claims).await.unwrap();
            }
            capped
        });
    }
    let capped: usize = tasks.join_all().await.iter().sum();
    assert_eq!(capped, ROUNDS * CAP, "full in every round");
}

#[tokio::test]
async fn a_rate_of_a_user_gives_no_more_than_time_has_brought_and_holds_up_nobody_else() {
    let rig = Rig::new().await;
    // One start in a hundred seconds: the test's own time brings none.
    rig.store.configure_limits(&[Limit { rate_per_second: Some(0.01), ..NOTHING }]).await.unwrap();
    let alices = rig.insert("alice", 5, 50).await;
    rig.insert("bob", 0, 50).await;
    let claims = rig.claim(100).await;
    assert_eq!(claims.len(), 2, "the first of each");
    assert!(rig.claim(100).await.is_empty());
    assert_eq!(why(&rig, alices[1]).await, "rate budget of user alice: 0.01 per second");
    let next = rig.store.next_start_in_ms().await.unwrap().unwrap();
    assert!((10_000.0..=100_000.0).contains(&next), "{next}");
    // A hundred seconds later the next is due, and no more of what was not taken in an hour.
    rig.run("update sluicegate.budgets set due = due - interval '1 hour'").await;
    assert_eq!(rig.claim(100).await.len(), 2);
    // Without the limit all may go.
    rig.store.configure_limits(&[NOTHING]).await.unwrap();
    assert_eq!(rig.claim(100).await.len(), 96);
    assert_eq!(rig.store.next_start_in_ms().await.unwrap(), None);
}

#[tokio::test]
async fn of_starts_not_taken_a_quarter_second_is_kept_and_a_new_rate_holds_at_once() {
    let rig = Rig::new().await;
    let limit = Limit { scope: "kind", name: "sleep", ..NOTHING };
    let rate = async |rate| {
        rig.store
            .configure_limits(&[Limit { rate_per_second: Some(rate), ..limit.clone() }])
            .await
            .unwrap();
    };
    rate(40.0).await;
    rig.insert("alice", 0, 100).await;
    assert_eq!(rig.claim(100).await.len(), 1, "nothing is known of the time before");
    rig.run("update sluicegate.budgets set due = due - interval '1 hour'").await;
    assert_eq!(rig.claim(100).await.len(), 11);
    // What was given out ahead at a slow rate is as many starts at a fast one.
    rate(0.001).await;
    rig.run("update sluicegate.budgets set due = due - interval '1 hour'").await;
    assert_eq!(rig.claim(100).await.len(), 1);
    assert!(rig.claim(100).await.is_empty());
    rate(1_000_000.0).await;
    let soon = rig.claim(1).await.len() + rig.claim(1).await.len();
    assert!(soon >= 1, "due a microsecond after the first look");
}

#[tokio::test]
async fn a_command_wins_over_the_configuration_and_a_user_over_every_user() {
    let rig = Rig::new().await;
    let cap = async |cap| {
        rig.store.configure_limits(&[Limit { in_flight_max: Some(cap), ..NOTHING }]).await.unwrap();
    };
    cap(2).await;
    rig.insert("alice", 0, 50).await;
    rig.insert("bob", 0, 50).await;
    let order = async |name, cap| {
        let command = rig.command("operator", None, None).await;
        rig.store.order_limit(command.id, "user", name, LimitOrder::Keep, cap).await.unwrap();
        command
    };
    let early = order("alice", LimitOrder::To(5)).await;
    assert_eq!(rig.claim(100).await.len(), 7);
    order("*", LimitOrder::To(3)).await;
    assert_eq!(rig.claim(100).await.len(), 1);
    order("alice", LimitOrder::Unlimited).await;
    assert_eq!(rig.claim(100).await.len(), 45);
    // An older command that comes late changes nothing.
    rig.store
        .order_limit(early.id, "user", "alice", LimitOrder::Keep, LimitOrder::To(1))
        .await
        .unwrap();
    rig.insert("alice", 0, 1).await;
    assert_eq!(rig.claim(100).await.len(), 1);
    // As configured again.
    order("*", LimitOrder::Configured).await;
    cap(4).await;
    assert_eq!(rig.claim(100).await.len(), 1);
    assert_eq!(most_claimed_by(&rig, "user_id").await, 51);
}
