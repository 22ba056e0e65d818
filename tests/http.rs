//! Probes and metrics of a real daemon.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use sluicegate::http::ask;
use sqlx::AssertSqlSafe;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that listens on a port of its own.
struct Scene {
    db: TestDatabase,
    daemon: DaemonProcess,
    listen: String,
}

impl Scene {
    async fn new(db: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let settings = [settings, &[("http.listen", "127.0.0.1:0")]].concat();
        let daemon = DaemonProcess::run(&db.url(), &settings);
        let listen = eventually(PATIENCE, "it listens", async || address_in(&daemon.log())).await;
        let scene = Self { db, daemon, listen };
        scene.until("/readyz", "ok").await;
        scene
    }

    /// What is said there, or the reason against.
    async fn ask(&self, path: &str) -> String {
        ask(&self.listen, path).await.unwrap_or_else(|error| error.to_string())
    }

    async fn until(&self, path: &str, said: &str) {
        eventually(PATIENCE, said, async || self.ask(path).await == said).await;
    }

    async fn insert(&self, spec: &str) {
        let insert = format!(
            "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{spec}')"
        );
        sqlx::raw_sql(AssertSqlSafe(insert)).execute(self.db.pool()).await.unwrap();
    }
}

/// The address in the line that tells it.
fn address_in(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("probes and metrics address=\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[tokio::test]
async fn a_daemon_tells_in_numbers_what_it_did() {
    let scene = Scene::new(TestDatabase::new().await, &[]).await;
    scene.insert(r#"{"seconds": 0}"#).await;
    scene.insert(r#"{"seconds": "none"}"#).await;
    let metrics = eventually(PATIENCE, "two outcomes", async || {
        let text = scene.ask("/metrics").await;
        text.contains("sluicegate_outcomes_written_total 2").then_some(text)
    })
    .await;
    for line in [
        r#"sluicegate_runs_total{kind="sleep",end="completed"} 1"#,
        r#"sluicegate_runs_total{kind="sleep",end="failed"} 1"#,
        r#"sluicegate_run_seconds_count{kind="sleep"} 2"#,
        r#"sluicegate_pipe_claimed_total{pipe="pending_job"} 2.0"#,
        r#"sluicegate_pipe_capacity{pipe="pending_job"} 1000.0"#,
        r#"sluicegate_pipe_rate_per_second{pipe="outcome"} 200.0"#,
        r#"sluicegate_pipe_depth{pipe="progress"} 0.0"#,
        "sluicegate_late_writes_refused_total 0",
        r#"sluicegate_guard_slowed{by="snapshot"} 0"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains(r#"rate_per_second{pipe="pending_job"}"#), "no limit, no number");
    assert!(metrics.ends_with("# EOF"), "{metrics}");
    assert!(metrics.contains("sluicegate_guard_pace "), "{metrics}");
    assert!(!metrics.contains("alice"), "users are no labels");
}

#[tokio::test]
async fn a_daemon_whose_database_is_gone_is_alive_and_not_ready() {
    let quick = [
        ("worker.lease_ms", "2000"),
        ("worker.lease_renew_ms", "300"),
        ("worker.orphan_after_ms", "2000"),
        ("database.acquire_timeout_ms", "500"),
        ("pipes.dead_job_canceller.silence_ms", "600"),
    ];
    let mut scene = Scene::new(TestDatabase::durable().await, &quick).await;
    scene.db.server().kill_immediately().unwrap();
    scene.until("/readyz", "the lease has run out").await;
    assert_eq!(scene.ask("/livez").await, "ok");
    scene.db.server().restart().unwrap();
    scene.until("/readyz", "ok").await;
}

#[tokio::test]
async fn a_draining_daemon_is_alive_and_not_ready_and_the_command_asks_for_both() {
    let scene = Scene::new(TestDatabase::new().await, &[]).await;
    let health = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.arg("health").args(options).env("SLUICEGATE__HTTP__LISTEN", &scene.listen);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(health(&["--ready"]), (Some(0), "ok\n".to_owned()));
    scene.insert(r#"{"seconds": 9}"#).await;
    eventually(PATIENCE, "it runs", async || {
        scene.ask("/metrics").await.contains(r#"in_flight{pipe="pending_job"} 1.0"#)
    })
    .await;
    scene.daemon.terminate();
    scene.until("/readyz", "draining").await;
    assert_eq!(health(&["--ready"]), (Some(1), "draining\n".to_owned()));
    assert_eq!(health(&[]), (Some(0), "ok\n".to_owned()));
}

#[tokio::test]
async fn a_port_that_is_taken_stops_nobody() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let db = TestDatabase::new().await;
    let daemon = DaemonProcess::run(&db.url(), &[("http.listen", &address)]);
    let works = "select to_regclass('sluicegate.workers') is not null";
    eventually(PATIENCE, "it works", async || {
        sqlx::query_scalar::<_, bool>(works).fetch_one(db.pool()).await.unwrap()
    })
    .await;
    let said = "no probes and no metrics";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
}
