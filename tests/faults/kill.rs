//! SIGKILL in the middle of work.

use crate::history;
use crate::scene::{Daemon, PATIENCE, insert_bundle, insert_sleeps, one, until, until_all_ended};
use crate::support::TestDatabase;

/// With the default settings, orphans run elsewhere after less than this, seconds: the lost session
/// shows the death, before the lease of 15 s could. How fast it is, is printed, not asserted.
const RESTART_SECONDS_MAX: f64 = 12.0;

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a figure worth quoting")]
async fn a_killed_daemons_jobs_run_elsewhere_within_seconds_and_count_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let mut victim = Daemon::start(&database, &[]).await;
    insert_bundle(pool, 10).await;
    insert_sleeps(pool, 60, 2_000, 100).await;
    until(pool, "select count(*) = 60 from sluicegate.queue where state = 1 and bundle_id is null")
        .await;
    let _survivor = Daemon::start(&database, &[]).await;
    assert_eq!(victim.worker, 1);
    until(
        pool,
        "select count(*) filter (where started_at is not null) >= 5
            and count(*) filter (where started_at is null) >= 1
            and exists (select from sluicegate.outcomes where worker = 2)
           from sluicegate.queue where worker = 1",
    )
    .await;
    sqlx::query("create table kill_time as select clock_timestamp() as at")
        .execute(pool)
        .await
        .unwrap();
    victim.kill9();
    victim.process.wait(PATIENCE).await;
    let orphans = sqlx::query(
        "create table orphans as select job_id, fence, started_at is not null as was_running
           from sluicegate.queue
          where state = 1 and worker = 1",
    );
    let orphans = orphans.execute(pool).await.unwrap().rows_affected();
    assert!(orphans >= 6, "{orphans} orphans");
    until_all_ended(pool).await;
    history::check(pool).await;

    let waits = "select jsonb_build_object(
            'orphans', count(*), 'running', count(*) filter (where r.was_running),
            'first_s', min(extract(epoch from o.claimed_at - k.at)),
            'last_s', max(extract(epoch from o.claimed_at - k.at)),
            'last_start_s', max(extract(epoch from o.started_at - k.at)))
          from orphans r join sluicegate.outcomes o using (job_id) cross join kill_time k";
    let waits: serde_json::Value = one(pool, waits).await;
    eprintln!("seconds from SIGKILL to the next claim of what it held: {waits}");
    let last = waits.get("last_s").and_then(serde_json::Value::as_f64).unwrap();
    assert!((0.0..RESTART_SECONDS_MAX).contains(&last), "{waits}");
    let uncounted = "select count(*) from sluicegate.outcomes o join orphans r using (job_id)
                      where o.failures > 0 or o.fence <= r.fence or o.status <> 1";
    assert_eq!(one::<i64>(pool, uncounted).await, 0, "orphans that failed or kept their fence");
    assert_eq!(one::<String>(pool, "select status from sluicegate.bundles").await, "completed");
}
