//! A source of candles that is down: jobs wait, with the reason, and none fails of it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fmt::Write as _;
use std::time::Duration;

use sqlx::AssertSqlSafe;
use support::{DaemonProcess, InfluxServer, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// 400 daily candles of 2020 and 2021, up and down.
fn lines() -> String {
    let mut lines = String::new();
    for day in 0..400_i64 {
        let (time, price) = ((18_262 + day) * 86_400_000, 100 + day % 17);
        let (high, low, close) = (price + 2, price - 2, price + 1);
        writeln!(
            lines,
            "candles,ticker=WAVES,timeframe=1d open={price},high={high},low={low},close={close},volume=1 {time}"
        )
        .unwrap();
    }
    lines
}

struct Scene {
    db: TestDatabase,
}

impl Scene {
    async fn ask(&self, sql: &str) -> Option<String> {
        let asked = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        asked.fetch_one(self.db.pool()).await.unwrap()
    }

    /// A backtest over the last days, so that the newest candles are asked for.
    async fn backtest(&self, days: u32, max_failures: u32) -> i64 {
        let insert = format!(
            r#"insert into sluicegate.jobs (user_id, kind, spec, max_failures) values ('alice', 'backtest',
               '{{"ticker": "WAVES", "timeframe": "1d", "range": {{"last": "{days}d"}},
                  "scenario": {{"preset": "sma_cross"}}}}', {max_failures}) returning id"#
        );
        sqlx::query_scalar(AssertSqlSafe(insert)).fetch_one(self.db.pool()).await.unwrap()
    }

    async fn until(&self, job: i64, expected: &str) {
        eventually(PATIENCE, expected, async || {
            let read = format!(
                "select concat_ws(' ', status, failures, error) from sluicegate.job_status where id = {job}"
            );
            (self.ask(&read).await.as_deref() == Some(expected)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn jobs_wait_for_candles_that_do_not_answer_and_do_not_fail() {
    let server = InfluxServer::start().await;
    server.write(&lines()).await;
    let scene = Scene { db: TestDatabase::new().await };
    let _daemon = DaemonProcess::run(
        &scene.db.url(),
        &[
            ("candles.source", "influx"),
            ("candles.influx.url", server.url()),
            ("candles.influx.request_timeout_ms", "500"),
            ("candles.influx.attempts_max", "1"),
            ("candles.disk.dir", ""),
            ("candles.fresh_ms", "1"),
            ("worker.lease_renew_ms", "500"),
        ],
    );
    let first = scene.backtest(100, 1).await;
    scene.until(first, "completed 0").await;

    server.freeze().await;
    let waiting = [scene.backtest(150, 1).await, scene.backtest(200, 1).await];
    let reason = eventually(PATIENCE, "a reason", async || {
        let read = format!(
            "select reason from sluicegate.why_waiting where job_id = {} and reason like '%no whole answer%'",
            waiting[1]
        );
        let asked = sqlx::query_scalar::<_, String>(AssertSqlSafe(read));
        asked.fetch_optional(scene.db.pool()).await.unwrap()
    })
    .await;
    assert!(reason.contains(server.url()), "{reason}");
    let sleep = "insert into sluicegate.jobs (user_id, kind, spec)
                 values ('alice', 'sleep', '{\"seconds\": 0}') returning id";
    let sleeper = sqlx::query_scalar(sleep).fetch_one(scene.db.pool()).await.unwrap();
    scene.until(sleeper, "completed 0").await;
    for job in waiting {
        let read = format!("select failures::text from sluicegate.job_status where id = {job}");
        assert_eq!(scene.ask(&read).await.as_deref(), Some("0"), "one failure is all it has");
    }

    server.thaw();
    for job in waiting {
        scene.until(job, "completed 0").await;
    }
    let waits = "select waits_for from sluicegate.workers";
    eventually(PATIENCE, "nothing is waited for", async || {
        scene.ask(waits).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_bucket_that_is_missing_fails_the_job_for_good_with_what_the_server_said() {
    let server = InfluxServer::start().await;
    let scene = Scene { db: TestDatabase::new().await };
    let _daemon = DaemonProcess::run(
        &scene.db.url(),
        &[
            ("candles.source", "influx"),
            ("candles.influx.url", server.url()),
            ("candles.influx.buckets", "elsewhere"),
            ("candles.disk.dir", ""),
        ],
    );
    let job = scene.backtest(100, 3).await;
    let read = format!(
        "select error_class || ': ' || error || ' after ' || attempt from sluicegate.outcomes where job_id = {job}"
    );
    let said = eventually(PATIENCE, "the job fails", async || {
        let asked = sqlx::query_scalar::<_, String>(AssertSqlSafe(read.clone()));
        asked.fetch_optional(scene.db.pool()).await.unwrap()
    })
    .await;
    assert!(said.starts_with("source_refused: "), "{said}");
    assert!(said.contains("elsewhere") && said.contains("not found"), "{said}");
    assert!(said.ends_with(" after 1"), "{said}");
    assert_eq!(scene.ask("select waits_for from sluicegate.workers").await, None);
}
