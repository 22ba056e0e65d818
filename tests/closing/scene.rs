//! A database, a folder of candles, and bundles that are waited for.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::time::Duration;

use serde_json::{Value, json};
use sluicegate::backtest::daily::DailyReturns;
use sluicegate::candles::{generate, write_csv};
use sluicegate::domain::candles::{Candles, Timeframe};
use sluicegate::domain::time::{DAY_MS, parse_instant_ms};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::{DaemonProcess, TestDatabase, eventually};

/// Statistics take their time where nothing is optimised.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct Scene {
    pub(crate) db: TestDatabase,
    candles: TempDir,
}

/// One result of a bundle, as statistics need it.
pub(crate) struct Stored {
    pub(crate) job_id: i64,
    pub(crate) variant_digest: String,
    pub(crate) returns: Vec<f32>,
}

impl Scene {
    /// With daily candles from 2020 on: `WALK`, a random walk, and `WAVES`, whose trends last.
    pub(crate) async fn new(days: usize) -> Self {
        let scene = Self { db: TestDatabase::new().await, candles: tempfile::tempdir().unwrap() };
        let day = "1d".parse::<Timeframe>().unwrap();
        let start_ms = parse_instant_ms("2020-01-01").unwrap();
        let walk = generate(day, days, 7, start_ms);
        scene.store("WAVES", &waves(&walk));
        scene.store("WALK", &walk);
        scene
    }

    fn store(&self, ticker: &str, candles: &Candles) {
        let folder = self.candles.path().join(ticker).join("1d");
        fs::create_dir_all(&folder).unwrap();
        write_csv(candles, File::create(folder.join("candles.csv")).unwrap()).unwrap();
    }

    pub(crate) fn daemon(&self, settings: &[(&str, &str)]) -> DaemonProcess {
        let dir = self.candles.path().to_str().unwrap();
        let mut all = vec![
            ("candles.files.dir", dir),
            ("pipes.pending_job.poll_interval_ms", "50"),
            ("pipes.bundle_closing.poll_interval_ms", "100"),
        ];
        all.extend_from_slice(settings);
        DaemonProcess::run(&self.db.url(), &all)
    }

    /// Inserts a bundle over `from` until `until`.
    pub(crate) async fn bundle(
        &self,
        ticker: &str,
        [from, until]: [&str; 2],
        config: &Value,
        scenarios: &Value,
    ) -> Uuid {
        let mut all = json!({ "timeframe": "1d", "fee_taker_bps": 5, "reuse_results": false });
        all.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
        sqlx::query_scalar(
            "insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges,
                                             scenario_variants)
             values ('alice', $1, $2, $3, $4) returning id",
        )
        .bind(&all)
        .bind(json!([ticker]))
        .bind(json!([{ "from": from, "until": until }]))
        .bind(scenarios)
        .fetch_one(self.db.pool())
        .await
        .unwrap()
    }

    /// The summary of a bundle that completes.
    pub(crate) async fn summary(&self, bundle: Uuid) -> Value {
        eventually(PATIENCE, "the bundle completes", async || {
            let read =
                "select summary from sluicegate.bundles where id = $1 and status = 'completed'";
            let row = sqlx::query_scalar::<_, Value>(read).bind(bundle);
            row.fetch_optional(self.db.pool()).await.unwrap()
        })
        .await
    }

    /// The results of a bundle in the order of its variants.
    pub(crate) async fn results(&self, bundle: Uuid) -> Vec<Stored> {
        let rows: Vec<(i64, String, Vec<u8>)> = sqlx::query_as(
            "select r.job_id, r.variant_digest, r.daily_returns
               from sluicegate.results r join sluicegate.jobs j on j.id = r.job_id
              where r.bundle_id = $1 order by j.seq",
        )
        .bind(bundle)
        .fetch_all(self.db.pool())
        .await
        .unwrap();
        rows.into_iter()
            .map(|(job_id, variant_digest, bytes)| {
                let returns = DailyReturns::from_bytes(&bytes).unwrap().returns;
                Stored { job_id, variant_digest, returns }
            })
            .collect()
    }

    /// One column of the results of a bundle, as JSON, in the order of its variants.
    pub(crate) async fn column(&self, bundle: Uuid, column: &str) -> Vec<Value> {
        sqlx::query_scalar(
            "select coalesce(to_jsonb(r) -> $2, 'null')
               from sluicegate.results r join sluicegate.jobs j on j.id = r.job_id
              where r.bundle_id = $1 order by j.seq",
        )
        .bind(bundle)
        .bind(column)
        .fetch_all(self.db.pool())
        .await
        .unwrap()
    }
}

/// Averages that cross, long and short.
pub(crate) fn averages(fast: &Value, slow: &Value) -> Value {
    json!([{ "preset": "sma_cross", "params": { "fast": fast, "slow": slow } }])
}

/// Candles that rise and fall in waves of 60 days, with the noise of `walk` on top.
fn waves(walk: &Candles) -> Candles {
    let mut candles = Candles::default();
    let mut before = 100.0;
    for (day, &time) in (0_u32..).zip(&walk.time) {
        let noise = walk.close[day as usize] / walk.open[day as usize];
        let close = 100.0 * (0.3 * (TAU * f64::from(day) / 60.0).sin()).exp() * noise;
        candles.push(time, [before, before.max(close), before.min(close), close, 1.0]);
        before = close;
    }
    assert!(candles.time.windows(2).all(|pair| pair[1] - pair[0] == DAY_MS));
    candles
}
