//! The checks of the tables see what is planted there.

use sqlx::{Executor, PgPool};

use crate::scene::PATIENCE;
use crate::support::{TestDatabase, eventually};
use crate::tables;
use crate::watch::Watcher;

/// One job of alice that was claimed and has ended.
const GOOD: &str = "
    insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{}');
    with gone as (delete from sluicegate.queue returning lane_id)
    insert into sluicegate.lane_deltas (lane_id, released, jobs) select lane_id, 0, -1 from gone;
    insert into sluicegate.outcomes (job_id, fence, attempt, failures, status)
    select id, 1, 1, 0, 1 from sluicegate.jobs";

/// What is planted, and what is to be said.
const PLANTED: [(&str, &[&str]); 8] = [
    ("select", &[]),
    ("delete from sluicegate.outcomes", &["jobs without an end: 1"]),
    (
        "insert into sluicegate.outcomes (job_id, fence, attempt, failures, status) values (99, 1, 1, 0, 1)",
        &["outcomes of no job: 1"],
    ),
    (
        "insert into sluicegate.jobs (user_id, kind, spec) values ('alice', 'sleep', '{}')",
        &[
            "jobs without an end: 1",
            "rows left in the queue: 1",
            "lanes that count jobs nobody has: 1",
        ],
    ),
    ("update sluicegate.lanes set running = 1", &["lanes that count claims nobody holds: 1"]),
    (
        "insert into sluicegate.progress (job_id, fence, percent) select id, 1, 50 from sluicegate.jobs",
        &["progress of jobs that have ended: 1"],
    ),
    (
        "insert into sluicegate.bundle_deltas (bundle_id) values (gen_random_uuid())",
        &["news of bundles not taken in: 1"],
    ),
    (
        "insert into sluicegate.commands (user_id, action, job_id, applied_at)
         select 'alice', 'cancel', id, now() - interval '1 h' from sluicegate.jobs",
        &["jobs that completed after their cancel was acknowledged: 1"],
    ),
];

async fn good() -> (TestDatabase, PgPool) {
    let database = TestDatabase::new().await;
    let pool = database.pool().clone();
    pool.execute(GOOD).await.unwrap();
    (database, pool)
}

#[tokio::test]
async fn what_is_wrong_at_the_end_is_named() {
    for (plant, expected) in PLANTED {
        let (_database, pool) = good().await;
        pool.execute(plant).await.unwrap();
        assert_eq!(tables::wrongs(&pool).await, expected, "{plant}");
    }
}

#[tokio::test]
async fn what_is_wrong_while_it_runs_is_named() {
    let (_database, pool) = good().await;
    pool.execute(
        "insert into sluicegate.jobs (user_id, kind, spec)
         select 'bob', 'sleep', '{}' from generate_series(1, 3);
         update sluicegate.queue set state = 1, worker = 1;
         delete from sluicegate.outcomes",
    )
    .await
    .unwrap();
    let watcher = Watcher::start(&pool, 2);
    eventually(PATIENCE, "a look", async || watcher.has_looked()).await;
    let (_, said) = watcher.end().await;
    for wrong in ["lanes whose counts", "users with more jobs", "jobs that neither wait nor have"] {
        assert!(said.iter().any(|said| said.contains(wrong)), "{wrong} is not among {said:?}");
    }
}
