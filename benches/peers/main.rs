//! Other job queues on Postgres beside ours, on one server in one run: `make bench-peers`. Prints a table and
//! writes `target/bench/peers.json`. What each does is in `bench/peers`.
#![expect(clippy::unwrap_used, reason = "a bench may panic")]
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

#[path = "../whole_path/bare.rs"]
mod bare;
mod idle;
mod queues;
#[path = "../whole_path/report.rs"]
#[expect(dead_code, reason = "shared with the bench of the whole path")]
mod report;
#[path = "../whole_path/site.rs"]
#[expect(dead_code, reason = "shared with the bench of the whole path")]
mod site;
#[path = "../whole_path/starts.rs"]
mod starts;
#[path = "../../tests/support/mod.rs"]
mod support;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;
use serde_json::{Map, Value, json};

use idle::Latency;
use queues::{QUEUES, Queue};
use report::{align_right, bare_table, median, short};
use site::Site;
use waiting::Run;

/// How much is done.
struct Sizes {
    jobs: i32,
    rounds: usize,
    idle_jobs: usize,
    /// The longest run under settings that are not made for speed.
    patience: Duration,
}

const FULL: Sizes =
    Sizes { jobs: 50_000, rounds: 5, idle_jobs: 200, patience: Duration::from_secs(15) };
const QUICK: Sizes =
    Sizes { jobs: 5_000, rounds: 1, idle_jobs: 20, patience: Duration::from_secs(3) };

/// All that was measured of one queue under one set of settings.
struct Measured {
    queue: &'static Queue,
    runs: Vec<Run>,
    ratios: Vec<f64>,
    idle: Latency,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let quick = std::env::args().any(|argument| argument == "--quick");
    runtime.block_on(compare(&if quick { QUICK } else { FULL }, quick));
}

async fn compare(sizes: &Sizes, quick: bool) {
    let site = Site::start().await;
    let mut bare_runs = Vec::new();
    let mut runs: BTreeMap<usize, Vec<Run>> = BTreeMap::new();
    for round in 0..sizes.rounds {
        bare_runs.push(bare::run(&site, sizes.jobs).await);
        println!("round {}: bare loop {:.0}/s", round + 1, bare_runs.last().unwrap());
        for (place, queue) in QUEUES.iter().enumerate() {
            // Slow settings are shown, not compared: once is enough.
            if queue.is_for_speed || round == 0 {
                let run = waiting::measure(&site, queue, sizes.jobs, sizes.patience).await;
                println!("  {} {}: {:.0}/s", queue.name, queue.settings, run.per_second);
                runs.entry(place).or_default().push(run);
            }
        }
    }
    let mut measured = Vec::new();
    for (queue, runs) in QUEUES.iter().zip(runs.into_values()) {
        let idle = idle::measure(&site, queue, sizes.idle_jobs, sizes.patience).await;
        let ratios = runs.iter().zip(&bare_runs).map(|(run, bare)| run.per_second / bare).collect();
        measured.push(Measured { queue, runs, ratios, idle });
    }
    let bare = median(bare_runs);
    println!("\n{}", table(&measured, bare));
    let queues: Vec<Value> = measured.iter().map(Measured::json).collect();
    let server = site.settings().await;
    let report = json!({ "quick": quick, "server": server, "jobs": sizes.jobs,
                         "bare_loop_per_second": bare, "queues": queues });
    report::write("peers", &report);
}

impl Measured {
    /// The median of all runs.
    fn of_runs(&self, figure: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(figure).collect())
    }

    fn consumed(&self, place: usize) -> f64 {
        self.of_runs(|run| run.consumed.get(place).unwrap().1)
    }

    fn json(&self) -> Value {
        let Queue { name, settings, keeps, .. } = self.queue;
        let mut figures = Map::new();
        let mut insert = |name: &str, value: Value| figures.insert(name.to_owned(), value);
        insert("queue", json!(name));
        insert("settings", json!(settings));
        insert("finished_jobs", json!(keeps));
        insert("jobs_per_second", json!(self.of_runs(|run| run.per_second)));
        insert("ratio_to_bare_loop", json!(median(self.ratios.clone())));
        insert("idle_jobs", json!(self.idle.jobs));
        insert("idle_p50_ms", json!(self.idle.p50_ms));
        insert("idle_p99_ms", json!(self.idle.p99_ms));
        let names = self.runs.first().unwrap().consumed.map(|(name, _)| name);
        for (place, name) in names.into_iter().enumerate() {
            insert(name, json!(self.consumed(place)));
        }
        Value::Object(figures)
    }
}

fn table(measured: &[Measured], bare: f64) -> Table {
    let mut table = bare_table(&[
        "queue",
        "settings",
        "finished jobs",
        "jobs/s",
        "× bare loop",
        "WAL B/job",
        "worker µs/job",
        "server µs/job",
        "idle p50 ms",
        "p99 ms",
    ]);
    let bare = short(bare);
    table.add_row(["bare loop", "", "updated", &bare, "1"]);
    for one in measured {
        let Queue { name, settings, keeps, .. } = one.queue;
        // What was measured while waiting for next to nothing is the cost of waiting.
        let consumed =
            [0, 3, 2].map(|place| one.queue.is_for_speed.then(|| short(one.consumed(place))));
        let speed = [one.of_runs(|run| run.per_second), median(one.ratios.clone())].map(short);
        let idle = [one.idle.p50_ms, one.idle.p99_ms].map(short);
        let figures = speed.into_iter().chain(consumed.map(Option::unwrap_or_default)).chain(idle);
        let words = [name, settings, keeps].map(|word| (*word).to_owned());
        table.add_row(words.into_iter().chain(figures));
    }
    align_right(&mut table, &[3, 4, 5, 6, 7, 8, 9]);
    table
}
