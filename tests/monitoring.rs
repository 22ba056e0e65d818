//! Alerts and dashboard, against what a real daemon tells, and against what is written of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sluicegate::http::ask;
use support::{DaemonProcess, TestDatabase, eventually};
use walkdir::WalkDir;

const PATIENCE: Duration = Duration::from_secs(100);

/// Metrics of what a daemon that is well, and alone on its server, does not have.
const NOT_HERE: [&str; 1] = ["sluicegate_guard_replica_lag_seconds"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every rule: its name and its expression.
fn rules() -> Vec<(String, String)> {
    let alerts: Value = serde_saphyr::from_str(&read("monitoring/alerts.yaml")).unwrap();
    let rules = alerts.pointer("/groups/0/rules").unwrap().as_array().unwrap();
    let text = |rule: &Value, key: &str| rule[key].as_str().unwrap().to_owned();
    rules.iter().map(|rule| (text(rule, "alert"), text(rule, "expr"))).collect()
}

/// Every expression of the dashboard.
fn panels() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("monitoring/dashboard.json")).unwrap();
    let targets = dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    targets.flatten().map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The metrics that an expression names.
fn names_in(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sluicegate_")).map(str::to_owned).collect()
}

/// The names of all series that a scrape shows.
fn names_of(scrape: &str) -> BTreeSet<String> {
    let series = scrape.lines().filter(|line| !line.starts_with('#'));
    series.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// A scrape of a daemon that has run a backtest, a job that fails, and one that was given back to it.
async fn scrape() -> String {
    let db = TestDatabase::new().await;
    let settings = [("http.listen", "127.0.0.1:0"), ("reload.check_interval_ms", "200")];
    let daemon = DaemonProcess::as_delivered(&db.url(), &settings);
    let listen = eventually(PATIENCE, "it listens", async || {
        let log = daemon.log();
        let (_, rest) = log.split_once("probes and metrics address=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    })
    .await;
    let insert = r#"insert into sluicegate.jobs (user_id, kind, spec, max_failures) values
        ('alice', 'backtest', '{"ticker": "NASDAQ", "timeframe": "1d", "range": {"from": "2010-01-01", "until": "2011-01-01"},
                                "scenario": {"preset": "buy_and_hold"}}', 1),
        ('alice', 'sleep', '{"seconds": 0, "fail": true}', 1)"#;
    eventually(PATIENCE, "the schema is there", async || {
        sqlx::query(insert).execute(db.pool()).await.is_ok()
    })
    .await;
    // A worker that is long dead and held a job that had been claimed before.
    let dead = r#"
        insert into sluicegate.workers (id, host, version, slots, renewed_at, lease_until)
        values (1000000, 'gone', '0', 1, now() - interval '1 hour', now() - interval '1 hour');
        insert into sluicegate.jobs (user_id, kind, spec, run_at)
        values ('bob', 'sleep', '{"seconds": 0}', now() + interval '1 hour');
        update sluicegate.queue q set state = 1, worker = 1000000, claimed_at = now(), attempt = 1, fence = 1
          from sluicegate.jobs j where j.id = q.job_id and j.user_id = 'bob';
        update sluicegate.lanes set running = 1, oldest_id = 0, newest_id = 1000000 where user_id = 'bob';"#;
    sqlx::raw_sql(dead).execute(db.pool()).await.unwrap();
    for told in [
        "rescue_seconds_count 1",
        "retries_total{kind=\"sleep\"} 1",
        "candles_total 2",
        "guard_commit_baseline_seconds ",
    ] {
        eventually(PATIENCE, told, async || {
            ask(&listen, "/metrics").await.ok()?.contains(told).then_some(())
        })
        .await;
    }
    ask(&listen, "/metrics").await.unwrap()
}

#[tokio::test]
async fn every_metric_of_alerts_and_dashboard_is_told_by_a_daemon() {
    let text = scrape().await;
    let told = names_of(&text);
    assert!(told.len() > 60, "{} names", told.len());
    let expressions = rules().into_iter().map(|(_, expression)| expression).chain(panels());
    let mut named = 0;
    for expression in expressions {
        for name in names_in(&expression) {
            let known = told.contains(&name) || NOT_HERE.contains(&name.as_str());
            assert!(known, "{name}, in {expression}, is in no scrape\n{text}");
            named += 1;
        }
    }
    assert!(named > 60, "{named} names");
}

#[test]
fn every_alert_is_explained_and_every_explanation_is_of_an_alert() {
    let document = read("docs/operations.md");
    let explained: BTreeSet<&str> =
        document.lines().filter_map(|line| line.strip_prefix("### Sluicegate")).collect();
    let rules = rules();
    let named: BTreeSet<&str> =
        rules.iter().map(|(name, _)| name.strip_prefix("Sluicegate").unwrap()).collect();
    assert_eq!(explained, named);
}

#[test]
fn the_rules_of_the_operator_are_the_rules() {
    let plain: Value = serde_saphyr::from_str(&read("monitoring/alerts.yaml")).unwrap();
    let rule = read("k8s/overlays/monitoring/prometheus-rule.yaml");
    let rule: Value = serde_saphyr::from_str(&rule).unwrap();
    assert_eq!(rule["spec"], plain);
}

/// The messages of all events of level `warn` and `error`.
fn warnings() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in WalkDir::new(src).into_iter().filter_map(Result::ok) {
        if entry.path().extension().is_none_or(|end| end != "rs") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        for event in ["tracing::warn!(", "tracing::error!("] {
            for (_, rest) in
                text.match_indices(event).map(|(at, _)| text.split_at(at + event.len()))
            {
                let mut depth = 1;
                let closes = |c: char| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    depth == 0
                };
                let end = rest.find(closes).unwrap();
                let quoted: Vec<&str> = rest.split_at(end).0.split('"').collect();
                // The message is the last text of an event.
                found.insert(quoted[quoted.len() - 2].to_owned());
            }
        }
    }
    found
}

#[test]
fn every_warning_is_explained_and_every_explained_line_is_written() {
    let document = read("docs/operations.md");
    let warnings = warnings();
    assert!(warnings.len() > 20, "{warnings:?}");
    for message in &warnings {
        let explained = document.contains(&format!("| `{message}` |"));
        assert!(explained, "docs/operations.md: nothing is said of {message:?}");
    }
    let sources: String = WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .into_iter()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    let (_, lines) = document.split_once("## Log lines").unwrap();
    for line in lines.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (message, _) = line.split_once("` |").unwrap_or_else(|| panic!("{line}"));
        assert!(sources.contains(&format!("\"{message}\"")), "nobody logs {message:?}");
    }
}

#[test]
#[ignore = "needs promtool, of Debian's package prometheus; make check-all installs it"]
fn the_rules_fire_when_they_should() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("monitoring");
    let tested = Command::new("promtool")
        .args(["test", "rules", "alerts.test.yaml"])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.status.success(), "{said}{}", String::from_utf8_lossy(&tested.stderr));
}
