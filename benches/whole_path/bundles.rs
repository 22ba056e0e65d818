//! Many users with one bundle of ten backtests each, inserted by eight connections at once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::site::{Database, Site};
use crate::support::{DaemonProcess, eventually};

const INSERTERS: i32 = 8;
const VARIANTS: i32 = 10;

pub(crate) async fn measure(site: &Site, bundles: i32) -> Value {
    let database = site.database("bundles").await;
    let candles = concat!(env!("CARGO_MANIFEST_DIR"), "/data/candles");
    let _daemon = DaemonProcess::as_delivered(&database.url, &[("candles.files.dir", candles)]);
    let began = Instant::now();
    let inserters = (0..INSERTERS).map(|inserter| insert(&database, inserter, bundles));
    futures_util::future::join_all(inserters).await;
    let inserted_s = began.elapsed().as_secs_f64();
    eventually(Duration::from_secs(150), "all bundles end", async || {
        database
            .number("select count(*) from sluicegate.bundles where finished_at is not null")
            .await
            >= f64::from(bundles)
    })
    .await;
    let seconds = began.elapsed().as_secs_f64();
    let wrong = database
        .number(format!(
            "select count(*) from sluicegate.bundles b
              where b.status <> 'completed' or b.total <> {VARIANTS} or b.completed <> {VARIANTS}
                 or (select count(*) from sluicegate.outcomes o join sluicegate.jobs j on j.id = o.job_id
                      where j.bundle_id = b.id and o.status = 1) <> {VARIANTS}
                 or (select count(*) from sluicegate.results r where r.bundle_id = b.id) <> {VARIANTS}"
        ))
        .await;
    assert!(wrong < 1.0, "{wrong} bundles are not what a recount says");
    let latency = |what: &str| {
        database.number(format!(
            "select {what} from (select extract(epoch from finished_at - created_at) as seconds
                                   from sluicegate.bundles) b"
        ))
    };
    json!({
        "bundles": bundles,
        "inserted_after_s": inserted_s,
        "all_completed_after_s": seconds,
        "backtests_per_second": f64::from(bundles * VARIANTS) / seconds,
        "bundle_median_s": latency("percentile_cont(0.5) within group (order by seconds)").await,
        "bundle_max_s": latency("max(seconds)").await,
        "engine_ms_mean": database.number("select avg(run_ms) from sluicegate.results").await,
    })
}

/// Every eighth bundle, one statement each.
async fn insert(database: &Database, inserter: i32, bundles: i32) {
    let mut user = inserter;
    while user < bundles {
        database
            .run(format!(
                "insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges,
                        scenario_variants, money_management_variants)
                 values ('user{user}', '{{\"timeframe\": \"1d\", \"keep\": {{\"trades\": \"none\"}}, \"reuse_results\": false}}', '[\"NASDAQ\"]',
                         '[{{\"from\": \"1999-06-01\", \"until\": \"2018-01-01\"}}]',
                         '[{{\"preset\": \"sma_cross\", \"params\": {{\"fast\": [8, 10],
                            \"slow\": {{\"from\": 20, \"to\": 60, \"step\": 10}}}}}}]',
                         '[{{\"size\": {{\"units\": 100}}}}]')"
            ))
            .await;
        user += INSERTERS;
    }
}
