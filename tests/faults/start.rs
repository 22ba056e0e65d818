//! Daemons that start: many at once, and one whose database does not answer.

use std::time::Duration;

use crate::history;
use crate::scene::{PATIENCE, insert_bundle, insert_sleeps, one, until, until_all_ended};
use crate::support::{DaemonProcess, Proxy, TestDatabase, eventually};

#[tokio::test]
async fn eight_daemons_that_start_on_an_empty_database_all_come_up() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    sqlx::query("drop schema sluicegate cascade").execute(pool).await.unwrap();
    let mut daemons: Vec<DaemonProcess> =
        (0..8).map(|_| DaemonProcess::run(&database.url(), &[])).collect();
    until(pool, "select to_regclass('sluicegate.workers') is not null").await;
    until(pool, "select count(*) = 8 from sluicegate.workers").await;
    insert_bundle(pool, 2).await;
    insert_sleeps(pool, 20, 100, 10).await;
    until_all_ended(pool).await;
    history::check(pool).await;
    daemons.iter().for_each(DaemonProcess::terminate);
    for daemon in &mut daemons {
        assert_eq!(daemon.wait(PATIENCE).await.code(), Some(0));
    }
    let stopped =
        "select count(*) from sluicegate.workers where stopped_at is not null and dead_at is null";
    assert_eq!(one::<i64>(pool, stopped).await, 8);
}

#[tokio::test]
async fn a_start_that_waits_for_a_silent_database_ends_when_it_is_told_to() {
    let database = TestDatabase::new().await;
    let url = database.url();
    let proxy = Proxy::before(&url).await;
    proxy.fall_silent();
    let patient = [("database.acquire_timeout_ms", "60000"), ("worker.orphan_after_ms", "120000")];
    let mut starting = DaemonProcess::run(&proxy.url(&url), &patient);
    eventually(PATIENCE, "it knocks", async || proxy.connections() > 0).await;
    starting.terminate();
    assert!(starting.wait(Duration::from_secs(20)).await.success());
}
