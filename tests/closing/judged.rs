//! What the variants of a bundle show together.

use serde_json::{Value, json};
use sluicegate::statistics::{BundleStatistics, Trial, Trials, verdict};

use crate::scene::{Scene, averages};

const TWO_YEARS: [&str; 2] = ["2020-02-01", "2022-02-01"];

/// Without checks of single variants.
fn unchecked() -> Value {
    json!({ "validation": { "monte_carlo": 0, "random_entries": 0 } })
}

#[tokio::test]
async fn the_best_of_two_hundred_entries_by_chance_is_luck_and_the_figures_are_those_of_the_rows() {
    let scene = Scene::new(800).await;
    let _daemon = scene.daemon(&[]);
    let seeds = json!({ "from": 1, "to": 200, "step": 1 });
    let scenarios = json!([{ "preset": "random_entry", "params": { "seed": seeds } }]);
    let bundle = scene.bundle("WALK", TWO_YEARS, &unchecked(), &scenarios).await;
    let summary = scene.summary(bundle).await;
    let found = &summary["statistics"];
    assert!(found["best"]["deflated_sharpe"].as_f64().unwrap() < 0.95, "{summary:#}");
    let pbo = found["overfitting"]["pbo"].as_f64().unwrap();
    assert!((0.2..0.8).contains(&pbo), "{summary:#}");
    assert!(found["best"]["probabilistic_sharpe"].as_f64().unwrap() > 0.9, "alone it looks good");
    assert!(found["reality_check"]["spa_p"].as_f64().unwrap() > 0.05, "{summary:#}");
    assert!(summary["verdict"].as_str().unwrap().contains("luck explains it"), "{summary:#}");

    let stored = scene.results(bundle).await;
    let trial = |result: &'static crate::scene::Stored| Trial {
        id: result.job_id,
        key: result.variant_digest.as_bytes(),
        daily_returns: &result.returns,
    };
    let stored: &'static [_] = stored.leak();
    let trials = Trials::new(stored.iter().map(trial).collect(), 1).unwrap();
    let statistics = BundleStatistics::of(&trials);
    let expected = serde_json::to_value(&statistics).unwrap();
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&found[key], value, "{key}");
    }
    assert_eq!((&found["groups"], &found["not_comparable"]), (&json!(1), &json!(0)));
    assert_eq!(found["from"], "2020-02-01T00:00:00Z");
    let plateau = found["surface"]["neighbourhood"]["plateau"].as_f64();
    let words = summary["verdict"].as_str().unwrap();
    let beside = words.strip_prefix(&verdict(&statistics, None, plateau)).unwrap();
    let asked = "select format(' It returned %s %%, buying and holding %s %%.',
                        to_char(100 * total_return, 'SG999990D0'), to_char(100 * buy_and_hold_return, 'SG999990D0'))
                   from sluicegate.results where job_id = $1";
    let best = found["best"]["id"].as_i64().unwrap();
    let told: String =
        sqlx::query_scalar(asked).bind(best).fetch_one(scene.db.pool()).await.unwrap();
    let told: String = told.split_whitespace().collect();
    assert_eq!(beside.split_whitespace().collect::<String>(), told);
}

#[tokio::test]
async fn a_rule_that_has_skill_is_told_from_luck_and_stands_on_a_plateau() {
    let scene = Scene::new(1_200).await;
    let _daemon = scene.daemon(&[]);
    let scenarios = averages(&json!([9, 3, 5, 7]), &json!({ "from": 14, "to": 22, "step": 2 }));
    let validation = json!({ "monte_carlo": 1_000, "random_entries": 1_000 });
    let config = json!({ "keep": { "top": 2 }, "validation": validation });
    let bundle = scene.bundle("WAVES", ["2020-02-01", "2023-02-01"], &config, &scenarios).await;
    let summary = scene.summary(bundle).await;
    let found = &summary["statistics"];
    assert_eq!(found["best"]["id"], summary["best"][0]["job_id"]);
    assert!(found["best"]["deflated_sharpe"].as_f64().unwrap() > 0.95, "{summary:#}");
    assert!(found["reality_check"]["spa_p"].as_f64().unwrap() < 0.01, "{summary:#}");
    assert_eq!(found["best"]["more_days"], 0, "{summary:#}");

    // The values of an axis are sorted, and the place of the best is that of its parameters.
    let (surface, params) = (&found["surface"], &summary["best"][0]["scenario"]["params"]);
    assert_eq!(surface["axes"][0]["values"], json!([3.0, 5.0, 7.0, 9.0]));
    for (axis, place) in
        surface["axes"].as_array().unwrap().iter().zip(surface["at"].as_array().unwrap())
    {
        let values = axis["values"].as_array().unwrap();
        let value = values[usize::try_from(place.as_u64().unwrap()).unwrap()].as_f64();
        assert_eq!(value, params[axis["name"].as_str().unwrap()].as_f64(), "{surface:#}");
    }
    assert!(surface["neighbourhood"]["plateau"].as_f64().unwrap() > 0.7, "{surface:#}");
    // On the line of an axis lie the ratios of the stored results, the best one at its own place.
    let line = surface["sensitivities"][0]["line"].as_array().unwrap();
    let own = line.iter().find(|point| point[0] == surface["at"][0]).unwrap();
    assert_eq!((line.len(), &own[1]), (4, &summary["best"][0]["sharpe"]));

    // The two that are kept were checked, the others were not.
    let checked = scene.column(bundle, "validation").await;
    let checked: Vec<&Value> = checked.iter().filter(|found| !found.is_null()).collect();
    assert_eq!(checked.len(), 2);
    for found in checked {
        assert_eq!(found["undefined"], json!({}), "{found:#}");
        assert!(found["random_entry"]["p"].as_f64().unwrap() < 0.01, "{found:#}");
        assert_eq!(found["random_entry"]["runs"], 1_000);
        assert!(found["resampled_days"]["growth"]["p5"].as_f64().unwrap() > 1.0, "{found:#}");
        assert!(found["shuffled_trades"]["max_drawdown"]["p95"].as_f64().unwrap() < 0.5);
    }
}

#[tokio::test]
async fn what_cannot_be_judged_is_said_in_words_and_the_bundle_ends_all_the_same() {
    let scene = Scene::new(800).await;
    let _daemon = scene.daemon(&[("bundles.returns_mb_max", "1")]);
    let one = scene.bundle("WALK", TWO_YEARS, &unchecked(), &averages(&json!(5), &json!(20))).await;
    // 20,000 units of a price of about 100 are more than the account has.
    let money = "update sluicegate.bundles set money_management_variants = '[{\"size\": {\"units\": 20000}}]' where id = $1";
    let scenarios = averages(&json!([5, 6]), &json!([20, 30]));
    let none = scene.bundle("WALK", ["2020-03-01", "2021-03-01"], &unchecked(), &scenarios).await;
    sqlx::query(money).bind(none).execute(scene.db.pool()).await.unwrap();
    let scenarios = averages(&json!([2, 3]), &json!({ "from": 10, "to": 219, "step": 1 }));
    let large = scene.bundle("WALK", TWO_YEARS, &unchecked(), &scenarios).await;

    let summary = scene.summary(one).await;
    let words = summary["verdict"].as_str().unwrap();
    assert!(words.contains("is the only one that traded"), "{words}");
    assert!(words.contains("deflated Sharpe ratio and PBO do not apply"), "{words}");
    assert_eq!(summary["statistics"]["surface"], Value::Null);
    assert_eq!(summary["statistics"]["undefined"]["overfitting"], "fewer_than2_variants");

    let summary = scene.summary(none).await;
    assert_eq!(summary["verdict"], "No variant traded, so there is nothing to judge.");
    assert_eq!(summary["statistics"]["zero_trades"], json!({ "not_affordable": 4 }));
    assert_eq!(summary["best"].as_array().unwrap().len(), 4);

    let summary = scene.summary(large).await;
    let why = "its daily returns take 2 MB, more than bundles.returns_mb_max allows, 1";
    assert_eq!(summary["statistics"]["not_computed"], why);
    assert_eq!(summary["verdict"], format!("Not judged: {why}."));
    assert_eq!(summary["best"].as_array().unwrap().len(), 20);
}
