//! Limits that change while the daemon runs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

fn write_rate(dir: &Path, rate: &str) {
    let text = format!("[pipes.pending_job]\nrate_per_second = {rate}\n");
    fs::write(dir.join("default.toml"), text).unwrap();
}

#[tokio::test]
async fn a_new_rate_holds_after_sighup_and_a_wrong_one_is_refused() {
    let db = TestDatabase::new().await;
    let dir = tempfile::tempdir().unwrap();
    write_rate(dir.path(), "0.01");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
    command.arg("--config-dir").arg(dir.path()).arg("run").env("DATABASE_URL", db.url());
    command.env("SLUICEGATE__HTTP__LISTEN", "");
    let daemon = DaemonProcess::of(command);
    let ended = async || -> i64 {
        sqlx::query_scalar("select count(*) from sluicegate.outcomes")
            .fetch_one(db.pool())
            .await
            .unwrap()
    };
    sqlx::query(
        r#"insert into sluicegate.jobs (user_id, kind, spec)
           select 'bob', 'sleep', '{"seconds": 0}' from generate_series(1, 200)"#,
    )
    .execute(db.pool())
    .await
    .unwrap();
    // One job may start at once; the next one is due after 100 seconds.
    eventually(PATIENCE, "the first job ends", async || ended().await == 1).await;

    write_rate(dir.path(), "-5");
    daemon.reload();
    eventually(PATIENCE, "the wrong rate is refused", async || {
        daemon.log().contains("pipes.pending_job.rate_per_second: found -5")
    })
    .await;
    assert_eq!(ended().await, 1);

    write_rate(dir.path(), "1000");
    daemon.reload();
    eventually(PATIENCE, "the others follow at the new rate", async || ended().await == 200).await;
    eventually(PATIENCE, "it is said", async || daemon.log().contains("limits changed")).await;
}
