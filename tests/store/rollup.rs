//! Bundles on their way out: deltas folded, counts equal to a recount, one end.

use std::sync::Arc;

use serde_json::json;
use sluicegate::domain::job::Claim;
use sluicegate::store::EndingBatch;
use sqlx::postgres::PgListener;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rig::{Rig, completed, failed, result};

/// `completed failed cancelled` as the bundle's row says.
async fn counts(rig: &Rig, bundle: Uuid) -> String {
    rig.one(&format!(
        "select concat_ws(' ', completed, failed, cancelled) from sluicegate.bundles
          where id = '{bundle}'"
    ))
    .await
}

/// The same, counted anew.
async fn recount(rig: &Rig, bundle: Uuid) -> String {
    rig.one(&format!(
        "select concat_ws(' ', count(*) filter (where o.status = 1),
                          count(*) filter (where o.status = 2), count(*) filter (where o.status = 3))
           from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
          where j.bundle_id = '{bundle}'"
    ))
    .await
}

#[tokio::test]
async fn deltas_are_folded_once_and_show_as_progress() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 4).await;
    assert!(rig.store.bundles_with_news(9).await.unwrap().is_empty());
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    let batch = [completed(claims[0]), failed(claims[1], "broken", false)];
    rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap();
    assert_eq!(rig.store.bundles_with_news(9).await.unwrap(), [bundle]);
    assert!(!rig.store.fold_bundle(bundle).await.unwrap());
    assert!(!rig.store.fold_bundle(bundle).await.unwrap());
    assert_eq!(counts(&rig, bundle).await, "1 1 0");
    assert!(rig.store.bundles_with_news(9).await.unwrap().is_empty());
    let shown: String = rig
        .one(
            "select concat_ws(' ', status, progress, total, pending, queued, running, completed)
               from sluicegate.bundle_status",
        )
        .await;
    assert_eq!(shown, "running 50 4 1 1 0 1");
    assert_eq!(
        rig.store.finish_bundle(bundle, 5, &json!({})).await.unwrap(),
        None,
        "two jobs are open"
    );
}

#[tokio::test]
async fn a_bundle_that_ended_tells_listeners_and_keeps_its_ranking() {
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", 3).await;
    let claims: Vec<Claim> = rig.claim(3).await.iter().map(|job| job.claim).collect();
    let batch = [completed(claims[0]), completed(claims[1]), failed(claims[2], "broken", false)];
    rig.store.end_jobs(&EndingBatch::of(&batch)).await.unwrap();
    for (claim, sharpe) in [(claims[0], "1.5"), (claims[1], "2.5")] {
        rig.run(&result(claim.job_id, bundle, sharpe)).await;
    }
    let mut ears = PgListener::connect(&rig.db.url()).await.unwrap();
    ears.listen("sluicegate_events").await.unwrap();
    assert!(rig.store.fold_bundle(bundle).await.unwrap());
    let said = json!({ "verdict": "luck", "best": "of no meaning here" });
    assert_eq!(
        rig.store.finish_bundle(bundle, 1, &said).await.unwrap().as_deref(),
        Some("completed")
    );
    assert_eq!(
        rig.one::<String>("select summary ->> 'verdict' from sluicegate.bundles").await,
        "luck"
    );
    let heard: serde_json::Value =
        serde_json::from_str(ears.recv().await.unwrap().payload()).unwrap();
    assert_eq!(heard, json!({ "bundle": bundle, "status": "completed" }));
    let ranked: Vec<i64> = rig
        .all("select (jsonb_array_elements(summary -> 'best') ->> 'job_id')::bigint from sluicegate.bundles")
        .await;
    assert_eq!(ranked, [claims[1].job_id]);
    assert!(
        rig.one::<bool>(
            "select progress = 100 and finished_at is not null from sluicegate.bundles"
        )
        .await
    );
    assert_eq!(rig.store.finish_bundle(bundle, 1, &json!({})).await.unwrap(), None, "it ends once");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_folders_at_once_exactly_one_ends_the_bundle_and_the_counts_are_right() {
    const JOBS: u64 = 240;
    const FOLDERS: usize = 6;
    let rig = Rig::new().await;
    let bundle = rig.running_bundle("alice", JOBS).await;
    let claims: Vec<Claim> = rig.claim(240).await.iter().map(|job| job.claim).collect();
    let barrier = Arc::new(Barrier::new(FOLDERS));
    let mut tasks = JoinSet::new();
    for (folder, mine) in claims.chunks(claims.len() / FOLDERS).enumerate() {
        let (store, barrier, mine) = (rig.store.clone(), Arc::clone(&barrier), mine.to_vec());
        tasks.spawn(async move {
            barrier.wait().await;
            let mut ends = 0;
            for batch in mine.chunks(7) {
                let outcomes: Vec<_> = batch
                    .iter()
                    .map(|claim| {
                        if folder % 2 == 0 {
                            completed(*claim)
                        } else {
                            failed(*claim, "broken", false)
                        }
                    })
                    .collect();
                assert_eq!(
                    store.end_jobs(&EndingBatch::of(&outcomes)).await.unwrap().len(),
                    batch.len()
                );
                if store.fold_bundle(bundle).await.unwrap() {
                    ends += usize::from(
                        store.finish_bundle(bundle, 5, &json!({})).await.unwrap().is_some(),
                    );
                }
            }
            ends
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), 1);
    assert_eq!(counts(&rig, bundle).await, "120 120 0");
    assert_eq!(recount(&rig, bundle).await, "120 120 0");
    assert_eq!(rig.one::<i64>("select count(*) from sluicegate.bundle_deltas").await, 0);
}
