//! The whole path on a real Postgres, from inserted rows to outcomes: throughput, latency, scale, fairness,
//! cost of a claim. Prints a table and writes `target/bench/whole_path.json`.
//!
//! `cargo bench --bench whole_path -- --quick` does a little of each in a few seconds.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod beside;
mod bundles;
mod claims;
mod fairness;
mod idle;
mod site;
#[path = "../../tests/support/mod.rs"]
mod support;
mod sweep;
mod throughput;

use std::path::Path;

use serde_json::{Map, Value, json};

use site::Site;

/// How much of each is done.
struct Sizes {
    jobs: i32,
    idle_jobs: usize,
    bundles: i32,
    sweep: (i32, i32),
    rows_before: i32,
    big_user_jobs: i32,
    claim_rows: &'static [i32],
    /// Jobs, seconds of each case, rounds.
    beside: (i32, u64, usize),
}

const FULL: Sizes = Sizes {
    jobs: 50_000,
    idle_jobs: 300,
    bundles: 1_000,
    sweep: (50, 200),
    rows_before: 100_000,
    big_user_jobs: 5_000,
    claim_rows: &[1_000, 100_000, 1_000_000],
    beside: (300_000, 20, 3),
};
const QUICK: Sizes = Sizes {
    jobs: 2_000,
    idle_jobs: 20,
    bundles: 16,
    sweep: (4, 5),
    rows_before: 1_000,
    big_user_jobs: 300,
    claim_rows: &[1_000],
    beside: (20_000, 2, 1),
};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let asked: Vec<String> = std::env::args().collect();
    let given = |name: &str| asked.iter().any(|argument| argument == name);
    // `cargo test --benches` runs each bench once, without `--bench`.
    let sizes = if given("--quick") || !given("--bench") { QUICK } else { FULL };
    let only = asked.iter().skip(1).find(|argument| !argument.starts_with("--"));
    let report = runtime.block_on(measure(&sizes, only.map(String::as_str)));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let text = serde_json::to_string_pretty(&report).unwrap();
    std::fs::write(folder.join("whole_path.json"), text).unwrap();
}

/// Everything, or the one section that was named.
async fn measure(sizes: &Sizes, only: Option<&str>) -> Value {
    let site = Site::start().await;
    let mut report = Map::new();
    for section in ["throughput", "idle", "bundles", "sweep", "fairness", "claims", "beside"] {
        if only.is_some_and(|only| only != section) {
            continue;
        }
        let before = load();
        let mut figures = match section {
            "throughput" => throughput::measure(&site, sizes.jobs).await,
            "idle" => idle::measure(&site, sizes.idle_jobs).await,
            "sweep" => sweep::measure(&site, sizes.sweep.0, sizes.sweep.1).await,
            "bundles" => bundles::measure(&site, sizes.bundles).await,
            "fairness" => fairness::measure(&site, sizes.big_user_jobs, sizes.rows_before).await,
            "beside" => {
                let (jobs, seconds, rounds) = sizes.beside;
                beside::measure(&site, jobs, seconds, rounds).await
            }
            _ => claims::measure(&site, sizes.claim_rows).await,
        };
        if let Some(figures) = figures.as_object_mut() {
            figures.insert("load_before".to_owned(), json!(before));
            show(section, figures);
        }
        report.insert(section.to_owned(), figures);
    }
    Value::Object(report)
}

fn show(section: &str, figures: &Map<String, Value>) {
    println!("{section}");
    for (name, value) in figures {
        match value.as_f64() {
            Some(number) => println!("  {name:<34} {number:>12.2}"),
            None => println!("  {name:<34} {value:>12}"),
        }
    }
}

/// Runnable processes of the machine, mean of the last minute.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
