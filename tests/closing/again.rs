//! Closing a bundle is begun by one process, and gone on with by another where that one dies.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::scene::{PATIENCE, Scene, averages};
use crate::support::eventually;

const RANGE: [&str; 2] = ["2020-02-01", "2022-02-01"];

/// Another process takes over soon.
const SHORT_HOLD: [(&str, &str); 1] = [("bundles.closing_hold_ms", "1500")];

/// Checks that take long enough to be interrupted.
fn slow() -> Value {
    json!({ "keep": { "top": 12 },
            "validation": { "holdout_pct": 20, "monte_carlo": 5_000, "random_entries": 1_000 } })
}

/// Which results were checked, and the version of their rows.
async fn checked(scene: &Scene, bundle: Uuid) -> Vec<(i64, String)> {
    sqlx::query_as(
        "select job_id, xmin::text from sluicegate.results
          where bundle_id = $1 and validation ? 'undefined' order by job_id",
    )
    .bind(bundle)
    .fetch_all(scene.db.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn after_a_kill_in_the_middle_another_process_does_the_rest_and_nothing_twice() {
    let scene = Scene::new(800).await;
    let victim = scene.daemon(&SHORT_HOLD);
    let scenarios = averages(&json!([5, 8, 11, 14]), &json!([20, 30, 40]));
    let bundle = scene.bundle("WALK", RANGE, &slow(), &scenarios).await;
    eventually(PATIENCE, "some are checked", async || checked(&scene, bundle).await.len() >= 3)
        .await;
    victim.kill9();
    drop(victim);
    let before = checked(&scene, bundle).await;
    assert!(before.len() < 12, "it was done before it was killed");

    let _heir = scene.daemon(&SHORT_HOLD);
    let summary = scene.summary(bundle).await;
    let after = checked(&scene, bundle).await;
    assert_eq!(after.len(), 12);
    // Pruning of trades writes other rows only: all twelve keep theirs.
    assert!(before.iter().all(|row| after.contains(row)), "{before:?} {after:?}");
    let validations = scene.column(bundle, "validation").await;
    assert!(validations.iter().all(|found| found["holdout"]["days"] == 147), "{validations:?}");
    let closings: i16 = sqlx::query_scalar("select closings from sluicegate.bundles")
        .fetch_one(scene.db.pool())
        .await
        .unwrap();
    assert_eq!(closings, 2);

    // The same bundle without a kill says the same.
    let undisturbed = scene.bundle("WALK", RANGE, &slow(), &scenarios).await;
    let mut expected = scene.summary(undisturbed).await;
    assert_eq!(scene.column(undisturbed, "validation").await, validations);
    expected["statistics"]["best"]["id"] = summary["statistics"]["best"]["id"].clone();
    assert_eq!(summary["statistics"], expected["statistics"]);
}

#[tokio::test]
async fn of_two_processes_one_closes_the_bundle_and_a_stop_hands_it_over_at_once() {
    let scene = Scene::new(800).await;
    // Were it not given back, nobody else could take it within the test's patience.
    let long_hold = [("bundles.closing_hold_ms", "600000")];
    let mut first = scene.daemon(&long_hold);
    let scenarios = averages(&json!([5, 8, 11, 14]), &json!([20, 30, 40]));
    let bundle = scene.bundle("WALK", RANGE, &slow(), &scenarios).await;
    eventually(PATIENCE, "one is checked", async || !checked(&scene, bundle).await.is_empty())
        .await;
    let second = scene.daemon(&long_hold);
    first.terminate();
    assert!(first.wait(PATIENCE).await.success());
    let log = first.log();
    scene.summary(bundle).await;
    assert_eq!(checked(&scene, bundle).await.len(), 12);
    let ends = |log: &str| log.matches("bundle ended").count();
    // The row is there before the line is.
    eventually(PATIENCE, "the end is logged", async || ends(&second.log()) == 1).await;
    assert_eq!(ends(&log), 0);
    let closings: i16 = sqlx::query_scalar("select closings from sluicegate.bundles")
        .fetch_one(scene.db.pool())
        .await
        .unwrap();
    assert_eq!(closings, 1, "what was given back does not count");
}
