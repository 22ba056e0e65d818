//! The programs of `docs/clients.md` in Python, Node and psql do what is said there, against a real daemon.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{DaemonProcess, TestDatabase};

const REJECTED: &str = "scenario_variants[0].params.fast: found 0, allowed 1 to 10000";

/// Where `scripts/ensure-tools` puts the drivers.
fn clients() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("clients")
}

/// Makes sure that a driver is there.
fn ensure(driver: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/ensure-tools");
    let target = clients();
    let output = Command::new(script)
        .arg(driver)
        .env("CARGO_TARGET_DIR", target.parent().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "scripts/ensure-tools {driver} could not get it:\n{said}");
}

/// The first block in this language.
fn program(language: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/clients.md");
    let document = fs::read_to_string(path).unwrap();
    let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

/// Runs a program that finds the database in its environment, beside a daemon; what it printed.
async fn run(mut command: Command) -> String {
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    command.env("DATABASE_URL", db.url());
    let ran = tokio::task::spawn_blocking(move || command.output());
    let Output { status, stdout, stderr } = ran.await.unwrap().unwrap();
    let (said, errors) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}\n{errors}");
    said
}

/// What a program of the document prints.
fn assert_told(said: &str) {
    for line in ["completed: 18 of 18 jobs succeeded".to_owned(), format!("rejected: {REJECTED}")] {
        assert!(said.lines().any(|told| told == line), "{line} is not in\n{said}");
    }
    let ranked = said.lines().filter(|line| line.contains(": Sharpe "));
    assert_eq!(ranked.count(), 5, "{said}");
    assert!(said.contains("1. NASDAQ {") || said.contains("1. SP500 {"), "{said}");
}

#[tokio::test]
async fn the_python_program_asks_follows_and_ranks() {
    tokio::task::spawn_blocking(|| ensure("psycopg")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.py");
    fs::write(&file, program("python")).unwrap();
    let mut command = Command::new(clients().join("python/bin/python"));
    command.arg("-u").arg(file);
    assert_told(&run(command).await);
}

#[tokio::test]
async fn the_node_program_asks_follows_and_ranks() {
    tokio::task::spawn_blocking(|| ensure("pg")).await.unwrap();
    // Packages are looked for from the program's own folder upwards.
    let folder = tempfile::tempdir_in(clients().join("node")).unwrap();
    let file = folder.path().join("client.mjs");
    fs::write(&file, program("js")).unwrap();
    let mut command = Command::new("node");
    command.arg(file);
    assert_told(&run(command).await);
}

#[tokio::test]
async fn the_psql_script_asks_waits_and_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("follow.sql");
    fs::write(&file, program("sql")).unwrap();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"psql "$DATABASE_URL" -X -A -t -v ON_ERROR_STOP=1 -f "$0""#]).arg(file);
    let said = run(command).await;
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 7, "{said}");
    assert!(lines[0].starts_with("completed|100|18|18|0|0|{"), "{said}");
    assert!(lines[1..6].iter().all(|line| line.split('|').count() == 5), "{said}");
    assert!(lines[6].starts_with("rejected|") && lines[6].ends_with(REJECTED), "{said}");
}
