//! A claim that waits for its turn while jobs are inserted.

use sluicegate::store::{DatabaseSettings, Store};

use crate::scene::{insert_sleeps, one, until};
use crate::support::TestDatabase;

#[tokio::test]
async fn a_claim_tells_all_it_has_claimed_also_jobs_inserted_while_it_waited() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let store = Store::new(&DatabaseSettings {
        url: database.url(),
        session_url: String::new(),
        pooled: false,
        max_connections: 3,
        acquire_timeout_ms: 10_000,
        statement_timeout_ms: 60_000,
    })
    .unwrap();
    let worker = store.next_worker_id().await.unwrap();
    store.register_worker(worker, "host", 1, 600_000).await.unwrap();
    let mut turn = pool.begin().await.unwrap();
    sqlx::query("select pg_advisory_xact_lock('sluicegate.lanes'::regclass::oid::int, 0)")
        .execute(&mut *turn)
        .await
        .unwrap();
    let claim = tokio::spawn(async move { store.claim_jobs(worker, 10, &[], 0).await.unwrap() });
    until(pool, "select exists (select from pg_locks where locktype = 'advisory' and not granted
                    and database = (select oid from pg_database where datname = current_database()))")
        .await;
    insert_sleeps(pool, 3, 0, 0).await;
    turn.commit().await.unwrap();
    assert_eq!(claim.await.unwrap().len(), 3);
    assert_eq!(one::<i64>(pool, "select count(*) from sluicegate.queue where state = 1").await, 3);
}
