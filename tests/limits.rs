//! Limits of kinds, users and pipes, for all daemons on a database: configured, and changed by command.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);

/// Two daemons on one database.
struct Scene {
    db: TestDatabase,
    _daemons: [DaemonProcess; 2],
}

impl Scene {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let db = TestDatabase::new().await;
        let daemons =
            [DaemonProcess::run(&db.url(), settings), DaemonProcess::run(&db.url(), settings)];
        let scene = Self { db, _daemons: daemons };
        let ready = "select to_regclass('sluicegate.workers') is not null";
        eventually(PATIENCE, "a schema", async || scene.ask::<bool>(ready).await).await;
        let ready = "select count(*) = 2 from sluicegate.workers where lease_until > now()";
        eventually(PATIENCE, "two workers", async || scene.ask::<bool>(ready).await).await;
        scene
    }

    /// Inserts jobs of this user that end at once.
    async fn insert(&self, user: &str, jobs: i32) {
        let insert = "insert into sluicegate.jobs (user_id, kind, spec)
                      select $1, 'sleep', '{\"seconds\": 0}' from generate_series(1, $2)";
        sqlx::query(insert).bind(user).bind(jobs).execute(self.db.pool()).await.unwrap();
    }

    async fn ask<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(self.db.pool()).await.unwrap()
    }

    async fn ended(&self) -> i64 {
        self.ask("select count(*) from sluicegate.outcomes").await
    }

    async fn until_ended(&self, jobs: i64) {
        eventually(PATIENCE, "jobs end", async || self.ended().await == jobs).await;
    }

    /// Gives an order, waits for its answer.
    async fn set_rate(&self, user: &str, args: &Value) -> String {
        let insert = "insert into sluicegate.commands (user_id, action, args)
                      values ($1, 'set_rate', $2) returning id";
        let order = sqlx::query_scalar(insert).bind(user).bind(args);
        let order: i64 = order.fetch_one(self.db.pool()).await.unwrap();
        let read = format!("select outcome from sluicegate.commands where id = {order}");
        eventually(PATIENCE, "an answer", async || self.ask::<Option<String>>(&read).await).await
    }
}

#[tokio::test]
async fn a_kinds_rate_is_that_of_all_daemons_until_an_operator_lifts_it() {
    let scene = Scene::new(&[("kinds.sleep.rate_per_second", "20")]).await;
    let begin = Instant::now();
    scene.insert("alice", 400).await;
    eventually(PATIENCE, "a hundred jobs end", async || {
        let ended = i32::try_from(scene.ended().await).unwrap();
        // One may start at once, and of starts not taken a quarter second's is kept.
        let most = 20.0 * begin.elapsed().as_secs_f64() + 2.0 + 5.0;
        assert!(f64::from(ended) <= most, "{ended} jobs, allowed {most:.1}");
        ended >= 100
    })
    .await;
    let slow = json!({ "kind": "sleep", "rate_per_second": 0.001 });
    assert_eq!(scene.set_rate("operator", &slow).await, "kind sleep: at most 0.001 per second");
    let lift = json!({ "kind": "sleep", "rate_per_second": null });
    let said = scene.set_rate("alice", &lift).await;
    assert_eq!(said, r#"set_rate: found user "alice", allowed those of commands.operators"#);
    assert_eq!(scene.set_rate("operator", &lift).await, "kind sleep: any number per second");
    scene.until_ended(400).await;
}

#[tokio::test]
async fn a_pipes_rate_changes_in_all_daemons_by_command_and_back() {
    let scene = Scene::new(&[("pipes.pending_job.rate_per_second", "0.01")]).await;
    scene.insert("alice", 50).await;
    scene.until_ended(1).await;
    let fast = json!({ "pipe": "pending_job", "rate_per_second": null, "in_flight_max": 3 });
    let said = "pipe pending_job: any number per second, at most 3 at once";
    assert_eq!(scene.set_rate("operator", &fast).await, said);
    scene.until_ended(50).await;
    let back =
        json!({ "pipe": "pending_job", "rate_per_second": "config", "in_flight_max": "config" });
    let said = "pipe pending_job: as many per second as configured, as many at once as configured";
    assert_eq!(scene.set_rate("operator", &back).await, said);
    // Both follow at their next look; from then on each may still start what it was told before.
    let seen = "select count(*) = 2 from sluicegate.workers w
                 where w.renewed_at > (select max(applied_at) from sluicegate.commands)";
    eventually(PATIENCE, "both have looked", async || scene.ask::<bool>(seen).await).await;
    scene.insert("alice", 50).await;
    let queued = "select count(*) = 50 from sluicegate.queue where state = 1";
    eventually(PATIENCE, "all are claimed", async || scene.ask::<bool>(queued).await).await;
    assert!(scene.ended().await <= 52, "one start of each daemon at most");
}

#[tokio::test]
async fn few_claims_per_second_are_shared_by_all_daemons() {
    let settings =
        [("pipes.pending_job.claims_per_second", "0.01"), ("pipes.pending_job.capacity", "10")];
    let scene = Scene::new(&settings).await;
    scene.insert("alice", 50).await;
    let lift = json!({ "pipe": "pending_job.claims", "rate_per_second": null });
    // What was claimed before is of one claim, of ten jobs at most, in a hundred seconds.
    assert!(scene.ended().await <= 10);
    let said = scene.set_rate("operator", &lift).await;
    assert_eq!(said, "pipe pending_job.claims: any number per second");
    scene.until_ended(50).await;
}

#[tokio::test]
async fn a_users_cap_holds_while_ends_make_room_for_more() {
    let scene = Scene::new(&[("users.in_flight_max", "3")]).await;
    for user in ["alice", "bob"] {
        scene.insert(user, 60).await;
    }
    let busiest = "select coalesce(max(n), 0) <= 3 from (
                       select count(*) as n from sluicegate.queue q join sluicegate.lanes l using (lane_id)
                        where q.state = 1 group by l.user_id) t";
    eventually(PATIENCE, "all end", async || {
        assert!(scene.ask::<bool>(busiest).await, "more than three of one user");
        scene.ended().await == 120
    })
    .await;
}

#[tokio::test]
async fn an_order_that_makes_no_sense_is_told_why() {
    let scene = Scene::new(&[]).await;
    for (args, said) in [
        (json!({}), "args: found 0 of pipe, kind, user, allowed one"),
        (
            json!({ "kind": "sleep" }),
            "args: found nothing to set, allowed rate_per_second, in_flight_max",
        ),
        (
            json!({ "kind": "slepe", "rate_per_second": 1 }),
            "args.kind: found \"slepe\", allowed: backtest, sleep, walk_forward",
        ),
        (
            json!({ "user": "alice", "rate_per_second": 0 }),
            "args.rate_per_second: found 0, allowed a number above 0, at most 1000000, null or \"config\"",
        ),
        (
            json!({ "user": "alice", "in_flight_max": 1.5 }),
            "args.in_flight_max: found 1.5, allowed a whole number, 1 to 1000000, null or \"config\"",
        ),
        (
            json!({ "pipe": "command", "rate": 1 }),
            "args: unknown key \"rate\", allowed: pipe, kind, user, rate_per_second, in_flight_max",
        ),
    ] {
        assert_eq!(scene.set_rate("operator", &args).await, said);
    }
}
