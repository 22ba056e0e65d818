//! Settings that change while the daemon runs.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sluicegate::http::ask;
use support::{DaemonProcess, TestDatabase, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon whose settings are `default.toml` in a folder; it looks at the file only when told by default.
struct Scene {
    db: TestDatabase,
    dir: tempfile::TempDir,
    daemon: DaemonProcess,
}

impl Scene {
    async fn new(first: &str, listen: &str) -> Self {
        let (db, dir) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
        Self::of(db, dir, |dir| fs::write(dir.join("default.toml"), first).unwrap(), listen)
    }

    fn of(db: TestDatabase, dir: tempfile::TempDir, write: impl Fn(&Path), listen: &str) -> Self {
        write(dir.path());
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.arg("--config-dir").arg(dir.path()).arg("run").env("DATABASE_URL", db.url());
        command.env("SLUICEGATE__HTTP__LISTEN", listen);
        let daemon = DaemonProcess::of(command);
        Self { db, dir, daemon }
    }

    fn write(&self, text: &str) {
        fs::write(self.dir.path().join("default.toml"), text).unwrap();
    }

    async fn insert(&self, jobs: i32) {
        sqlx::query(
            r#"insert into sluicegate.jobs (user_id, kind, spec)
               select 'bob', 'sleep', '{"seconds": 0}' from generate_series(1, $1)"#,
        )
        .bind(jobs)
        .execute(self.db.pool())
        .await
        .unwrap();
    }

    async fn ended(&self) -> i64 {
        sqlx::query_scalar("select count(*) from sluicegate.outcomes")
            .fetch_one(self.db.pool())
            .await
            .unwrap()
    }

    async fn until_ended(&self, jobs: i64) {
        eventually(PATIENCE, "jobs end", async || self.ended().await == jobs).await;
    }

    async fn until_logged(&self, text: &str) {
        eventually(PATIENCE, text, async || self.daemon.log().contains(text)).await;
    }
}

fn rate(rate: &str) -> String {
    format!("[reload]\ncheck_interval_ms = 0\n[pipes.pending_job]\nrate_per_second = {rate}\n")
}

#[tokio::test]
async fn a_new_rate_holds_after_sighup_and_a_wrong_one_is_refused() {
    let scene = Scene::new(&rate("0.01"), "").await;
    scene.insert(200).await;
    // One job may start at once; the next one is due after 100 seconds.
    scene.until_ended(1).await;

    scene.write(&rate("-5"));
    scene.daemon.reload();
    scene.until_logged("pipes.pending_job.rate_per_second: found -5").await;
    assert_eq!(scene.ended().await, 1);

    scene.write(&rate("1000"));
    scene.daemon.reload();
    scene.until_ended(200).await;
    scene
        .until_logged("setting changed key=\"pipes.pending_job.rate_per_second\" before=\"0.01\"")
        .await;
}

#[tokio::test]
async fn a_swapped_link_is_seen_without_a_signal_and_a_pause_holds_until_it_is_taken_out() {
    let quick = "[reload]\ncheck_interval_ms = 100\n";
    let paused = "[pipes.pending_job]\npaused = true\n";
    let (db, dir) = (TestDatabase::new().await, tempfile::tempdir().unwrap());
    // As a config map is mounted: the file is a link into a folder that is a link itself.
    let version = |dir: &Path, name: &str, text: &str| {
        fs::create_dir(dir.join(name)).unwrap();
        fs::write(dir.join(name).join("default.toml"), text).unwrap();
        symlink(name, dir.join("..next")).unwrap();
        fs::rename(dir.join("..next"), dir.join("..data")).unwrap();
    };
    let first = |dir: &Path| {
        version(dir, "1", &format!("{quick}{paused}"));
        symlink("..data/default.toml", dir.join("default.toml")).unwrap();
    };
    let scene = Scene::of(db, dir, first, "127.0.0.1:0");
    scene.until_logged("registered").await;
    scene.insert(3).await;
    let log = scene.daemon.log();
    let listen = log.split_once("metrics address=\"").unwrap().1.split_once('"').unwrap().0;
    let tells = async |line: &str| {
        eventually(PATIENCE, line, async || ask(listen, "/metrics").await.unwrap().contains(line))
            .await;
    };
    tells(r#"sluicegate_pipe_paused{pipe="pending_job"} 1.0"#).await;

    version(scene.dir.path(), "2", "[pipes.pending_job]\npaussed = true\n");
    scene
        .until_logged(
            "unknown key pipes.pending_job.paussed, did you mean pipes.pending_job.paused?",
        )
        .await;
    tells("sluicegate_settings_refused 1").await;
    assert_eq!(scene.ended().await, 0, "it is paused still");

    let slots = "[worker]\nslots = 3\n[candles]\ncache_mb_max = 77\n";
    version(scene.dir.path(), "3", &format!("{quick}{slots}"));
    scene.until_ended(3).await;
    tells("sluicegate_settings_refused 0").await;
    tells("sluicegate_slots 3.0").await;
    eventually(PATIENCE, "the row says so too", async || {
        let slots = sqlx::query_scalar::<_, i32>("select slots from sluicegate.workers");
        slots.fetch_one(scene.db.pool()).await.unwrap() == 3
    })
    .await;
    tells(r#"sluicegate_settings_reloads_total{result="applied"} 1"#).await;
    scene
        .until_logged("setting changed; it holds after a restart key=\"candles.cache_mb_max\"")
        .await;
}
