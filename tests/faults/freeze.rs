//! SIGSTOP past the lease: the frozen process does not know that time has passed.

use serde_json::json;

use crate::history;
use crate::scene::{Daemon, SHORT_LEASE, insert_job, insert_sleeps, one, until, until_all_ended};
use crate::support::TestDatabase;

#[tokio::test]
async fn a_daemon_frozen_past_its_lease_can_write_nothing_and_goes_on_under_a_new_id() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let frozen = Daemon::start(&database, &SHORT_LEASE).await;
    // So dense that some are always about to end: woken up, they end before anybody tells them.
    insert_sleeps(pool, 200, 500, 15).await;
    until(pool, "select count(*) >= 60 from sluicegate.outcomes").await;
    frozen.stop_signal();
    let rescuer = Daemon::start(&database, &SHORT_LEASE).await;
    assert_eq!((frozen.worker, rescuer.worker), (1, 2));
    until(
        pool,
        "select not exists (select from sluicegate.queue where worker = 1)
            and (select count(*) from sluicegate.queue where started_at is not null) > 20",
    )
    .await;
    let taken: i64 = one(pool, "select count(*) from sluicegate.queue").await;
    frozen.cont();
    until(pool, "select dead_at is not null from sluicegate.workers where id = 1").await;
    until(pool, "select exists (select from sluicegate.workers where id = 3)").await;
    until_all_ended(pool).await;
    history::check(pool).await;

    let by_rescuer: i64 =
        one(pool, "select count(*) from sluicegate.outcomes where worker = 2").await;
    assert!(by_rescuer >= taken, "{by_rescuer} of {taken} ended by the worker that took them");
    until(pool, "select sum(late_writes_refused) > 0 from sluicegate.workers").await;

    // It works again: it is the only one left.
    rescuer.kill9();
    let job = insert_job(pool, "sleep", &json!({"seconds": 0.1})).await;
    until_all_ended(pool).await;
    let worker: i32 =
        sqlx::query_scalar("select worker from sluicegate.outcomes where job_id = $1")
            .bind(job)
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!(worker, 3);
}
