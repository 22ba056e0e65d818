//! Daemons, jobs and bundles that the tests work with.

use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::support::{DaemonProcess, TestDatabase, eventually};

/// Longest wait for anything, on a machine busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A lease that runs out soon, and a canceller that sees it soon.
pub(crate) const SHORT_LEASE: [(&str, &str); 4] = [
    ("worker.lease_ms", "1500"),
    ("worker.lease_renew_ms", "300"),
    ("pipes.dead_job_canceller.silence_ms", "600"),
    ("pipes.dead_job_canceller.poll_interval_ms", "200"),
];

/// A daemon and the number it first worked under.
#[derive(Debug)]
pub(crate) struct Daemon {
    pub(crate) process: DaemonProcess,
    pub(crate) worker: i32,
}

impl Deref for Daemon {
    type Target = DaemonProcess;

    fn deref(&self) -> &DaemonProcess {
        &self.process
    }
}

impl Daemon {
    /// Starts a daemon and waits until it has registered. Start one at a time.
    pub(crate) async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let newest = "select coalesce(max(id), 0) from sluicegate.workers";
        let before: i32 = one(database.pool(), newest).await;
        let process = DaemonProcess::run(&database.url(), settings);
        let worker = eventually(PATIENCE, "the daemon registers", async || {
            let now: i32 = one(database.pool(), newest).await;
            (now > before).then_some(now)
        })
        .await;
        Self { process, worker }
    }
}

/// The one value of a statement without parameters.
pub(crate) async fn one<T>(pool: &PgPool, sql: &'static str) -> T
where
    (T,): for<'r> FromRow<'r, PgRow>,
    T: Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// Waits until a statement without parameters answers true.
pub(crate) async fn until(pool: &PgPool, sql: &'static str) {
    eventually(PATIENCE, sql, async || one::<bool>(pool, sql).await).await;
}

/// Waits until every job has ended and every bundle with it.
pub(crate) async fn until_all_ended(pool: &PgPool) {
    until(pool, "select not exists (select from sluicegate.queue)").await;
    until(pool, "select bool_and(status not in ('pending', 'expanding', 'running')) is not false from sluicegate.bundles")
        .await;
}

/// Inserts a job and answers its number.
pub(crate) async fn insert_job(pool: &PgPool, kind: &str, spec: &Value) -> i64 {
    insert_job_of(pool, "alice", kind, spec).await
}

/// Inserts a job of a user and answers its number.
pub(crate) async fn insert_job_of(pool: &PgPool, user: &str, kind: &str, spec: &Value) -> i64 {
    let sql = "insert into sluicegate.jobs (user_id, kind, spec) values ($1, $2, $3::text::jsonb) returning id";
    sqlx::query_scalar(sql)
        .bind(user)
        .bind(kind)
        .bind(spec.to_string())
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Inserts `count` sleeps; the first takes `from_ms`, each next one `step_ms` more.
pub(crate) async fn insert_sleeps(pool: &PgPool, count: i32, from_ms: i32, step_ms: i32) {
    let sql = "insert into sluicegate.jobs (user_id, kind, spec)
               select 'alice', 'sleep', jsonb_build_object('seconds', ($2 + n * $3) / 1000.0)
                 from generate_series(0, $1 - 1) n order by n";
    sqlx::query(sql).bind(count).bind(from_ms).bind(step_ms).execute(pool).await.unwrap();
}

/// A sleep that never ends by itself.
pub(crate) fn stuck() -> Value {
    json!({"seconds": 0.1, "stuck": true})
}

/// Inserts a bundle of `20 * slows` backtests over the daily candles, without checks of the best.
pub(crate) async fn insert_bundle(pool: &PgPool, slows: i32) -> Uuid {
    let scenario = json!([{"preset": "sma_cross", "params": {
        "fast": {"from": 5, "to": 14, "step": 1}, "slow": {"from": 20, "to": 19 + slows, "step": 1}}}]);
    let sql = r#"insert into sluicegate.bundles
        (user_id, universal_config, ticker_variants, date_ranges, scenario_variants) values
        ('alice', '{"timeframe": "1d", "validation": {"monte_carlo": 0, "random_entries": 0}}',
         '["NASDAQ", "SP500"]',
         '[{"from": "2016-01-04", "until": "2019-01-01"}]', $1::text::jsonb) returning id"#;
    sqlx::query_scalar(sql).bind(scenario.to_string()).fetch_one(pool).await.unwrap()
}

/// Inserts a user's order to cancel a bundle, a job, or with neither all there is.
pub(crate) async fn insert_cancel(
    pool: &PgPool,
    user: &str,
    bundle: Option<Uuid>,
    job: Option<i64>,
) {
    let sql = "insert into sluicegate.commands (user_id, action, bundle_id, job_id)
               values ($1, 'cancel', $2, $3)";
    sqlx::query(sql).bind(user).bind(bundle).bind(job).execute(pool).await.unwrap();
}

/// The spec of a backtest over twenty years of a ticker's daily candles.
pub(crate) fn daily_spec(ticker: &str) -> Value {
    json!({
        "ticker": ticker, "timeframe": "1d",
        "range": {"from": "1999-01-04", "until": "2019-01-01"},
        "scenario": {"preset": "sma_cross", "params": {"fast": 10, "slow": 30}},
    })
}
