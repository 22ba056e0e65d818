//! A user beside a running daemon: rows in, rows out.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sqlx::postgres::Postgres;
use sqlx::{AssertSqlSafe, Decode, Type};
use uuid::Uuid;

use crate::support::{DaemonProcess, TestDatabase, eventually};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A database and the daemon on it.
pub(crate) struct Site {
    pub(crate) db: TestDatabase,
    pub(crate) daemon: DaemonProcess,
}

impl Site {
    /// A daemon on the candles that come with the project.
    pub(crate) async fn new() -> Self {
        Self::on_candles(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/candles")).await
    }

    pub(crate) async fn on_candles(folder: &Path) -> Self {
        let db = TestDatabase::new().await;
        let settings = [
            ("candles.files.dir", folder.to_str().unwrap()),
            ("bundles.max_jobs", "20000"),
            ("pipes.outcome.retry_base_ms", "1"),
            ("pipes.outcome.retry_max_ms", "1"),
            ("pipes.pending_job.poll_interval_ms", "50"),
        ];
        let daemon = DaemonProcess::run(&db.url(), &settings);
        Self { db, daemon }
    }

    /// The only column of the only row.
    pub(crate) async fn one<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.db.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Inserts a bundle that is fine but for one column.
    pub(crate) async fn bundle(&self, column: &str, value: &str) -> Uuid {
        let mut columns = [
            ("universal_config", r#"{"timeframe": "1d"}"#),
            ("ticker_variants", r#"["NASDAQ"]"#),
            ("date_ranges", r#"[{"from": "2010-01-01", "until": "2012-01-01"}]"#),
            ("scenario_variants", r#"[{"preset": "sma_cross"}]"#),
            ("money_management_variants", "[{}]"),
        ];
        for (name, usual) in &mut columns {
            if *name == column {
                *usual = value;
            }
        }
        sqlx::query_scalar(
            "insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges,
                 scenario_variants, money_management_variants)
             values ('alice', $1::jsonb, $2::jsonb, $3::jsonb, $4::jsonb, $5::jsonb) returning id",
        )
        .bind(columns[0].1)
        .bind(columns[1].1)
        .bind(columns[2].1)
        .bind(columns[3].1)
        .bind(columns[4].1)
        .fetch_one(self.db.pool())
        .await
        .unwrap()
    }

    /// Inserts one job as a user does.
    pub(crate) async fn job(&self, kind: &str, spec: &str) -> i64 {
        sqlx::query_scalar(
            "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', $1, $2::jsonb) returning id",
        )
        .bind(kind)
        .bind(spec)
        .fetch_one(self.db.pool())
        .await
        .unwrap()
    }

    /// Status and error of a bundle that has ended.
    pub(crate) async fn bundle_end(&self, bundle: Uuid) -> (String, Option<String>) {
        eventually(PATIENCE, "the bundle ends", async || {
            sqlx::query_as(
                "select status, error from sluicegate.bundle_status
                  where id = $1 and status not in ('pending', 'expanding', 'running')",
            )
            .bind(bundle)
            .fetch_optional(self.db.pool())
            .await
            .unwrap()
        })
        .await
    }

    /// Status, class and error of a job that has ended.
    pub(crate) async fn job_end(&self, job: i64) -> (String, Option<String>, Option<String>) {
        eventually(PATIENCE, "the job ends", async || {
            sqlx::query_as(
                "select s.status, o.error_class, s.error from sluicegate.job_status s
                   join sluicegate.outcomes o on o.job_id = s.id where s.id = $1",
            )
            .bind(job)
            .fetch_optional(self.db.pool())
            .await
            .unwrap()
        })
        .await
    }

    /// What the daemon answered to a command.
    pub(crate) async fn command(&self, user: &str, action: &str, target: (&str, Value)) -> String {
        let (column, value) = target;
        let row = serde_json::json!({ "user_id": user, "action": action, column: value });
        let id: i64 = sqlx::query_scalar(
            "insert into sluicegate.commands (user_id, action, bundle_id, job_id)
             select user_id, action, bundle_id, job_id
               from jsonb_populate_record(null::sluicegate.commands, $1) returning id",
        )
        .bind(row)
        .fetch_one(self.db.pool())
        .await
        .unwrap();
        eventually(PATIENCE, "the command is answered", async || {
            sqlx::query_scalar::<_, Option<String>>(
                "select outcome from sluicegate.commands where id = $1",
            )
            .bind(id)
            .fetch_one(self.db.pool())
            .await
            .unwrap()
        })
        .await
    }

    /// The daemon still does what it is asked for, and logged no error.
    pub(crate) async fn assert_fine(&self) {
        let job = self.job("sleep", r#"{"seconds": 0}"#).await;
        assert_eq!(self.job_end(job).await.0, "completed");
        assert!(!self.daemon.log().contains(" ERROR "), "{}", self.daemon.log());
    }
}
