//! A rate is that of all processes together, however many there are.

mod support;

use std::time::{Duration, Instant};

use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(60);
const RATE: f64 = 20.0;

#[tokio::test]
async fn three_processes_start_no_more_than_the_rate_allows_one() {
    let db = TestDatabase::new().await;
    let settings =
        [("pipes.pending_job.rate_per_second", "20"), ("pipes.pending_job.capacity", "50")];
    let mut daemons = vec![
        DaemonProcess::run(&db.url(), &settings),
        DaemonProcess::run(&db.url(), &settings),
        DaemonProcess::run(&db.url(), &settings),
    ];
    let workers = "select count(*) from sluicegate.workers where lease_until > now()";
    eventually(PATIENCE, "three workers", async || {
        let count = sqlx::query_scalar::<_, i64>(workers).fetch_one(db.pool()).await;
        (count.ok()? == 3).then_some(())
    })
    .await;
    let begin = Instant::now();
    sqlx::query(
        r#"insert into sluicegate.jobs (user_id, kind, spec)
           select 'bob', 'sleep', '{"seconds": 0}' from generate_series(1, 2000)"#,
    )
    .execute(db.pool())
    .await
    .unwrap();
    let read = "select count(*)::int from sluicegate.outcomes";
    let mut killed = false;
    eventually(PATIENCE, "a hundred jobs end", async || {
        let ended: i32 = sqlx::query_scalar(read).fetch_one(db.pool()).await.unwrap();
        // One may start at once, and each process may hold a slice of five that it starts late.
        let most = RATE * begin.elapsed().as_secs_f64() + 2.0 + 3.0 * 5.0;
        assert!(f64::from(ended) <= most, "{ended} jobs, allowed {most:.1}");
        if ended > 40 && !killed {
            // What it holds is lost, and the others go on.
            daemons.pop().unwrap().kill9();
            killed = true;
        }
        ended >= 100
    })
    .await;
    assert!(killed);
}

#[tokio::test]
async fn claims_that_are_lost_while_they_wait_cost_no_starts() {
    let db = TestDatabase::new().await;
    let settings =
        [("pipes.pending_job.rate_per_second", "2"), ("pipes.pending_job.capacity", "500")];
    let _daemon = DaemonProcess::run(&db.url(), &settings);
    let queue = async |user: &'static str, jobs: i32| {
        sqlx::query(
            r#"insert into sluicegate.jobs (user_id, kind, spec)
               select $1, 'sleep', '{"seconds": 0}' from generate_series(1, $2)"#,
        )
        .bind(user)
        .bind(jobs)
        .execute(db.pool())
        .await
        .unwrap();
    };
    let count = async |what: &'static str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from sluicegate.{what}"));
        sqlx::query_scalar(sql).fetch_one(db.pool()).await.unwrap()
    };
    eventually(PATIENCE, "a worker", async || count("workers").await == 1).await;
    // Starting all of these would take five minutes.
    queue("ann", 600).await;
    eventually(PATIENCE, "a channel full of claims", async || {
        count("queue where state = 1").await >= 500
    })
    .await;
    sqlx::query("insert into sluicegate.commands (user_id, action) values ('ann', 'cancel')")
        .execute(db.pool())
        .await
        .unwrap();
    queue("bob", 2).await;
    eventually(PATIENCE, "the other user's jobs end", async || {
        count("job_status where user_id = 'bob' and status = 'completed'").await == 2
    })
    .await;
}
