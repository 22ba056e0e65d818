//! Daemons that have done something and have something to do.

use std::process::Command;
use std::time::Duration;

use sluicegate::overview::{Overview, Reader};
use sluicegate::store::DatabaseSettings;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::support::{DaemonProcess, TestDatabase, eventually, pooled};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who tries their names on whoever shows them: on a terminal, and in a browser.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[2J\"'&";

/// A database with two daemons: one bundle has ended, one takes long, one was rejected, a job has failed.
pub(crate) struct Scene {
    pub(crate) db: TestDatabase,
    pub(crate) daemons: Vec<DaemonProcess>,
    /// Completed, of alice.
    pub(crate) ended: Uuid,
    /// Takes minutes, of bob.
    pub(crate) open: Uuid,
}

impl Scene {
    /// All of that; the first daemon has these settings besides.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Self {
        let db = TestDatabase::new().await;
        let slow = [
            ("worker.slots", "2"),
            ("users.rate_per_second", "100"),
            ("worker.figures_ms", "200"),
            ("worker.lease_renew_ms", "200"),
            ("worker.orphan_after_ms", "20000"),
        ];
        let first = DaemonProcess::run(&db.url(), &[&slow, settings].concat());
        let second = DaemonProcess::run(&db.url(), &slow);
        let nobody = Uuid::nil();
        let mut scene = Self { db, daemons: vec![first, second], ended: nobody, open: nobody };
        scene.ended = scene.insert("alice", HOSTILE, "[8, 10, 12]").await;
        scene.run("insert into sluicegate.jobs (user_id, kind, spec, max_failures) values ('carol', 'sleep', '{\"seconds\": \"none\"}', 1)").await;
        scene.insert("dave", "rejected", "[0]").await;
        scene
            .until(&format!(
                "select status = 'completed' from sluicegate.bundles where id = '{}'",
                scene.ended
            ))
            .await;
        scene.until("select exists (select from sluicegate.outcomes where status = 2)").await;
        scene
            .until("select exists (select from sluicegate.bundles where status = 'rejected')")
            .await;
        // From here on bob gets one job a second.
        scene.run("insert into sluicegate.commands (user_id, action, args) values ('operator', 'set_rate', '{\"user\": \"bob\", \"rate_per_second\": 1, \"in_flight_max\": 1}')").await;
        scene.until("select applied_at is not null from sluicegate.commands").await;
        scene.open =
            scene.insert("bob", "takes long", r#"{"from": 5, "to": 104, "step": 1}"#).await;
        scene
            .until(&format!(
                "select status = 'running' from sluicegate.bundles where id = '{}'",
                scene.open
            ))
            .await;
        scene
    }

    async fn insert(&self, user: &str, name: &str, fast: &str) -> Uuid {
        let scenario = format!(
            r#"[{{"preset": "sma_cross", "params": {{"fast": {fast}, "slow": 200}}, "direction": "long"}}]"#
        );
        sqlx::query_scalar(
            "insert into sluicegate.bundles (user_id, name, universal_config, ticker_variants, date_ranges, scenario_variants)
             values ($1, $2, '{\"timeframe\": \"1d\", \"keep\": {\"trades\": \"all\"}}', '[\"NASDAQ\"]',
                     '[{\"from\": \"2005-01-01\", \"until\": \"2010-01-01\"}]', $3::jsonb) returning id",
        )
        .bind(user)
        .bind(name)
        .bind(scenario)
        .fetch_one(self.db.pool())
        .await
        .unwrap()
    }

    async fn run(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self.db.pool()).await.unwrap();
    }

    pub(crate) async fn until(&self, condition: &str) {
        let sql = format!("select coalesce(({condition}), false)");
        eventually(PATIENCE, condition, async || {
            let asked = sqlx::query_scalar::<_, bool>(AssertSqlSafe(sql.clone()));
            asked.fetch_one(self.db.pool()).await.unwrap()
        })
        .await;
    }

    pub(crate) fn reader(&self) -> Reader {
        let url = pooled(&self.db.url());
        Reader::new(&DatabaseSettings {
            pooled: url.is_some(),
            url: url.unwrap_or_else(|| self.db.url()),
            session_url: String::new(),
            max_connections: 2,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 5_000,
        })
        .unwrap()
    }

    /// All there is to see, as soon as both daemons tell of themselves and of this.
    pub(crate) async fn overview(&self, of: impl Fn(&Overview) -> bool) -> Overview {
        let reader = self.reader();
        eventually(PATIENCE, "both daemons tell of themselves", async || {
            let overview = reader.overview(None).await.unwrap();
            let told = overview.workers.iter().filter(|worker| worker.figures.is_some()).count();
            (told == 2 && of(&overview)).then_some(overview)
        })
        .await
    }

    /// What a job of the bundle that has ended is called.
    pub(crate) async fn job_of(&self, bundle: Uuid) -> i64 {
        sqlx::query_scalar("select max(job_id) from sluicegate.results where bundle_id = $1")
            .bind(bundle)
            .fetch_one(self.db.pool())
            .await
            .unwrap()
    }

    /// The program with these arguments: exit code, standard output and standard error.
    pub(crate) fn sluicegate(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.args(arguments).env("DATABASE_URL", self.db.url());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}
