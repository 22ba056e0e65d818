//! Shares between users: by weight, without credit for having been away.

use crate::rig::Rig;

/// How many of the ids are each user's, in the order of their names.
async fn shares(rig: &Rig, ids: &[i64]) -> Vec<i64> {
    sqlx::query_scalar(
        "select count(j.id) from (select distinct user_id from sluicegate.jobs) u
           left join sluicegate.jobs j on j.user_id = u.user_id and j.id = any ($1)
          group by u.user_id order by u.user_id",
    )
    .bind(ids)
    .fetch_all(rig.db.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn users_of_the_same_priority_share_equally_however_many_jobs_they_have() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 1_000).await;
    rig.insert("bob", 0, 100).await;
    rig.insert("carol", 0, 20).await;
    assert_eq!(shares(&rig, &rig.claim_ids(30).await).await, [10, 10, 10]);
    let mut taken = Vec::new();
    for _ in 0..30 {
        taken.extend(rig.claim_ids(1).await);
    }
    assert_eq!(shares(&rig, &taken).await, [10, 10, 10]);
    assert_eq!(shares(&rig, &rig.claim_ids(40).await).await, [20, 20, 0], "carol has no more");
}

#[tokio::test]
async fn a_weight_of_three_gets_three_quarters() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 500).await;
    rig.insert("bob", 0, 500).await;
    rig.run("update sluicegate.lanes set weight = 3 where user_id = 'alice'").await;
    let mut taken = Vec::new();
    for _ in 0..50 {
        taken.extend(rig.claim_ids(4).await);
    }
    let shares = shares(&rig, &taken).await;
    assert!((148..=152).contains(&shares[0]), "{shares:?}");
}

#[tokio::test]
async fn more_users_than_one_claim_has_room_for_take_turns() {
    let rig = Rig::new().await;
    for user in 0..100 {
        rig.insert(&format!("user {user:02}"), 0, 3).await;
    }
    let mut taken = Vec::new();
    for _ in 0..10 {
        taken.extend(rig.claim_ids(10).await);
    }
    assert_eq!(shares(&rig, &taken).await, [1; 100]);
}

#[tokio::test]
async fn a_lane_that_slept_wakes_without_credit() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 1).await;
    rig.insert("bob", 0, 500).await;
    rig.claim_ids(101).await;
    rig.insert("alice", 0, 200).await;
    assert_eq!(shares(&rig, &rig.claim_ids(20).await).await, [10, 10]);
    let mut taken = Vec::new();
    for _ in 0..20 {
        taken.extend(rig.claim_ids(1).await);
    }
    assert_eq!(shares(&rig, &taken).await, [10, 10]);
}

#[tokio::test]
async fn a_newcomer_does_not_inherit_the_credit_of_a_lane_that_may_not_run() {
    let rig = Rig::new().await;
    rig.insert("alice", 0, 5).await;
    rig.insert("bob", 0, 500).await;
    rig.run("update sluicegate.lanes set paused = true where user_id = 'alice'").await;
    rig.claim_ids(100).await;
    rig.insert("carol", 0, 100).await;
    let mut taken = Vec::new();
    for _ in 0..20 {
        taken.extend(rig.claim_ids(1).await);
    }
    assert_eq!(shares(&rig, &taken).await, [0, 10, 10], "alice is paused, the others share");
}
