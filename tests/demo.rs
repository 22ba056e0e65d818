//! `sluicegate demo` shows what it promises and leaves nothing behind, however it ends.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};
use support::{DaemonProcess, eventually};
use tempfile::TempDir;

/// The demo takes about ten seconds; the machine may be busy.
const WHOLE_DEMO: Duration = Duration::from_secs(120);
/// A stop takes about a second.
const STOP: Duration = Duration::from_secs(30);

/// A demo whose temporary files all go into a folder of the test's.
struct Demo {
    process: DaemonProcess,
    folder: TempDir,
}

impl Demo {
    fn start(configure: impl FnOnce(&mut Command)) -> Self {
        // Short enough for a socket, and open to the user the server runs as.
        let folder = tempfile::Builder::new().prefix("demo-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
        command.arg("demo").env("TMPDIR", folder.path());
        configure(&mut command);
        Self { process: DaemonProcess::of(command), folder }
    }

    /// Waits until the server runs, so that there is something to leave behind.
    async fn server_runs(&self) {
        eventually(WHOLE_DEMO, "the server writes its lock file", async || {
            folders_in(self.folder.path()).iter().any(|at| at.join("data/postmaster.pid").exists())
        })
        .await;
        assert!(!processes_of(self.folder.path()).is_empty());
    }

    async fn says(&self, words: &str) -> String {
        let find = async || Some(self.process.log()).filter(|log| log.contains(words));
        eventually(WHOLE_DEMO, words, find).await
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end: its exit code and all it said. Fails if anything stayed behind.
    async fn end(mut self, deadline: Duration) -> (Option<i32>, String) {
        let status = self.process.wait(deadline).await;
        assert_eq!(folders_in(self.folder.path()), Vec::<PathBuf>::new());
        assert_eq!(processes_of(self.folder.path()), Vec::<String>::new());
        assert_eq!(status.signal(), None);
        (status.code(), self.process.log())
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The command lines in which `folder` appears: those of the server and of its guard.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(folder))
        .collect()
}

/// The rows of a table: lines whose first word is a number, taken apart by `separator`.
fn rows<'a>(log: &'a str, separator: &str) -> Vec<Vec<&'a str>> {
    log.lines()
        .filter(|line| line.contains(separator))
        .map(|line| line.split(separator).map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .filter(|cells: &Vec<&str>| cells.first().is_some_and(|id| id.parse::<u32>().is_ok()))
        .collect()
}

#[tokio::test]
async fn a_demo_ends_with_every_third_sleeper_cancelled_and_ten_variants_ranked() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(elsewhere.path().join("config")).unwrap();
    fs::write(elsewhere.path().join("config/default.toml"), "broken = [").unwrap();
    let demo = Demo::start(|command| {
        command
            .current_dir(&elsewhere)
            .env("SLUICEGATE_ENV", "nowhere")
            .env("PGSSLMODE", "require");
    });
    demo.server_runs().await;
    let (code, log) = demo.end(WHOLE_DEMO).await;
    assert_eq!(code, Some(0));

    let sleeps = rows(&log, " | ");
    let shown: Vec<[&str; 3]> = sleeps.iter().map(|row| [row[0], row[1], row[2]]).collect();
    let expected =
        ["DONE", "DONE", "CANCELLED", "DONE", "DONE", "CANCELLED", "DONE", "DONE", "CANCELLED"];
    let ids = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let expected: Vec<[&str; 3]> =
        ids.iter().zip(expected).map(|(id, status)| [*id, "sleep", status]).collect();
    assert_eq!(shown, expected);
    // Id, kind, status, then four times: created, queued, started, and finished or cancelled.
    assert!(sleeps.iter().all(|row| row.len() == 7), "{sleeps:?}");

    let best = rows(&log, "  ");
    let ranks: Vec<&str> = best.iter().map(|row| row[0]).collect();
    assert_eq!(ranks, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    assert!(best.iter().all(|row| row.len() == 12), "{best:?}");
    let sharpes: Vec<f64> = best.iter().map(|row| row[6].parse().unwrap()).collect();
    assert!(sharpes.is_sorted_by(|a, b| a >= b), "{sharpes:?}");
    assert!(log.contains("200 of 200"), "{log}");
    assert!(!log.contains('\x1b'), "no colours outside a terminal");
}

#[tokio::test]
async fn a_demo_interrupted_in_the_middle_leaves_nothing_behind() {
    let demo = Demo::start(|_| ());
    demo.server_runs().await;
    demo.says("bundle running").await;
    demo.signal(Signal::SIGINT);
    let (code, log) = demo.end(STOP).await;
    assert_eq!(code, Some(130));
    assert!(!log.contains("ten best"), "{log}");
}

#[tokio::test]
async fn a_demo_terminated_while_its_server_starts_leaves_nothing_behind() {
    let demo = Demo::start(|_| ());
    eventually(WHOLE_DEMO, "the folder is there", async || {
        !folders_in(demo.folder.path()).is_empty()
    })
    .await;
    demo.signal(Signal::SIGTERM);
    let (code, log) = demo.end(STOP).await;
    assert_eq!(code, Some(143));
    assert!(!log.contains("ten best"), "{log}");
}

#[tokio::test]
async fn a_killed_demo_leaves_nothing_behind() {
    let demo = Demo::start(|_| ());
    demo.says("candles of NASDAQ").await;
    demo.server_runs().await;
    demo.process.kill9();
    let folder = demo.folder.path();
    eventually(STOP, "the folder is empty and nobody uses it", async || {
        folders_in(folder).is_empty() && processes_of(folder).is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_kept_demo_takes_candles_and_bundles_of_ones_own_until_it_is_interrupted() {
    let demo = Demo::start(|command| {
        command.arg("--keep");
    });
    let log = demo.says("candles import").await;
    let exported = |name: &str| {
        let (_, rest) = log.split_once(&format!("export {name}='")).unwrap();
        rest.split_once('\'').unwrap().0.to_owned()
    };
    let mut user = PgConnection::connect(&exported("DATABASE_URL")).await.unwrap();
    let results: i64 = sqlx::query_scalar("select count(*) from sluicegate.results")
        .fetch_one(&mut user)
        .await
        .unwrap();
    assert_eq!(results, 200);

    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/data/candles/SP500/1d/candles.csv");
    let folder = "SLUICEGATE__CANDLES__FILES__DIR";
    let import = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(["candles", "import", own, "--ticker", "MINE"])
        .env(folder, exported(folder))
        .status();
    assert!(import.unwrap().success());
    let bundle: sqlx::types::Uuid = sqlx::query_scalar(
        r#"insert into sluicegate.bundles (user_id, universal_config, ticker_variants, date_ranges, scenario_variants)
           values ('me', '{"timeframe": "1d"}', '["MINE"]', '[{"last": "3650d"}]',
                   '[{"preset": "sma_cross", "params": {"fast": [10, 20], "slow": 50}}]') returning id"#,
    )
    .fetch_one(&mut user)
    .await
    .unwrap();
    let ranked = "select best ->> 'ticker' from sluicegate.bundle_status where id = $1 and status = 'completed'";
    let best = eventually(STOP, "the bundle of one's own ends", async || {
        let best = sqlx::query_scalar::<_, Option<String>>(ranked).bind(bundle);
        best.fetch_optional(&mut user).await.unwrap()
    })
    .await;
    assert_eq!(best.as_deref(), Some("MINE"));
    demo.signal(Signal::SIGINT);
    let (code, _) = demo.end(STOP).await;
    assert_eq!(code, Some(0));
}
