//! The tests' own tools hold what they promise: isolation, and nothing left behind.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection, PgPool};
use tempfile::TempDir;
use uuid::Uuid;

use support::{DaemonProcess, TestDatabase, cluster_of_run, eventually};

/// Long enough for a server to start or stop on a busy machine.
const SOON: Duration = Duration::from_secs(30);

async fn has_table(pool: &PgPool, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_tables where tablename = $1)")
        .bind(name)
        .fetch_one(pool)
        .await
        .unwrap()
}

async fn has_database(pool: &PgPool, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Where the server behind `url` keeps its data, and its process id.
async fn server_behind(url: &str) -> (PathBuf, String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let folder: String =
        sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await.unwrap();
    let lock = fs::read_to_string(Path::new(&folder).join("postmaster.pid")).unwrap();
    (PathBuf::from(folder), lock.lines().next().unwrap().to_owned())
}

fn is_running(pid: &str) -> bool {
    // What has ended and was not waited for has an empty command line.
    fs::read(Path::new("/proc").join(pid).join("cmdline")).is_ok_and(|line| !line.is_empty())
}

/// A shell `script` that may start `"$0" "$@"`: this test binary with one test that uses a database.
fn shell_with_a_test(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "a_database_has_the_schema_and_takes_a_table"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_remove("SLUICEGATE_TEST_DATABASE_URL")
        .process_group(0);
    command
}

fn kill_group(pid: u32) {
    killpg(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn a_database_has_the_schema_and_takes_a_table() {
    let db = TestDatabase::new().await;
    assert!(has_table(db.pool(), "jobs").await);
    sqlx::query("create table mine ()").execute(db.pool()).await.unwrap();
    assert!(has_table(db.pool(), "mine").await);
}

#[tokio::test]
async fn what_one_test_writes_another_does_not_see() {
    let (one, other) = tokio::join!(TestDatabase::new(), TestDatabase::new());
    sqlx::query("create table mine ()").execute(one.pool()).await.unwrap();
    assert!(!has_table(other.pool(), "mine").await);
}

#[tokio::test]
async fn a_panicking_test_leaves_no_database() {
    let watching = TestDatabase::new().await;
    let (name_sender, name) = tokio::sync::oneshot::channel();
    let test = tokio::spawn(async {
        let db = TestDatabase::new().await;
        sqlx::query("select 1").execute(db.pool()).await.unwrap();
        name_sender.send(db.name().to_owned()).unwrap();
        panic!("as a failing test does");
    });
    assert!(test.await.unwrap_err().is_panic());
    assert!(!has_database(watching.pool(), &name.await.unwrap()).await);
}

#[tokio::test]
async fn tests_of_one_run_that_come_at_once_share_a_server_that_ends_with_the_runner() {
    let run = Uuid::new_v4().to_string();
    let script = r#""$0" "$@" & a=$!; "$0" "$@" & b=$!; "$0" "$@" & c=$!
        wait $a && wait $b && wait $c && read -r _"#;
    let mut runner = shell_with_a_test(script)
        .env("NEXTEST_RUN_ID", &run)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let url = eventually(SOON, "a server is started", async || cluster_of_run(&run)).await;
    let (folder, pid) = server_behind(&url).await;
    // The end of its input lets the runner end, with success if all three tests had it.
    drop(runner.stdin.take());
    eventually(SOON, "the runner ends", async || runner.try_wait().unwrap()).await;
    eventually(SOON, "the server ends", async || !is_running(&pid)).await;
    eventually(SOON, "its folder goes", async || !folder.parent().unwrap().exists()).await;
}

#[tokio::test]
async fn a_killed_runner_leaves_no_server() {
    let run = Uuid::new_v4().to_string();
    let mut runner = shell_with_a_test(r#""$0" "$@"; read -r _"#)
        .env("NEXTEST_RUN_ID", &run)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let url = eventually(SOON, "a server is started", async || cluster_of_run(&run)).await;
    let (folder, pid) = server_behind(&url).await;
    assert!(is_running(&pid));
    kill_group(runner.id());
    runner.wait().unwrap();
    eventually(SOON, "the server ends", async || !is_running(&pid)).await;
    eventually(SOON, "its folder goes", async || !folder.parent().unwrap().exists()).await;
}

#[tokio::test]
async fn a_killed_owner_leaves_no_server_whatever_the_server_was_doing() {
    for reached in ["data/base", "data/postmaster.pid"] {
        let place = open_folder();
        let mut owner = shell_with_a_test(r#"exec "$0" "$@""#)
            .env_remove("NEXTEST_RUN_ID")
            .env("TMPDIR", place.path())
            .spawn()
            .unwrap();
        eventually(SOON, reached, async || server_has(place.path(), reached)).await;
        kill_group(owner.id());
        owner.wait().unwrap();
        nothing_is_left_in(place.path()).await;
    }
}

#[tokio::test]
async fn a_runner_killed_while_its_first_test_starts_the_server_leaves_none() {
    let place = open_folder();
    // The test is in a group of its own, as under nextest, and lives on when the runner is killed.
    let mut runner = shell_with_a_test(r#"setsid "$0" "$@" & wait"#)
        .env("NEXTEST_RUN_ID", Uuid::new_v4().to_string())
        .env("TMPDIR", place.path())
        .spawn()
        .unwrap();
    let reached = "data/base";
    eventually(SOON, reached, async || server_has(place.path(), reached)).await;
    kill_group(runner.id());
    runner.wait().unwrap();
    nothing_is_left_in(place.path()).await;
}

/// A temporary folder open to the server's user, which is another one when the tests run as root.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

fn server_has(place: &Path, file: &str) -> bool {
    let mut servers = fs::read_dir(place).unwrap();
    servers.any(|server| server.unwrap().path().join(file).exists())
}

async fn nothing_is_left_in(place: &Path) {
    let folder = || fs::read_dir(place).unwrap().next();
    eventually(SOON, "the folder goes", async || folder().is_none()).await;
    let name = place.to_str().unwrap();
    eventually(SOON, "the server ends", async || !names_a_process(name)).await;
}

/// Whether any process has `text` in its command line.
fn names_a_process(text: &str) -> bool {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(text))
}

#[tokio::test]
async fn a_crashed_durable_server_comes_back_with_its_rows_on_its_port() {
    let mut db = TestDatabase::durable().await;
    sqlx::query("create table mine as select 7 as n").execute(db.pool()).await.unwrap();
    let port = db.server().port();
    db.server().kill_immediately().unwrap();
    assert_eq!(db.server().pid(), None);
    PgConnection::connect(&db.url()).await.unwrap_err();
    db.server().restart().unwrap();
    assert_eq!(db.server().port(), port);
    let kept = eventually(SOON, "the pool reconnects", async || {
        sqlx::query_scalar::<_, i32>("select n from mine").fetch_one(db.pool()).await.ok()
    });
    assert_eq!(kept.await, 7);
}

#[tokio::test]
async fn a_wait_in_vain_says_for_what() {
    let waiting = tokio::spawn(eventually(Duration::ZERO, "pigs fly", async || false));
    let panic = waiting.await.unwrap_err().into_panic();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("pigs fly"), "{said}");
}

#[tokio::test]
async fn a_daemon_is_frozen_woken_and_ended_by_signals() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "echo up; exec sleep 600"]);
    let mut daemon = DaemonProcess::of(command);
    eventually(SOON, "it logs", async || daemon.log() == "up\n").await;
    let stat = format!("/proc/{}/stat", daemon.pid());
    let is_frozen = || fs::read_to_string(&stat).unwrap().contains(") T ");
    daemon.stop_signal();
    eventually(SOON, "it freezes", async || is_frozen()).await;
    daemon.cont();
    eventually(SOON, "it wakes", async || !is_frozen()).await;
    daemon.terminate();
    let status = daemon.wait(SOON).await;
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
}

#[tokio::test]
async fn a_dropped_daemon_is_dead_even_when_it_ignores_signals() {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' TERM INT HUP; echo up; while :; do sleep 1; done"]);
    let daemon = DaemonProcess::of(command);
    eventually(SOON, "it logs", async || daemon.log() == "up\n").await;
    let pid = daemon.pid().to_string();
    drop(daemon);
    assert!(!is_running(&pid));
}
