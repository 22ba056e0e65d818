//! Roles with the least privileges, on a real server: what each may do, and what it may not.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sluicegate::private_postgres::Options;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

const ASK: &str = r#"insert into sluicegate.jobs (user_id, kind, spec)
                     values (current_user, 'sleep', '{"seconds": 0}') returning id"#;

/// A server of its own: roles are those of a whole server.
struct Scene {
    db: TestDatabase,
}

impl Scene {
    async fn new() -> Self {
        let scene = Self { db: TestDatabase::own_server(Options::fast()).await };
        scene.apply("roles/roles.sql").await;
        for (name, rights) in [
            ("sluicegate_owner", None),
            ("sluicegate_daemon", None),
            ("alice", Some("sluicegate_submitter")),
            ("bob", Some("sluicegate_submitter")),
            ("grafana", Some("sluicegate_reader")),
        ] {
            let statement = rights.map_or_else(
                || format!("alter role {name} login"),
                |role| format!("create role {name} login in role {role}"),
            );
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(scene.db.pool()).await.unwrap();
        }
        scene
    }

    async fn apply(&self, file: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(self.db.pool()).await.unwrap();
    }

    fn url(&self, role: &str) -> String {
        let url = self.db.url();
        let (_, rest) = url.split_once('@').unwrap();
        format!("postgres://{role}@{rest}")
    }

    /// Runs a statement as this role; an error is the server's words.
    async fn run(&self, role: &str, statement: &str) -> Result<(), String> {
        let mut connection = PgConnection::connect(&self.url(role)).await.unwrap();
        let statement = AssertSqlSafe(statement.to_owned());
        let ran = sqlx::raw_sql(statement).execute(&mut connection).await;
        connection.close().await.unwrap();
        ran.map(drop).map_err(|error| error.to_string())
    }

    async fn count(&self, role: &str, relation: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url(role)).await.unwrap();
        let asked = AssertSqlSafe(format!("select count(*) from sluicegate.{relation}"));
        let count = sqlx::query_scalar(asked).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    async fn refused(&self, role: &str, statement: &str) {
        let Err(said) = self.run(role, statement).await else { panic!("{role} may {statement}") };
        let denied = ["permission denied", "must be owner", "row-level security"];
        assert!(denied.iter().any(|words| said.contains(words)), "{role}: {statement}: {said}");
    }

    fn daemon(&self) -> DaemonProcess {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.args(["run", "--no-migrate"]).env("DATABASE_URL", self.url("sluicegate_daemon"));
        command.env("SLUICEGATE__HTTP__LISTEN", "");
        DaemonProcess::of(command)
    }

    /// Writes a page about the newest bundle.
    fn report_is_written_by(&self, roles: [&str; 2]) {
        for role in roles {
            let mut report = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
            report.args(["report", "--last"]).env("DATABASE_URL", self.url(role));
            let output = report.output().unwrap();
            let [page, said] =
                [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
            assert!(output.status.success() && page.contains("buy_and_hold"), "{role}: {said}");
        }
    }

    async fn until_ended(&self, role: &str, jobs: i64) {
        eventually(PATIENCE, "the jobs end", async || {
            self.count(role, "job_status where status = 'completed'").await == jobs
        })
        .await;
    }
}

#[tokio::test]
async fn each_role_can_do_its_work_and_no_more() {
    let scene = Scene::new().await;
    // A second time, as after an upgrade, and as the owner of what is there.
    scene.apply("roles/roles.sql").await;
    let mut migrate = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    migrate.arg("migrate").env("DATABASE_URL", scene.url("sluicegate_owner"));
    assert!(migrate.status().unwrap().success());

    // What came with the migration is granted, too.
    scene.apply("roles/roles.sql").await;
    let mut daemon = scene.daemon();
    scene.run("alice", ASK).await.unwrap();
    let bundle = r#"insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges, scenario_variants)
        values ('alice', '{"timeframe": "1d"}', '["NASDAQ"]', '[{"from": "2010-01-01", "until": "2011-01-01"}]',
                '[{"preset": "buy_and_hold"}]')"#;
    scene.run("alice", bundle).await.unwrap();
    let job = r#"select sluicegate.submit_job('{"seconds": 0}', kind => 'sleep')"#;
    scene.run("alice", job).await.unwrap();
    scene.until_ended("alice", 3).await;
    eventually(PATIENCE, "the bundle ends", async || {
        scene.count("alice", "bundle_status where status = 'completed'").await == 1
    })
    .await;
    scene.run("alice", "select sluicegate.pause(user_id => 'alice')").await.unwrap();
    eventually(PATIENCE, "the command is applied", async || {
        scene.count("alice", "commands where applied_at is not null").await == 1
    })
    .await;
    for view in ["job_status", "bundle_status", "queue_health", "why_waiting", "workers", "results"]
    {
        scene.count("grafana", view).await;
    }
    for view in ["queue_health", "why_waiting", "results"] {
        scene.count("alice", view).await;
    }
    scene.report_is_written_by(["grafana", "alice"]);
    let submit = r#"select sluicegate.submit(ticker_variants => '["NASDAQ"]', date_ranges => '[]',
                                             scenario_variants => '[]', id => '00000000-0000-0000-0000-000000000001')"#;
    scene.run("alice", submit).await.unwrap();
    let wait = "call sluicegate.wait_for('00000000-0000-0000-0000-000000000001', '30 s')";
    for role in ["alice", "grafana"] {
        scene.run(role, wait).await.unwrap();
    }
    assert_eq!(scene.count("alice", "bundle_status where status = 'rejected'").await, 1);
    scene.refused("grafana", submit).await;
    scene.refused("grafana", "select sluicegate.cancel(user_id => 'alice')").await;
    for role in ["alice", "grafana"] {
        for arguments in [&["status"][..], &["top", "--once"]] {
            let mut look = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
            let looked =
                look.args(arguments).env("DATABASE_URL", scene.url(role)).output().unwrap();
            let said = String::from_utf8([looked.stdout, looked.stderr].concat()).unwrap();
            assert!(looked.status.success() && said.contains("alice"), "{role}: {said}");
        }
    }
    for statement in [
        "update sluicegate.jobs set priority = 5",
        "delete from sluicegate.bundles",
        "insert into sluicegate.jobs (user_id, spec, bundle_id, seq) values ('alice', '{}', gen_random_uuid(), 0)",
        "insert into sluicegate.bundles (user_id, status, ticker_variants, date_ranges, scenario_variants)
         values ('alice', 'completed', '[]', '[]', '[]')",
        "select sluicegate.release_jobs('{1}', '{1}')",
        "update sluicegate.limits set rate_per_second = 1",
        "create table sluicegate.mine ()",
    ] {
        scene.refused("alice", statement).await;
        scene.refused("grafana", statement).await;
    }
    scene.refused("grafana", ASK).await;
    for statement in ["create table sluicegate.mine ()", "drop table sluicegate.tallies"] {
        scene.refused("sluicegate_daemon", statement).await;
    }
    daemon.terminate();
    assert!(daemon.wait(PATIENCE).await.success());
}

#[tokio::test]
async fn with_own_rows_a_user_sees_and_makes_only_their_own() {
    let scene = Scene::new().await;
    let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int")
        .fetch_one(scene.db.pool())
        .await
        .unwrap();
    assert!(version >= 150_000, "the template needs PostgreSQL 15");
    scene.apply("roles/own_rows.sql").await;
    scene.apply("roles/own_rows.sql").await;
    let _daemon = scene.daemon();
    for role in ["alice", "bob", "bob"] {
        scene.run(role, ASK).await.unwrap();
    }
    scene.until_ended("grafana", 3).await;
    assert_eq!(scene.count("alice", "job_status").await, 1);
    assert_eq!(scene.count("bob", "job_status").await, 2);
    for relation in ["jobs", "outcomes", "lanes"] {
        assert_eq!(scene.count("alice", &format!("{relation} t")).await, 1, "{relation}");
    }
    assert_eq!(scene.count("alice", "why_waiting").await, 0);
    assert_eq!(scene.count("alice", "bundle_status").await, 0);
    let bobs: i64 = sqlx::query_scalar("select max(id) from sluicegate.jobs where user_id = 'bob'")
        .fetch_one(scene.db.pool())
        .await
        .unwrap();
    let cancel = format!("select sluicegate.cancel(job => {bobs})");
    let said = scene.run("alice", &cancel).await.unwrap_err();
    assert!(said.contains(&format!("no job {bobs}")), "{said}");
    scene.run("bob", &cancel).await.unwrap();
    for statement in [
        r#"insert into sluicegate.jobs (user_id, kind, spec) values ('bob', 'sleep', '{"seconds": 0}')"#,
        "insert into sluicegate.commands (user_id, action) values ('operator', 'set_rate')",
        r#"select sluicegate.submit_job('{}', kind => 'sleep', user_id => 'bob')"#,
        "select sluicegate.cancel(user_id => 'bob')",
    ] {
        scene.refused("alice", statement).await;
    }
}
