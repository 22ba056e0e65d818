//! Who is served when: a user with few jobs does not wait behind one with many.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, PgPool};

use support::TestDatabase;

const FEW: usize = 10;
/// Jobs per claim, as a daemon with a small channel asks for.
const AT_ONCE: usize = 4;

async fn run(pool: &PgPool, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(pool).await.unwrap();
}

async fn queue(pool: &PgPool, user: &str, jobs: usize) {
    run(
        pool,
        format!(
            "insert into sluicegate.jobs (user_id, kind, spec)
             select '{user}', 'sleep', '{{\"seconds\": 0}}' from generate_series(1, {jobs})"
        ),
    )
    .await;
}

async fn register_worker(pool: &PgPool) {
    run(
        pool,
        "insert into sluicegate.workers (id, host, version, slots, lease_until)
         values (1, 'test', '0', 1, now() + interval '1 hour')",
    )
    .await;
}

/// One claim: the users of the claimed jobs, in their order.
async fn claim(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "select j.user_id
           from sluicegate.claim_jobs(1, $1, '{backtest}', 1)
                with ordinality as c (job_id, fence, attempt, kind, spec, timeout_s, place)
           join sluicegate.jobs j on j.id = c.job_id order by c.place",
    )
    .bind(i32::try_from(AT_ONCE).unwrap())
    .fetch_all(pool)
    .await
    .unwrap()
}

/// The users of all jobs claimed until the last of `user`'s `FEW` is among them.
async fn claimed_until_done(pool: &PgPool, user: &str) -> Vec<String> {
    let mut claimed: Vec<String> = Vec::new();
    while claimed.iter().filter(|claimed| *claimed == user).count() < FEW {
        let next = claim(pool).await;
        assert!(!next.is_empty(), "jobs of {user} are not claimed");
        claimed.extend(next);
    }
    claimed
}

#[tokio::test]
async fn few_jobs_behind_five_thousand_of_another_user_are_served_in_turn() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    register_worker(pool).await;
    queue(pool, "many", 5_000).await;
    let before = claim(pool).await;
    assert_eq!(before, ["many"; AT_ONCE]);
    queue(pool, "few", FEW).await;
    let claimed = claimed_until_done(pool, "few").await;
    assert!(claimed.len() <= 2 * FEW + AT_ONCE, "{} jobs came first", claimed.len());
}

#[tokio::test]
async fn paused_rows_in_front_and_concurrent_inserts_change_nothing_about_it() {
    const INSERTERS: usize = 8;
    let database = TestDatabase::new().await;
    let pool = database.pool();
    register_worker(pool).await;
    queue(pool, "paused", 20_000).await;
    run(pool, "update sluicegate.lanes set paused = true").await;
    queue(pool, "many", 1_000).await;
    queue(pool, "few", FEW).await;
    let inserters = (0..INSERTERS).map(async |inserter| {
        for _ in 0..20 {
            queue(pool, &format!("inserter {inserter}"), 5).await;
        }
    });
    let (_, claimed) = tokio::join!(join_all(inserters), claimed_until_done(pool, "few"));
    let most = (INSERTERS + 2) * FEW + AT_ONCE;
    assert!(claimed.len() <= most, "{} jobs came first", claimed.len());
    assert!(!claimed.iter().any(|user| user == "paused"));
}
