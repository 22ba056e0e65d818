//! Daemons that reach their database through a proxy, or beside somebody who holds it back.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Decode, Executor, Postgres, Type};

use crate::support::{DaemonProcess, Proxy, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(90);

struct Scene {
    db: TestDatabase,
    proxy: Proxy,
}

impl Scene {
    async fn start() -> Self {
        let db = TestDatabase::new().await;
        let url = db.url();
        let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        let proxy = Proxy::start(server).await;
        Self { db, proxy }
    }

    fn daemon(&self, settings: &[(&str, &str)]) -> DaemonProcess {
        let quick = [("worker.lease_renew_ms", "300")];
        DaemonProcess::as_delivered(&self.proxy.url(&self.db.url()), &[&quick, settings].concat())
    }

    async fn one<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        let asked = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        asked.fetch_one(self.db.pool()).await.unwrap()
    }

    /// Waits until the guard knows what is usual and has gone up from its slow beginning.
    async fn until_settled(&self) {
        self.until("select pace < 1 from sluicegate.workers").await;
        self.until(AT_FULL_PACE).await;
    }

    async fn until(&self, condition: &str) {
        let sql = format!("select coalesce(({condition}), false)");
        eventually(PATIENCE, condition, async || self.one::<bool>(&sql).await).await;
    }

    async fn sleeps(&self, count: u32, seconds: f64) {
        let sql = format!(
            "insert into sluicegate.jobs (user_id, kind, spec)
             select 'alice', 'sleep', '{{\"seconds\": {seconds}}}' from generate_series(1, {count})"
        );
        self.db.pool().execute(AssertSqlSafe(sql)).await.unwrap();
    }
}

const AT_FULL_PACE: &str = "select pace = 1 and slowed_by is null from sluicegate.workers";

#[tokio::test]
async fn a_daemon_slows_when_writes_take_long_says_why_and_goes_at_full_pace_afterwards() {
    let scene = Scene::start().await;
    let daemon = scene.daemon(&[
        ("guard.target", "5"),
        ("pipes.pending_job.capacity", "1"),
        ("pipes.pending_job.in_flight_max", "1"),
    ]);
    scene.until_settled().await;
    // One that runs, one in the channel or on the way there, and one that waits at least.
    scene.sleeps(4, 9.0).await;
    scene.proxy.delay(Duration::from_millis(400));
    scene
        .until("select pace <= 0.5 and slowed_by like 'a small write takes % ms, % ms without us' from sluicegate.workers")
        .await;
    scene.until("select bool_or(pace < 1 and slowed_by like 'a small write%') from sluicegate.queue_health").await;
    scene.until("select bool_or(reason like 'slowed: a small write takes%') from sluicegate.why_waiting").await;
    eventually(PATIENCE, "it is logged", async || daemon.log().contains("out of regard")).await;

    scene.proxy.delay(Duration::ZERO);
    scene.until(AT_FULL_PACE).await;
    let said = "at full pace again";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
    let lines = daemon.log().lines().filter(|line| line.contains("out of regard")).count();
    assert!(lines <= 3, "a line for a change of state, not for each sample:\n{}", daemon.log());
}

#[tokio::test]
async fn a_snapshot_that_is_held_open_slows_claims_until_it_is_let_go() {
    let scene = Scene::start().await;
    let settings = [("guard.snapshot_age_ms", "400"), ("pipes.pending_job.rate_per_second", "100")];
    let _daemon = scene.daemon(&settings);
    scene.until_settled().await;
    let mut holder = scene.db.pool().acquire().await.unwrap();
    holder.execute("begin isolation level repeatable read; select 1").await.unwrap();
    scene
        .until("select pace = 0.1 and slowed_by like 'session % has kept old rows from being removed for % s' from sluicegate.workers")
        .await;
    let begin = Instant::now();
    scene.sleeps(500, 0.0).await;
    scene.until("select count(*) >= 40 from sluicegate.outcomes").await;
    // A tenth of a hundred a second; the first may come at once.
    assert!(begin.elapsed() >= Duration::from_secs_f64(3.5), "{:?}", begin.elapsed());

    holder.execute("commit").await.unwrap();
    scene.until(AT_FULL_PACE).await;
    scene.until("select count(*) = 500 from sluicegate.outcomes").await;
}

#[tokio::test]
async fn while_the_database_is_gone_few_knock_and_all_go_on_when_it_is_back() {
    const OUTAGE: Duration = Duration::from_secs(8);
    let scene = Scene::start().await;
    let daemon = scene.daemon(&[("worker.lease_renew_ms", "1000")]);
    scene.until_settled().await;
    scene.sleeps(100, 0.0).await;
    scene.until("select count(*) = 100 from sluicegate.outcomes").await;
    scene.proxy.cut();
    let before = scene.proxy.connections();
    let begin = Instant::now();
    scene.sleeps(100, 0.0).await;
    tokio::time::sleep(OUTAGE).await;
    let knocks = scene.proxy.connections() - before;
    // The lease once a second, the others together 0.1, 0.2, 0.4, … s after each other.
    let most = begin.elapsed().as_secs() + 8 + 6;
    assert!((1..=most).contains(&knocks.try_into().unwrap()), "{knocks} knocks, at most {most}");
    assert_eq!(scene.one::<i64>("select count(*) from sluicegate.outcomes").await, 100);

    scene.proxy.mend();
    scene.until("select count(*) = 200 from sluicegate.outcomes").await;
    scene.until(AT_FULL_PACE).await;
    let lines = daemon.log().lines().count();
    assert!(lines <= 60, "{lines} lines:\n{}", daemon.log());
}
