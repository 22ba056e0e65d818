//! The numbers on the page are those of the tables.

use serde_json::Value;

use crate::scene::{HOSTILE, Scene, section, values};

/// Whether two numbers are the same but for rounding.
fn near(one: f64, two: f64, tolerance: f64) -> bool {
    (one - two).abs() <= tolerance * two.abs().max(1.0)
}

#[tokio::test]
async fn a_page_says_what_the_tables_say() {
    let scene = Scene::new().await;
    let bundle = scene.bundle().await;
    let page = scene.page(bundle).await;
    let ranked = scene.ranked(bundle).await;
    let best = &ranked[0];

    verdict_is_the_summarys(&scene, bundle, &page, best).await;
    months_multiply_to_the_return(&page, best);
    cells_are_what_sql_aggregates(&scene, bundle, &page).await;
    holding_is_the_engines(&page, best);

    let ranking = section(&page, "ranking");
    assert!(ranking.contains("All 12 variants with a result"), "{ranking}");
    assert_eq!(ranking.matches("<tr>").count(), 1 + ranked.len());
    let failures = section(&page, "failures");
    assert!(failures.contains("Of 26 jobs, 13 succeeded, 13 failed for good"), "{failures}");
    assert!(failures.contains("no candles") && failures.contains("NOWHERE"), "{failures}");
    let quality = section(&page, "quality");
    assert!(quality.contains("still those that it ran on"), "{quality}");

    // Every trade is a row, and marked on the chart.
    let trades = best["trades"].as_array().unwrap();
    let drawn = section(&page, "trades");
    assert_eq!(
        drawn.matches("class=\"mark gain\"").count() - 1,
        gains(trades),
        "gains and the legend"
    );
    assert!(drawn.contains(&format!("All {} trades", trades.len())), "{drawn}");

    // A text of a user is a text, wherever it stands.
    assert!(!page.contains("<script>alert"), "the name is markup");
    assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt; &amp; "), "{HOSTILE}");
    for address in ["http://", "https://", "//www", "@import", "url("] {
        assert!(!page.contains(address), "{address}");
    }
}

fn gains(trades: &[Value]) -> usize {
    trades.iter().filter(|trade| trade["pnl"].as_f64().unwrap() > 0.0).count()
}

async fn verdict_is_the_summarys(scene: &Scene, bundle: uuid::Uuid, page: &str, best: &Value) {
    let read = "select summary from sluicegate.bundles where id = $1";
    let summary: Value =
        sqlx::query_scalar(read).bind(bundle).fetch_one(scene.db.pool()).await.unwrap();
    let verdict = section(page, "verdict");
    let words = summary["verdict"].as_str().unwrap();
    let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    assert!(verdict.contains(&escaped), "{words}\n{verdict}");
    let sharpe = best["sharpe"].as_f64().unwrap();
    assert!(verdict.contains(&format!(">{sharpe:.2}<")), "{verdict}");
    assert!(verdict.contains(&format!("job {}", best["job_id"])), "{verdict}");
    let statistics = &summary["statistics"];
    let pbo = statistics["overfitting"]["pbo"].as_f64().unwrap();
    assert!(verdict.contains(&format!(">{pbo:.2}<")), "{pbo}: {verdict}");
    let held = 100.0 * statistics["hold_out"]["total_return"].as_f64().unwrap();
    let walked = &statistics["walk_forward"][0];
    assert_eq!(walked["ticker"], "NASDAQ");
    let walked = 100.0 * walked["out_of_sample"]["total_return"].as_f64().unwrap();
    for percent in [held, walked] {
        let shown = format!("{:.1}\u{a0}%<", percent.abs());
        assert!(verdict.contains(&shown), "{shown}: {verdict}");
    }
}

fn months_multiply_to_the_return(page: &str, best: &Value) {
    let monthly = section(page, "monthly");
    let months = values(monthly);
    assert!(months.len() > 100, "{}", months.len());
    let product: f64 = months.iter().map(|month| 1.0 + month).product();
    let total = best["total_return"].as_f64().unwrap();
    assert!(near(product - 1.0, total, 1e-4), "{product} and {total}");
}

async fn cells_are_what_sql_aggregates(scene: &Scene, bundle: uuid::Uuid, page: &str) {
    let rows: Vec<(f64, f64, f64, f64)> = sqlx::query_as(
        "select (scenario #>> '{params,fast}')::float8 as fast, (scenario #>> '{params,slow}')::float8 as slow,
                max(sharpe), percentile_cont(0.5) within group (order by total_return)
           from sluicegate.results where bundle_id = $1 group by 1, 2 order by slow, fast",
    )
    .bind(bundle)
    .fetch_all(scene.db.pool())
    .await
    .unwrap();
    let heat = section(page, "heat");
    let shown = values(heat);
    let best: Vec<f64> = rows.iter().map(|row| row.2).collect();
    assert_eq!(shown, best, "{heat}");
    let data = heat.split("id=\"heat-data\"").nth(1).unwrap();
    let data = data.split_once('>').unwrap().1.split("</script>").next().unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    let names: Vec<&str> = data["axes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|axis| axis["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["fast", "slow", "stop_loss_pct"]);
    let medians = data["pairs"][0]["total_return"]["median"].as_array().unwrap();
    for (row, median) in rows.iter().zip(medians) {
        assert!(near(median.as_f64().unwrap(), row.3, 1e-4), "{row:?} {median}");
    }
    assert_eq!(data["pairs"][0]["n"][0], 2);
}

fn holding_is_the_engines(page: &str, best: &Value) {
    let hold = 100.0 * best["buy_and_hold_return"].as_f64().unwrap();
    let sign = if hold > 0.0 { "+" } else { "−" };
    let curves = section(page, "curves");
    let words = format!("buy and hold: <b>{sign}{:.1}\u{a0}%</b>", hold.abs());
    assert!(curves.contains(&words), "{words}: {curves}");
    assert_eq!(curves.matches("class=\"line best\"").count(), 3, "growth, drawdown, legend");
}
