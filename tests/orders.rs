//! Orders of users to a running daemon: pause, resume, retry, reprioritise.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

struct Scene {
    db: TestDatabase,
    _daemon: DaemonProcess,
}

impl Scene {
    async fn new() -> Self {
        let db = TestDatabase::new().await;
        let daemon = DaemonProcess::run(&db.url(), &[]);
        Self { db, _daemon: daemon }
    }

    /// Inserts a job of alice.
    async fn job(&self, kind: &str) -> i64 {
        let insert = "insert into sluicegate.jobs (user_id, kind, spec)
                      values ('alice', $1, '{\"seconds\": 0}') returning id";
        sqlx::query_scalar(insert).bind(kind).fetch_one(self.db.pool()).await.unwrap()
    }

    /// Gives an order of alice, waits for its answer.
    async fn order(&self, action: &str, job: Option<i64>, args: &Value) -> String {
        let insert = "insert into sluicegate.commands (user_id, action, job_id, args)
                      values ('alice', $1, $2, $3) returning id";
        let order = sqlx::query_scalar(insert).bind(action).bind(job).bind(args);
        let order: i64 = order.fetch_one(self.db.pool()).await.unwrap();
        eventually(PATIENCE, action, async || {
            self.ask(&format!("select outcome from sluicegate.commands where id = {order}")).await
        })
        .await
    }

    async fn ask(&self, sql: &str) -> Option<String> {
        let asked = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        asked.fetch_one(self.db.pool()).await.unwrap()
    }

    async fn until(&self, job: i64, expected: &str) {
        eventually(PATIENCE, expected, async || {
            let read = format!(
                "select concat_ws(' ', status, attempt) from sluicegate.job_status where id = {job}"
            );
            (self.ask(&read).await.as_deref() == Some(expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_paused_user_waits_until_resumed_while_others_run() {
    let scene = Scene::new().await;
    let said = scene.order("pause", None, &json!({})).await;
    assert_eq!(said, r#"paused all jobs of user "alice", those to come included"#);
    let waiting = scene.job("sleep").await;
    let insert = "insert into sluicegate.jobs (user_id, kind, spec)
                  values ('bob', 'sleep', '{\"seconds\": 0}') returning id";
    let bobs: i64 = sqlx::query_scalar(insert).fetch_one(scene.db.pool()).await.unwrap();
    scene.until(bobs, "completed 1").await;
    scene.until(waiting, "pending 0").await;
    let why = format!("select reason from sluicegate.why_waiting where job_id = {waiting}");
    assert_eq!(scene.ask(&why).await.as_deref(), Some("paused"));
    let said = scene.order("reprioritise", Some(waiting), &json!({ "priority": 5 })).await;
    assert_eq!(said, format!("job {waiting} has priority 5"));
    scene.until(waiting, "pending 0").await;
    assert_eq!(
        scene.order("resume", None, &json!({})).await,
        r#"resumed all jobs of user "alice""#
    );
    scene.until(waiting, "completed 1").await;
}

#[tokio::test]
async fn a_failed_job_runs_again_when_its_user_says_so() {
    let scene = Scene::new().await;
    let job = scene.job("slepe").await;
    scene.until(job, "failed 1").await;
    assert_eq!(scene.order("retry", Some(job), &json!({})).await, format!("retried job {job}"));
    scene.until(job, "failed 2").await;
    let fine = scene.job("sleep").await;
    scene.until(fine, "completed 1").await;
    let said = scene.order("retry", Some(fine), &json!({})).await;
    assert_eq!(said, format!("job {fine} has ended already: completed"));
    let said = scene.order("retry", Some(fine), &json!({ "force": true })).await;
    assert_eq!(said, r#"args: unknown key "force", allowed: none"#);
}
