//! SIGKILL in the middle of an expansion.

use crate::history;
use crate::scene::{Daemon, PATIENCE, insert_bundle, insert_cancel, one, until, until_all_ended};
use crate::support::TestDatabase;

#[tokio::test]
async fn another_daemon_finishes_an_expansion_and_every_job_is_there_once() {
    let database = TestDatabase::new().await;
    let pool = database.pool();
    let settings = [
        ("bundles.expansion_batch_jobs", "10"),
        ("bundles.expansion_hold_ms", "1000"),
        ("pipes.bundle_expansion.poll_interval_ms", "200"),
        ("pipes.pending_job.rate_per_second", "0.1"),
    ];
    let mut victim = Daemon::start(&database, &settings).await;
    insert_bundle(pool, 250).await;
    until(pool, "select expanded >= 500 from sluicegate.bundles").await;
    victim.kill9();
    victim.process.wait(PATIENCE).await;
    let half = "select status = 'expanding' and expanded < total and total = 5000
                  from sluicegate.bundles";
    assert!(one::<bool>(pool, half).await);

    let _other = Daemon::start(&database, &settings).await;
    until(pool, "select status = 'running' and expanded = total from sluicegate.bundles").await;
    let numbers = "select count(*) = 5000 and count(distinct seq) = 5000 and min(seq) = 0
                      and max(seq) = 4999 and count(distinct spec) = 5000 from sluicegate.jobs";
    assert!(one::<bool>(pool, numbers).await);
    insert_cancel(pool, "alice", None, None).await;
    until_all_ended(pool).await;
    history::check(pool).await;
}
