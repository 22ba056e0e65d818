//! `validation.walk_forward` in a bundle: one job more for each market and range.

use serde_json::{Value, json};

use crate::scene::{PATIENCE, Scene, averages};
use crate::support::eventually;

#[tokio::test]
async fn a_bundle_that_walks_forward_shows_the_record_beside_its_best() {
    let scene = Scene::new(800).await;
    let _daemon = scene.daemon(&[]);
    let scenarios = averages(&json!([3, 6, 9]), &json!([15, 20]));
    let walk = json!({ "train": "180d", "test": "60d" });
    let config = json!({ "keep": { "top": 1 },
                         "validation": { "holdout_pct": 20, "walk_forward": walk } });
    let range = ["2020-02-01", "2022-02-01"];
    let bundle = scene.bundle("WAVES", range, &config, &scenarios).await;
    let summary = scene.summary(bundle).await;
    let found = &summary["statistics"];
    let walks = found["walk_forward"].as_array().unwrap();
    assert_eq!(walks.len(), 1);
    let walk = &walks[0];
    // The time kept back is kept back from the walk, too.
    let whole = json!({ "from": found["from"], "until": found["until"] });
    assert_eq!(walk["range"], whole);
    assert_eq!((&walk["variants"], &walk["folds"]), (&json!(6), &json!(7)));
    assert_eq!(walk["out_of_sample"].get("equity"), None);

    // The same walk as a job of its own comes to the same.
    let spec = json!({
        "ticker": "WAVES", "timeframe": "1d", "range": whole, "scenarios": scenarios,
        "config": { "fee_taker_bps": 5 }, "walk_forward": { "train": "180d", "test": "60d" },
    });
    let insert = "insert into sluicegate.jobs (user_id, kind, spec)
                  values ('bob', 'walk_forward', $1) returning id";
    let job: i64 = sqlx::query_scalar(insert).bind(&spec).fetch_one(scene.db.pool()).await.unwrap();
    let alone = eventually(PATIENCE, "the walk ends", async || {
        let read =
            "select output from sluicegate.job_status where id = $1 and status = 'completed'";
        let row = sqlx::query_scalar::<_, Value>(read).bind(job);
        row.fetch_optional(scene.db.pool()).await.unwrap()
    })
    .await;
    let mut expected = alone["out_of_sample"].clone();
    expected.as_object_mut().unwrap().remove("equity");
    assert_eq!(walk["out_of_sample"], expected);

    let percent = 100.0 * expected["total_return"].as_f64().unwrap();
    let words = format!(
        "the variants chosen on the past returned {percent:+.1} % on {} days they had not seen",
        expected["days"]
    );
    assert!(summary["verdict"].as_str().unwrap().contains(&words), "{summary:#}");
    let counts: (i32, i32, i64) = sqlx::query_as(
        "select total, completed,
                (select count(*) from sluicegate.results r where r.bundle_id = b.id)
           from sluicegate.bundles b where id = $1",
    )
    .bind(bundle)
    .fetch_one(scene.db.pool())
    .await
    .unwrap();
    assert_eq!(counts, (7, 7, 6));
}
