//! What the documents show to paste works: every bundle in `docs/` is inserted and run, and what the
//! documents say of its summary is there.

mod support;

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
    let document = std::fs::read_to_string(path).unwrap();
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
    let document = std::fs::read_to_string(path).unwrap();
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
