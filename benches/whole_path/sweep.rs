//! One large bundle over a year of five-minute candles, from its row to its ranking; then the same once
//! more, answered from what is stored.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluicegate::candles::generate;
use sluicegate::domain::time::format_instant;

use crate::site::{Database, Site, peak_mb};
use crate::support::{DaemonProcess, eventually};

/// A year of five minutes.
const CANDLES: u32 = 105_120;
const SLOTS: &str = "2";

pub(crate) async fn measure(site: &Site, fast: i32, slow: i32) -> Value {
    let database = site.database("sweep").await;
    let folder = tempfile::tempdir().unwrap();
    write_candles(folder.path());
    let settings =
        [("candles.files.dir", folder.path().to_str().unwrap()), ("worker.slots", SLOTS)];
    let daemon = DaemonProcess::as_delivered(&database.url, &settings);
    let jobs = fast * slow;
    database.settle().await;
    let before = database.usage(Some(&daemon)).await;
    let first_s = run(&database, fast, slow, "first").await;
    let after = database.usage(Some(&daemon)).await;
    let again_s = run(&database, fast, slow, "again").await;
    let reused = database
        .number("select count(*) from sluicegate.results where reused_from is not null")
        .await;
    let mut figures = json!({
        "jobs": jobs,
        "candles": CANDLES,
        "row_to_ranking_s": first_s,
        "candle_variants_per_second_m": f64::from(jobs) * f64::from(CANDLES) / first_s / 1e6,
        "engine_ms_mean": database
            .number("select avg(run_ms) from sluicegate.results where reused_from is null")
            .await,
        "same_again_s": again_s,
        "reused": reused,
        "daemon_peak_mb": peak_mb(daemon.pid()),
    });
    if let Some(figures) = figures.as_object_mut() {
        let used = after.per_job(&before, jobs);
        figures.extend(used.map(|(name, value)| (name.to_owned(), json!(value))));
    }
    figures
}

fn write_candles(folder: &std::path::Path) {
    let series = folder.join("WALK/5m");
    std::fs::create_dir_all(&series).unwrap();
    let start_ms = 1_672_531_200_000;
    let candles = generate("5m".parse().unwrap(), usize::try_from(CANDLES).unwrap(), 7, start_ms);
    let mut text = "time,open,high,low,close,volume\n".to_owned();
    for (index, time) in candles.time.iter().enumerate() {
        let at = |column: &[f64]| column.get(index).copied().unwrap();
        let [open, high, low, close, volume] =
            [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume]
                .map(|column| at(column));
        writeln!(text, "{},{open},{high},{low},{close},{volume}", format_instant(*time)).unwrap();
    }
    std::fs::write(series.join("candles.csv"), text).unwrap();
}

/// Inserts the bundle and waits for its ranking.
async fn run(database: &Database, fast: i32, slow: i32, name: &str) -> f64 {
    let began = Instant::now();
    database
        .run(format!(
            "insert into sluicegate.bundles (user_id, name, universal_config, ticker_variants, date_ranges,
                    scenario_variants, money_management_variants)
             values ('quant', '{name}', '{{\"timeframe\": \"5m\", \"fee_taker_bps\": 2,
                                 \"limits\": {{\"max_jobs\": 100000}}}}', '[\"WALK\"]',
                     '[{{\"from\": \"2023-01-01\", \"until\": \"2024-01-01\"}}]',
                     '[{{\"preset\": \"dual_ema_cross\", \"params\": {{
                          \"fast\": {{\"from\": 5, \"to\": {}, \"step\": 1}},
                          \"slow\": {{\"from\": 200, \"to\": {}, \"step\": 5}}}}}}]',
                     '[{{\"stop_loss_pct\": 2, \"take_profit_pct\": 4}}]')",
            4 + fast,
            195 + 5 * slow,
        ))
        .await;
    eventually(Duration::from_secs(300), "the bundle ends", async || {
        database
            .number(format!(
                "select count(*) from sluicegate.bundles
                  where name = '{name}' and status = 'completed' and summary is not null"
            ))
            .await
            > 0.0
    })
    .await;
    began.elapsed().as_secs_f64()
}
