//! How soon the jobs of a killed process are claimed again, many times over.

use std::time::Duration;

use sqlx::PgPool;

use crate::scene::{Daemon, PATIENCE, SHORT_LEASE, insert_sleeps, one, until};
use crate::support::TestDatabase;

/// Jobs that the victim holds when it is killed.
const HELD: i32 = 20;

/// With a session, seconds: the median, and the longest of all.
const MEDIAN_MAX: f64 = 2.0;
const LONGEST_MAX: f64 = 5.0;

/// Kills one of two daemons again and again: how many seconds later each of its jobs was claimed again,
/// in order.
async fn waits(settings: &[(&str, &str)], kills: usize) -> Vec<f64> {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut waits = Vec::new();
    let mut victim = Daemon::start(&database, settings).await;
    for _ in 0..kills {
        insert_sleeps(pool, HELD, 120_000, 0).await;
        held_by(pool, victim.worker).await;
        let survivor = Daemon::start(&database, settings).await;
        // Not always at the same moment of the survivor's own pulse.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(..1_000))).await;
        let killed_at: f64 =
            one(pool, "select extract(epoch from clock_timestamp())::float8").await;
        victim.kill9();
        victim.process.wait(PATIENCE).await;
        held_by(pool, survivor.worker).await;
        let sql = "select extract(epoch from claimed_at)::float8 - $1 from sluicegate.queue";
        let round: Vec<f64> =
            sqlx::query_scalar(sql).bind(killed_at).fetch_all(pool).await.unwrap();
        waits.extend(round);
        sqlx::query("insert into sluicegate.commands (user_id, action) values ('alice', 'cancel')")
            .execute(pool)
            .await
            .unwrap();
        until(pool, "select not exists (select from sluicegate.queue)").await;
        victim = survivor;
    }
    waits.sort_by(f64::total_cmp);
    waits
}

/// Waits until this worker holds all jobs.
async fn held_by(pool: &PgPool, worker: i32) {
    let sql = "select count(*) filter (where worker = $1) = $2 from sluicegate.queue";
    crate::support::eventually(PATIENCE, sql, async || {
        let held = sqlx::query_scalar::<_, bool>(sql).bind(worker).bind(i64::from(HELD));
        held.fetch_one(pool).await.unwrap()
    })
    .await;
}

/// The quantiles of values in order, as one line.
fn distribution(waits: &[f64]) -> (f64, f64, String) {
    let at = |part: usize| waits[(waits.len() - 1) * part / 100];
    let line = format!(
        "{} jobs: least {:.2} s, quarter {:.2}, median {:.2}, three quarters {:.2}, longest {:.2}",
        waits.len(),
        at(0),
        at(25),
        at(50),
        at(75),
        at(100)
    );
    (at(50), at(100), line)
}

#[tokio::test]
#[ignore = "twenty kills take two minutes: make chaos"]
async fn jobs_of_a_killed_process_are_claimed_again_within_seconds() {
    let timeouts = [("kinds.sleep.timeout_ms", "600000")];
    let (median, longest, line) = distribution(&waits(&timeouts, 20).await);
    eprintln!("from SIGKILL to the next claim, default settings: {line}");
    assert!(median < MEDIAN_MAX && longest < LONGEST_MAX, "{line}");
}

#[tokio::test]
#[ignore = "ten kills take a minute: make chaos"]
async fn without_a_session_jobs_of_a_killed_process_are_claimed_again_within_the_lease_and_a_tick()
{
    let mut settings = SHORT_LEASE.to_vec();
    settings.extend([("kinds.sleep.timeout_ms", "600000"), ("database.pooled", "true")]);
    let (_, longest, line) = distribution(&waits(&settings, 10).await);
    eprintln!(
        "from SIGKILL to the next claim, a lease of 1.5 s and ticks of 0.2 s, no session: {line}"
    );
    // The claim itself, and what the machine is busy with, take a moment more.
    assert!(longest < 1.5 + 0.2 + 0.5, "{line}");
}
