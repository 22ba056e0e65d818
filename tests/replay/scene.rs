//! A database, candles of its own, and the program run on both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) db: TestDatabase,
    candles: TempDir,
}

/// What a command said, and its exit code.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    /// With the daily candles of the NASDAQ that come with the project.
    pub(crate) async fn new() -> Self {
        let candles = tempfile::tempdir().unwrap();
        fs::create_dir_all(candles.path().join("NASDAQ/1d")).unwrap();
        let scene = Self { db: TestDatabase::new().await, candles };
        let stored =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("data/candles/NASDAQ/1d/candles.csv");
        scene.write_candles(&fs::read_to_string(stored).unwrap());
        scene
    }

    pub(crate) fn candles(&self) -> String {
        fs::read_to_string(self.candle_file()).unwrap()
    }

    pub(crate) fn write_candles(&self, text: &str) {
        fs::write(self.candle_file(), text).unwrap();
    }

    fn candle_file(&self) -> PathBuf {
        self.candles.path().join("NASDAQ/1d/candles.csv")
    }

    pub(crate) async fn job(&self, kind: &str, spec: &Value) -> i64 {
        let insert = "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', $1, $2)
                      returning id";
        sqlx::query_scalar(insert).bind(kind).bind(spec).fetch_one(self.db.pool()).await.unwrap()
    }

    /// Runs a daemon until every job has completed.
    pub(crate) async fn run_jobs(&self) {
        let dir = self.candles.path().to_str().unwrap();
        let _daemon = DaemonProcess::run(&self.db.url(), &[("candles.files.dir", dir)]);
        eventually(PATIENCE, "all jobs complete", async || {
            let open = "select not exists (
                            select from sluicegate.job_status where status <> 'completed')";
            sqlx::query_scalar::<_, bool>(open).fetch_one(self.db.pool()).await.unwrap()
        })
        .await;
    }

    /// A column of the job's result, as JSON.
    pub(crate) async fn result(&self, job: i64) -> Value {
        let read = "select to_jsonb(r) from sluicegate.results r where job_id = $1";
        sqlx::query_scalar(read).bind(job).fetch_one(self.db.pool()).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(self.db.pool()).await.unwrap();
    }

    /// Runs the program beside the daemon, not on the test's own threads.
    pub(crate) async fn sluicegate(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command
            .args(arguments)
            .env("DATABASE_URL", self.db.url())
            .env("SLUICEGATE__CANDLES__FILES__DIR", self.candles.path());
        let Output { status, stdout, stderr } =
            tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Said {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    pub(crate) async fn replay(&self, job: i64, more: &[&str]) -> Said {
        let job = job.to_string();
        self.sluicegate(&[&["replay", &job], more].concat()).await
    }
}

/// The spec of a crossing of averages, of which nothing but the figures is kept.
pub(crate) fn averages(range: &Value) -> Value {
    json!({
        "ticker": "NASDAQ", "timeframe": "1d", "range": range,
        "scenario": { "preset": "sma_cross", "params": { "fast": 5, "slow": 15 } },
        "money_management": { "stop_loss_pct": 3, "take_profit_pct": 6 },
        "config": { "fee_taker_bps": 10, "keep": { "trades": "none" } },
    })
}
