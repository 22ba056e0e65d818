//! The whole path on a real Postgres, from inserted rows to outcomes: throughput, latency, scale, fairness,
//! cost of a claim. Prints a table and writes `target/bench/whole_path.json`.
//!
//! `cargo bench --bench whole_path -- --quick` does a little of each in a few seconds.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

mod bare;
mod bars;
mod beside;
mod bundles;
mod claims;
mod cluster_rate;
mod crowd;
mod fairness;
mod idle;
mod overhead;
mod report;
mod settings;
mod site;
mod starts;
#[path = "../../tests/support/mod.rs"]
mod support;
mod sweep;
mod throughput;

use std::time::Duration;

use serde_json::{Map, Value, json};

use bars::BARS;
use cluster_rate::Stretches;
use report::Row;
use site::Site;

/// How much of each is done.
struct Sizes {
    jobs: i32,
    rounds: usize,
    idle_jobs: usize,
    bundles: i32,
    sweep: (i32, i32),
    rows_before: i32,
    big_user_jobs: i32,
    claim_rows: &'static [i32],
    /// Jobs, seconds of each case, rounds.
    beside: (i32, u64, usize),
    stretches: Stretches,
    /// Jobs of the big user, jobs to tell the speed by, arrivals of the others.
    crowd: (i32, i32, usize),
}

const FULL: Sizes = Sizes {
    jobs: 50_000,
    rounds: 5,
    idle_jobs: 300,
    bundles: 1_000,
    sweep: (50, 200),
    rows_before: 100_000,
    big_user_jobs: 5_000,
    claim_rows: &[1_000, 100_000, 1_000_000],
    beside: (300_000, 15, 3),
    stretches: Stretches { calm: Duration::from_secs(6), stopped: Duration::from_secs(20) },
    crowd: (1_000_000, 50_000, 7),
};
const QUICK: Sizes = Sizes {
    jobs: 2_000,
    rounds: 1,
    idle_jobs: 20,
    bundles: 16,
    sweep: (4, 5),
    rows_before: 1_000,
    big_user_jobs: 300,
    claim_rows: &[1_000],
    beside: (20_000, 2, 1),
    stretches: Stretches { calm: Duration::from_secs(1), stopped: Duration::from_secs(2) },
    crowd: (100_000, 5_000, 1),
};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let asked: Vec<String> = std::env::args().collect();
    let given = |name: &str| asked.iter().any(|argument| argument == name);
    // `cargo test --benches` runs each bench once, without `--bench`.
    let quick = given("--quick") || !given("--bench");
    let only = asked.iter().skip(1).find(|argument| !argument.starts_with("--"));
    let sizes = if quick { QUICK } else { FULL };
    let (server, sections) = runtime.block_on(measure(&sizes, only.map(String::as_str)));
    let rows = Row::of(BARS, &sections);
    println!("\n{}", report::table(&rows));
    if quick {
        println!("A quick run shows that all is measured; it is too short for verdicts.");
    }
    let report = json!({ "quick": quick, "server": server, "bars": report::json(&rows), "figures": sections });
    report::write("whole_path", &report);
}

/// Everything, or the one section that was named; with what the server says of itself.
async fn measure(sizes: &Sizes, only: Option<&str>) -> (Value, Map<String, Value>) {
    let site = Site::start().await;
    let mut sections = Map::new();
    for section in [
        "throughput",
        "idle",
        "bundles",
        "sweep",
        "fairness",
        "claims",
        "beside",
        "cluster_rate",
        "crowd",
        "overhead",
        "settings",
    ] {
        // The settings take ten minutes and have no bar: they are measured where they are asked for.
        let asked = only.map_or(section != "settings", |only| only == section);
        if !asked {
            continue;
        }
        let before = load();
        let mut figures = match section {
            "throughput" => throughput::measure(&site, sizes.jobs, sizes.rounds).await,
            "idle" => idle::measure(&site, sizes.idle_jobs).await,
            "sweep" => sweep::measure(&site, sizes.sweep.0, sizes.sweep.1).await,
            "bundles" => bundles::measure(&site, sizes.bundles).await,
            "fairness" => fairness::measure(&site, sizes.big_user_jobs, sizes.rows_before).await,
            "beside" => {
                let (jobs, seconds, rounds) = sizes.beside;
                beside::measure(&site, jobs, seconds, rounds).await
            }
            "cluster_rate" => cluster_rate::measure(&site, &sizes.stretches).await,
            "crowd" => {
                let (jobs, alone, arrivals) = sizes.crowd;
                crowd::measure(&site, jobs, alone, arrivals).await
            }
            "overhead" => overhead::measure(sizes.jobs, sizes.jobs / 5).await,
            "settings" => settings::measure(&site, sizes.jobs, sizes.rounds.min(3)).await,
            _ => claims::measure(&site, sizes.claim_rows).await,
        };
        if let Some(figures) = figures.as_object_mut() {
            figures.insert("load_before".to_owned(), json!(before));
            show(section, figures);
        }
        sections.insert(section.to_owned(), figures);
    }
    (site.settings().await, sections)
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
