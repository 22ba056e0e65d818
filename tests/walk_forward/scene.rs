//! A database, a folder of candles, and jobs that are waited for.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sluicegate::candles::{FileSource, SeriesKey, generate};
use sqlx::Row;
use tempfile::TempDir;

use crate::support::{DaemonProcess, TestDatabase, eventually};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) db: TestDatabase,
    pub(crate) candles: TempDir,
}

/// How a job ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: String,
    pub(crate) error: Option<String>,
    pub(crate) output: Value,
}

impl Scene {
    /// With no candles.
    pub(crate) async fn new() -> Self {
        Self { db: TestDatabase::new().await, candles: tempfile::tempdir().unwrap() }
    }

    /// With the daily candles of the NASDAQ that come with the project.
    pub(crate) async fn nasdaq() -> Self {
        let scene = Self::new().await;
        let stored =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("data/candles/NASDAQ/1d/candles.csv");
        scene.store("NASDAQ", "1d", &fs::read_to_string(stored).unwrap());
        scene
    }

    /// With a month of candles of a minute.
    pub(crate) async fn noise() -> Self {
        let scene = Self::new().await;
        let key = SeriesKey { ticker: "NOISE".to_owned(), timeframe: "1m".parse().unwrap() };
        let candles = generate(key.timeframe, 45_000, 1, 1_600_000_000_000);
        let source = FileSource::new(scene.candles.path());
        let write = move || source.write_series(&key, "noise", &candles);
        tokio::task::spawn_blocking(write).await.unwrap().unwrap();
        scene
    }

    pub(crate) fn store(&self, ticker: &str, timeframe: &str, csv: &str) {
        let folder = self.candles.path().join(ticker).join(timeframe);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("candles.csv"), csv).unwrap();
    }

    pub(crate) fn daemon(&self, slots: &str) -> DaemonProcess {
        self.daemon_with(slots, &[])
    }

    pub(crate) fn daemon_with(&self, slots: &str, more: &[(&str, &str)]) -> DaemonProcess {
        let dir = self.candles.path().to_str().unwrap();
        let mut settings = vec![
            ("candles.files.dir", dir),
            ("worker.slots", slots),
            ("pipes.pending_job.poll_interval_ms", "50"),
        ];
        settings.extend(more);
        DaemonProcess::run(&self.db.url(), &settings)
    }

    pub(crate) async fn job(&self, kind: &str, spec: &Value) -> i64 {
        let insert = "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', $1, $2)
                      returning id";
        sqlx::query_scalar(insert).bind(kind).bind(spec).fetch_one(self.db.pool()).await.unwrap()
    }

    pub(crate) async fn ended(&self, job: i64) -> Ended {
        let read = "select status, error, output from sluicegate.job_status
                     where id = $1 and status in ('completed', 'failed', 'cancelled')";
        eventually(PATIENCE, "the job ends", async || {
            let row = sqlx::query(read).bind(job).fetch_optional(self.db.pool()).await.unwrap()?;
            Some(Ended {
                status: row.get("status"),
                error: row.get("error"),
                output: row.get::<Option<Value>, _>("output").unwrap_or_default(),
            })
        })
        .await
    }

    /// The output of a job that completes.
    pub(crate) async fn output(&self, job: i64) -> Value {
        let ended = self.ended(job).await;
        assert_eq!(ended.status, "completed", "{:?}", ended.error);
        ended.output
    }

    /// A column of a job's row in `results`.
    pub(crate) async fn result(&self, job: i64) -> Value {
        assert_eq!(self.ended(job).await.status, "completed");
        let read = "select to_jsonb(r) from sluicegate.results r where job_id = $1";
        sqlx::query_scalar(read).bind(job).fetch_one(self.db.pool()).await.unwrap()
    }
}
