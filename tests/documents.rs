//! What the documents show to paste works: every bundle in `docs/` is inserted and run, what the documents
//! say of its summary is there, the README leads from a file of one's own to a ranking, and every command
//! exists with the options shown.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use support::{DaemonProcess, TestDatabase, eventually};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(120);

/// The SQL blocks of a document, each with the heading it stands under.
fn sql_blocks(document: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let (mut heading, mut block) = (String::new(), None::<String>);
    for line in document.lines() {
        match (&mut block, line) {
            (None, "```sql") => block = Some(String::new()),
            (None, _) => {
                if let Some(title) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
                    title.clone_into(&mut heading);
                }
            }
            (Some(text), "```") => {
                blocks.push((heading.clone(), std::mem::take(text)));
                block = None;
            }
            (Some(text), _) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}

#[tokio::test]
async fn every_bundle_that_the_scenarios_show_runs_to_its_end() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scenarios.md");
    let document = fs::read_to_string(path).unwrap();
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let mut inserted: Vec<(String, Uuid)> = Vec::new();
    for (heading, sql) in sql_blocks(&document) {
        let bundle = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db.pool()).await;
        inserted
            .push((heading.clone(), bundle.unwrap_or_else(|error| panic!("{heading}: {error}"))));
    }
    assert!(inserted.len() >= sluicegate::backtest::presets::PRESETS.len());
    for (heading, bundle) in inserted {
        let (status, error, failed, trades) = eventually(PATIENCE, &heading, async || {
            let row = sqlx::query(
                "select status, error, failed,
                        (select sum(trade_count) from sluicegate.results where bundle_id = b.id) as trades
                   from sluicegate.bundles b
                  where id = $1 and status not in ('pending', 'expanding', 'running')",
            )
            .bind(bundle)
            .fetch_optional(db.pool())
            .await
            .unwrap()?;
            let trades: Option<i64> = row.get("trades");
            let (status, error): (String, Option<String>) = (row.get("status"), row.get("error"));
            Some((status, error, row.get::<i32, _>("failed"), trades))
        })
        .await;
        assert_eq!((status.as_str(), error, failed), ("completed", None, 0), "{heading}");
        assert!(trades.unwrap_or(0) > 0, "{heading}: nothing was traded");
    }
}

#[tokio::test]
async fn a_summary_has_every_key_that_the_statistics_are_said_to_have() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/statistics.md");
    let document = fs::read_to_string(path).unwrap();
    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[]);
    let (_, sql) = sql_blocks(&document).pop().unwrap();
    let bundle: Uuid = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db.pool()).await.unwrap();
    let statistics = eventually(PATIENCE, "the bundle ends", async || {
        let read = "select summary -> 'statistics' from sluicegate.bundles
                     where id = $1 and status = 'completed'";
        let row = sqlx::query_scalar::<_, Value>(read).bind(bundle);
        row.fetch_optional(db.pool()).await.unwrap()
    })
    .await;
    let table = document.split("## Keys of").nth(1).unwrap().split("## ").next().unwrap();
    let mut keys = 0;
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split('|').nth(1).unwrap();
        for key in cell.split('`').skip(1).step_by(2) {
            let pointer = format!("/{}", key.replace('.', "/"));
            let found = statistics.pointer(&pointer);
            assert!(found.is_some_and(|value| !value.is_null()), "{key}: {found:?}");
            keys += 1;
        }
    }
    assert!(keys > 20, "{keys}");
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[tokio::test]
async fn the_readme_leads_from_a_file_of_ones_own_to_a_ranking() {
    let folder = tempfile::tempdir().unwrap();
    let candles = folder.path().join("candles").display().to_string();
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/data/candles/SP500/1d/candles.csv");
    fs::copy(own, folder.path().join("prices.csv")).unwrap();
    let readme = read("README.md");
    let import = readme.lines().find(|line| line.starts_with("sluicegate candles import")).unwrap();
    let arguments = import.split('#').next().unwrap().split_whitespace().skip(1);
    let imported = Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(arguments)
        .env("SLUICEGATE__CANDLES__FILES__DIR", &candles)
        .current_dir(&folder)
        .status();
    assert!(imported.unwrap().success());

    let db = TestDatabase::new().await;
    let _daemon = DaemonProcess::run(&db.url(), &[("candles.files.dir", &candles)]);
    let (_, sql) = sql_blocks(&readme).pop().unwrap();
    let statements: Vec<&str> = sql.split_inclusive(";\n").collect();
    let [insert, status, ranking, verdict] = statements[..] else {
        panic!("{} statements", statements.len())
    };
    let owned = |sql: &str| AssertSqlSafe(sql.to_owned());
    let _bundle: Uuid = sqlx::query_scalar(owned(insert)).fetch_one(db.pool()).await.unwrap();
    eventually(PATIENCE, "the bundle ends", async || {
        let row = sqlx::query(owned(status)).fetch_one(db.pool()).await.unwrap();
        let (status, total): (String, Option<i32>) = (row.get("status"), row.get("total"));
        (status == "completed" && total == Some(24)).then_some(())
    })
    .await;
    assert_eq!(sqlx::query(owned(ranking)).fetch_all(db.pool()).await.unwrap().len(), 10);
    let verdict: Option<String> =
        sqlx::query_scalar(owned(verdict)).fetch_one(db.pool()).await.unwrap();
    assert!(verdict.is_some_and(|said| !said.is_empty()));
}

#[tokio::test]
async fn the_statements_of_configuration_and_results_are_accepted() {
    let db = TestDatabase::new().await;
    let mut run = 0;
    for document in ["docs/configuration.md", "docs/results.md"] {
        for (heading, sql) in sql_blocks(&read(document)) {
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(db.pool()).await;
            done.unwrap_or_else(|error| panic!("{document}, {heading}: {error}"));
            run += 1;
        }
    }
    assert_eq!(run, 2);
}

/// The lines of the shell blocks of a document, without comments.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let makefile = read("Makefile");
    let mut seen = 0;
    for document in
        ["README.md", "docs/candles.md", "docs/benchmarks.md", "docs/faults.md", "k8s/README.md"]
    {
        for line in commands(&read(document)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["make", target, ..] => {
                    assert!(makefile.contains(&format!("\n{target}: ")), "{document}: {line}");
                }
                ["sluicegate", ref arguments @ ..] => {
                    let mut command = Command::new(env!("CARGO_BIN_EXE_sluicegate"));
                    let help = command.args(arguments).arg("--help").output().unwrap();
                    let said = String::from_utf8_lossy(&help.stderr).into_owned();
                    assert!(help.status.success(), "{document}: {line}: {said}");
                }
                _ => continue,
            }
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen} commands");
}
