//! Bundles that make no sense: rejected with the path, what was found and what is allowed.

use crate::rows::Site;

/// A column, what a user put there, and the answer, or its beginning and an ellipsis.
const REJECTED: [(&str, &str, &str); 26] = [
    ("ticker_variants", "{}", "ticker_variants: found an object, allowed a list of 1 to 100000"),
    (
        "ticker_variants",
        "[]",
        "ticker_variants: found an empty list, allowed a list of 1 to 100000",
    ),
    ("ticker_variants", "null", "ticker_variants: found null, allowed a list of 1 to 100000"),
    ("date_ranges", "[]", "date_ranges: found an empty list, allowed a list of 1 to 100000"),
    (
        "scenario_variants",
        "[]",
        "scenario_variants: found an empty list, allowed a list of 1 to 100000",
    ),
    (
        "money_management_variants",
        "[]",
        "money_management_variants: found an empty list, allowed a list of 1 to 100000",
    ),
    ("universal_config", "[]", "universal_config: found an empty list, allowed an object"),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cross", "params": {"fast": {"from": 1, "to": 5000, "step": 1}, "slow": {"from": 5001, "to": 7000, "step": 1}}}]"#,
        "universal_config.limits.max_jobs: found 10000000 jobs before any are left out, allowed at most 10000",
    ),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cros"}]"#,
        r#"scenario_variants[0].preset: unknown preset "sma_cros", did you mean "sma_cross"? allowed: …"#,
    ),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cross", "params": {"fats": 8}}]"#,
        r#"scenario_variants[0].params.fats: unknown parameter "fats", did you mean "fast"? allowed: fast, slow"#,
    ),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cross", "parms": {}}]"#,
        r#"scenario_variants[0].parms: unknown key "parms", did you mean "params"? allowed: name, preset, params, where, direction"#,
    ),
    (
        "universal_config",
        r#"{"timeframe": "1d", "balanse": 5}"#,
        r#"universal_config.balanse: unknown key "balanse", did you mean "balance"? allowed: timeframe, balance, …"#,
    ),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cross", "params": {"fast": 30, "slow": 30}}]"#,
        "scenario_variants[0].params.fast: found 30, allowed below slow, which is 30",
    ),
    (
        "date_ranges",
        r#"[{"from": "2012-01-01", "until": "2010-01-01"}]"#,
        r#"date_ranges[0].until: found "2010-01-01", allowed after from, which is 2012-01-01T00:00:00Z"#,
    ),
    (
        "universal_config",
        r#"{"timeframe": "1d", "fee_taker_bps": -1}"#,
        "universal_config.fee_taker_bps: found -1, allowed 0 to below 10000",
    ),
    (
        "universal_config",
        r#"{"timeframe": "1d", "limits": {"max_jobs": 20001}}"#,
        "universal_config.limits.max_jobs: found 20001, allowed a whole number, 1 to 20000",
    ),
    (
        "universal_config",
        r#"{"timeframe": "2d"}"#,
        r#"universal_config.timeframe: unknown timeframe "2d", did you mean "1d"? allowed: 1m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d, 1w"#,
    ),
    (
        "universal_config",
        "{}",
        "universal_config.timeframe: found nothing, allowed 1m, 3m, 5m, 10m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d, 1w",
    ),
    (
        "universal_config",
        r#"{"timeframe": "1d", "balance": 1e400}"#,
        "universal_config: read JSON: number out of range at line 1 column 413",
    ),
    (
        "ticker_variants",
        r#"["../../etc/passwd"]"#,
        r#"ticker_variants[0]: found "../../etc/passwd", allowed 1 to 64 letters, digits and ._-:/=^@+&, no part of it empty or beginning with a dot"#,
    ),
    (
        "ticker_variants",
        r#"["x'; drop table sluicegate.jobs; --"]"#,
        r#"ticker_variants[0]: found "x'; drop table sluicegate.jobs; --", allowed 1 to 64 letters, digits and ._-:/=^@+&, no part of it empty or beginning with a dot"#,
    ),
    (
        "money_management_variants",
        r#"[{"leverage": 300}]"#,
        "money_management_variants[0].leverage: found 300, allowed 1 to 125",
    ),
    (
        "scenario_variants",
        r#"[{"combine": ["sma_cross"], "within": 10001}]"#,
        "scenario_variants[0].within: found 10001, allowed 0 to 10000",
    ),
    (
        "scenario_variants",
        r#"[{"long": {"entry": {"gt": ["close", {"shift": ["close", -1]}]}}}]"#,
        "scenario_variants[0].long.entry.gt[1].shift[1]: found -1, allowed 0 to 10000: rules cannot look ahead",
    ),
    (
        "scenario_variants",
        r#"[{"indicators": {"e": {"kind": "ema", "timeframe": "1h"}}, "long": {"entry": {"rising": "e"}}}]"#,
        "scenario_variants[0].indicators.e.timeframe: found \"1h\", allowed a multiple of the candles' 1d, longer than that",
    ),
    (
        "scenario_variants",
        r#"[{"preset": "sma_cross", "where": "fast > slow"}]"#,
        "scenario_variants[0].where: leaves none of 1 combinations of the parameters",
    ),
];

#[tokio::test]
async fn a_bundle_that_makes_no_sense_is_rejected_with_the_reason_and_the_others_go_on() {
    let site = Site::new().await;
    let mut rejected = Vec::new();
    for (column, value, error) in REJECTED {
        rejected.push((site.bundle(column, value).await, value, error));
    }
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let nested = (
        site.bundle("scenario_variants", &nested).await,
        "200 levels",
        "scenario_variants: read JSON: recursion limit exceeded at line 1 column 128",
    );
    rejected.push(nested);
    let good = site.bundle("name", "nothing is wrong here").await;
    let mut wrong = Vec::new();
    for (bundle, value, expected) in rejected {
        let (status, error) = site.bundle_end(bundle).await;
        let error = error.unwrap_or_default();
        let as_expected = match expected.strip_suffix('…') {
            Some(beginning) => error.starts_with(beginning),
            None => error == expected,
        };
        if status != "rejected" || !as_expected {
            wrong.push(format!("{value}\n  {status} {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(site.bundle_end(good).await, ("completed".to_owned(), None));
    let jobs: i64 = site.one("select count(*) from sluicegate.jobs").await;
    assert_eq!(jobs, 1, "nothing of a rejected bundle is run");
    site.assert_fine().await;
}

#[tokio::test]
async fn a_variant_without_candles_fails_alone() {
    let site = Site::new().await;
    let bundle = site.bundle("ticker_variants", r#"["NASDAQ", "NASDAK", "SP500"]"#).await;
    assert_eq!(site.bundle_end(bundle).await, ("completed".to_owned(), None));
    let failed: Vec<(String, String)> = sqlx::query_as(
        "select o.error_class, o.error from sluicegate.outcomes o where o.status <> 1",
    )
    .fetch_all(site.db.pool())
    .await
    .unwrap();
    assert_eq!(
        failed,
        [("no_candles".to_owned(), "unknown ticker \"NASDAK\", nearest known: NASDAQ".to_owned())]
    );
    let bundle =
        site.bundle("date_ranges", r#"[{"from": "1901-01-01", "until": "1902-01-01"}]"#).await;
    assert_eq!(site.bundle_end(bundle).await.0, "failed");
    let error: String = site
        .one(&format!("select error from sluicegate.job_status where bundle_id = '{bundle}'"))
        .await;
    assert_eq!(
        error,
        "no candles of NASDAQ 1d from 1901-01-01T00:00:00Z until 1902-01-01T00:00:00Z: \
         stored are 1999-01-04T00:00:00Z to 2018-12-31T00:00:00Z"
    );
    site.assert_fine().await;
}
