//! Bundles that are not at a good end, that are not there, and that are large.

use std::time::Instant;

use crate::scene::{HOSTILE, Scene, section};

#[tokio::test]
async fn a_bundle_without_results_gets_a_page_that_says_why() {
    let scene = Scene::new().await;
    for (set, words) in [
        (
            "status = 'rejected', error = 'scenario_variants[0]: found <b>, allowed x', finished_at = now()",
            "Rejected, nothing was run: scenario_variants[0]: found &lt;b&gt;, allowed x",
        ),
        ("paused = true", "Not begun: the bundle has not been read yet."),
        (
            "status = 'running', total = 5, expanded = 5, started_at = now()",
            "Not judged yet: no variant has a result so far.",
        ),
        (
            "status = 'cancelled', total = 2, cancelled = 2, cancelled_at = now()",
            "Not judged: it was cancelled; 0 variants have a result.",
        ),
        ("status = 'failed', total = 1, failed = 1", "Nothing to judge: no variant has a result."),
    ] {
        let bundle = scene.in_state(set).await;
        let page = scene.page(bundle).await;
        assert!(section(&page, "verdict").contains(words), "{set}: {page}");
        assert!(page.contains("role=\"note\""), "{set}");
    }
    for format in ["json", "csv", "markdown"] {
        let said = scene.report(&["--last", "--user", "bob", "--format", format]).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{format}");
    }
}

#[tokio::test]
async fn what_cannot_be_reported_on_is_said_in_one_line() {
    let scene = Scene::new().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (arguments, code, words) in [
        (vec![unknown], 1, format!("there is no bundle {unknown}\n")),
        (vec!["--last"], 1, "there is no bundle\n".to_owned()),
        (vec!["--last", "--user", "eve"], 1, "there is no bundle of eve\n".to_owned()),
        (
            vec![unknown, "-o", "x.docx"],
            2,
            "--output: found docx, allowed html, json, csv, parquet, md; or say --format\n"
                .to_owned(),
        ),
        (
            vec![unknown, "--format", "parquet"],
            2,
            "--format parquet: found no file to write to, allowed with -o FILE\n".to_owned(),
        ),
    ] {
        let said = scene.report(&arguments).await;
        assert_eq!((said.code, said.err, said.out.as_str()), (code, words, ""), "{arguments:?}");
    }
    let bundle = scene.in_state("total = null").await.to_string();
    let said = scene.report(&[&bundle, "-o", "/nowhere/at/all.html"]).await;
    assert_eq!(
        (said.code, said.out.as_str(), said.err.lines().count()),
        (1, "", 1),
        "{}",
        said.err
    );
    assert!(said.err.starts_with("write /nowhere/at/all.html: "), "{}", said.err);
}

/// Results as an expander and runs would have left them, so many of one running bundle.
const MANY: &str = "
    with made as (
        insert into sluicegate.jobs (bundle_id, seq, user_id, spec)
        select $1, n, 'bob', '{}' from generate_series(0, $2 - 1) n returning id, seq)
    insert into sluicegate.results (job_id, bundle_id, ticker, timeframe, from_time, until_time, scenario,
        money_management, final_equity, total_return, max_drawdown, sharpe, trade_count, exposure, fees,
        candles, metrics, candle_report, candle_digest, result_digest, engine_version, metrics_version,
        run_ms)
    select id, $1, 'T<i>&', '1m', '2020-01-01', '2021-01-01',
           jsonb_build_object('preset', 'x', 'params', jsonb_build_object(
               'a', seq % 100, 'b', seq / 100, 'c<b>', format('<u>%s', seq % 3))),
           '{}', 1000 + seq, seq / 1000.0, 0.1, case when seq % 10 > 0 then sin(seq) end, 5, 0.5, 1, 1000,
           '{}', '{\"loaded\": {\"gaps\": 3}}', '', '', 1, 1, 1
      from made";

#[tokio::test]
async fn of_many_variants_the_best_are_shown_and_all_are_counted() {
    let scene = Scene::new().await;
    let bundle = scene
        .in_state("status = 'running', total = 12000, expanded = 12000, started_at = now()")
        .await;
    sqlx::query(MANY).bind(bundle).bind(12_000).execute(scene.db.pool()).await.unwrap();
    let began = Instant::now();
    let page = scene.page(bundle).await;
    assert!(page.len() < 4 << 20, "{} bytes", page.len());
    let ranking = section(&page, "ranking");
    assert!(ranking.contains("The best 2,000 of 12,000 variants"), "{}", &ranking[..2_000]);
    assert_eq!(ranking.matches("<tr>").count(), 2_001);
    assert!(section(&page, "verdict").contains("12,000 variants have a result so far"));
    assert!(section(&page, "distribution").contains("Sharpe ratio of 10,800 variants"));
    // The grid is a hundred by a hundred and twenty, shown in thirty steps each.
    let heat = section(&page, "heat");
    assert_eq!(heat.matches("<th class=\"n\" scope=\"row\">").count(), 30);
    let curves = section(&page, "curves");
    assert!(curves.contains("Neither equity nor daily returns"), "{curves}");
    assert!(curves.contains("Buy and hold is not drawn"), "{curves}");
    for markup in ["<u>", "c<b>", "T<i>", "<script>alert"] {
        assert!(!page.contains(markup), "{markup}");
    }
    assert!(page.contains("T&lt;i&gt;&amp;") && page.contains("&lt;script&gt;"), "{HOSTILE}");
    let said = scene.report(&[&bundle.to_string(), "--format", "csv"]).await;
    assert_eq!(said.out.lines().count(), 12_001);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[tokio::test]
#[ignore = "takes a minute"]
async fn a_hundred_thousand_variants_take_little_memory() {
    let scene = Scene::new().await;
    let set = "status = 'running', total = 100000, expanded = 100000, started_at = now()";
    let bundle = scene.in_state(set).await;
    sqlx::query(MANY).bind(bundle).bind(100_000).execute(scene.db.pool()).await.unwrap();
    for format in ["html", "csv", "json", "parquet"] {
        let peak_kb = scene.peak_kb(&bundle.to_string(), format).await;
        assert!(peak_kb < 300_000, "{format}: {peak_kb} kB");
    }
}
