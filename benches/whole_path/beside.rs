//! What another program on the same database feels while a backlog drains: real `pgbench` transactions,
//! alone and beside it, at a set rate, with the guard and without.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::site::{Database, Site};
use crate::support::{DaemonProcess, eventually};

/// Transactions a second that are asked of pgbench.
const RATE: &str = "200";
/// Jobs a second where a rate is set.
const JOBS_PER_SECOND: f64 = 1_000.0;
/// pgbench runs for so long before anything is counted.
const WARM_UP: Duration = Duration::from_secs(2);

/// One way to run: which daemon, and whether pgbench runs beside it.
struct Case {
    name: &'static str,
    daemon: Option<&'static [(&'static str, &'static str)]>,
    pgbench: bool,
}

const ALONE: Case = Case { name: "alone", daemon: None, pgbench: true };
const CASES: [Case; 4] = [
    Case {
        name: "at_rate",
        daemon: Some(&[("pipes.pending_job.rate_per_second", "1000")]),
        pgbench: true,
    },
    Case { name: "guarded", daemon: Some(&[]), pgbench: true },
    Case { name: "unguarded", daemon: Some(&[("guard.enabled", "false")]), pgbench: true },
    Case { name: "without_pgbench", daemon: Some(&[]), pgbench: false },
];

/// What one run showed.
#[derive(Clone, Copy)]
struct Seen {
    p50_ms: f64,
    p99_ms: f64,
    jobs_per_second: f64,
}

/// Runs every case for `seconds` beside `jobs` waiting jobs, `rounds` times one after the other; before each,
/// pgbench alone for as long: the machine's mood changes.
pub(crate) async fn measure(site: &Site, jobs: i32, seconds: u64, rounds: usize) -> Value {
    let database = site.database("beside").await;
    let pgbench = Pgbench::prepare(&database);
    let mut figures = Map::new();
    figures.insert("jobs".to_owned(), json!(jobs));
    figures.insert("rounds".to_owned(), json!(rounds));
    let mut seen: Vec<Vec<(Seen, Seen)>> = CASES.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, seen) in CASES.iter().zip(&mut seen) {
            let mut alone = Seen { p50_ms: 0.0, p99_ms: 0.0, jobs_per_second: 0.0 };
            if case.pgbench {
                alone = run(&ALONE, &database, &pgbench, jobs, seconds).await;
            }
            seen.push((alone, run(case, &database, &pgbench, jobs, seconds).await));
        }
    }
    let mut note = |case: &Case, what: &str, values: Vec<f64>| {
        figures.insert(format!("{}_{what}", case.name), json!(median(values)));
    };
    for (case, seen) in CASES.iter().zip(&seen) {
        let all = |what: fn(&(Seen, Seen)) -> f64| seen.iter().map(what).collect();
        note(case, "jobs_per_second", all(|(_, beside)| beside.jobs_per_second));
        if case.pgbench {
            note(case, "p50_ms", all(|(_, beside)| beside.p50_ms));
            note(case, "p99_ms", all(|(_, beside)| beside.p99_ms));
            note(case, "alone_p99_ms", all(|(alone, _)| alone.p99_ms));
            note(case, "p99_ratio", all(|(alone, beside)| beside.p99_ms / alone.p99_ms));
        }
    }
    let speeds = |index: usize| seen.get(index).unwrap().iter().map(|(_, s)| s.jobs_per_second);
    let achieved = median(speeds(0).collect()) / JOBS_PER_SECOND;
    let kept = median(speeds(1).zip(speeds(3)).map(|(guarded, full)| guarded / full).collect());
    figures.insert("at_rate_of_rate".to_owned(), json!(achieved));
    figures.insert("guarded_of_throughput".to_owned(), json!(kept));
    Value::Object(figures)
}

async fn run(case: &Case, database: &Database, pgbench: &Pgbench, jobs: i32, seconds: u64) -> Seen {
    database
        .run(
            "truncate sluicegate.jobs, sluicegate.queue, sluicegate.outcomes, sluicegate.lanes,
                      sluicegate.lane_deltas, sluicegate.budgets",
        )
        .await;
    if case.daemon.is_some() {
        database.queue_sleeps(jobs, 10, "user", 0.0).await;
    }
    database.settle().await;
    let beside = case.pgbench.then(|| pgbench.start(seconds + WARM_UP.as_secs()));
    sleep(WARM_UP).await;
    let mut from = database.number("select extract(epoch from clock_timestamp())").await;
    let mut until = from + Duration::from_secs(seconds).as_secs_f64();
    let daemon = case.daemon.map(|settings| DaemonProcess::as_delivered(&database.url, settings));
    sleep(Duration::from_secs(seconds)).await;
    let mut jobs_per_second = 0.0;
    if let Some(mut daemon) = daemon {
        daemon.terminate();
        daemon.wait(Duration::from_secs(60)).await;
        let time = |what: &str| {
            database.number(format!("select extract(epoch from {what}) from sluicegate.outcomes"))
        };
        let first = time("min(claimed_at)").await;
        until = until.min(time("max(ended_at)").await);
        from = from.max(first);
        // The first quarter is the way up to the pace that then holds.
        let settled = first + (until - first) / 4.0;
        let ended = format!(
            "select count(*) from sluicegate.outcomes
              where ended_at > to_timestamp({settled}) and ended_at <= to_timestamp({until})"
        );
        jobs_per_second = database.number(ended).await / (until - settled);
    }
    let mut latencies = match beside {
        Some(beside) => beside.latencies(from, until).await,
        None => Vec::new(),
    };
    latencies.sort_by(f64::total_cmp);
    let at = |part: usize| latencies.get(latencies.len() * part / 100).copied().unwrap_or(0.0);
    Seen { p50_ms: at(50), p99_ms: at(99), jobs_per_second }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The program, and the database that holds its tables.
struct Pgbench {
    program: PathBuf,
    url: String,
}

/// One run under way, and the folder of its log.
struct Running {
    process: Child,
    folder: tempfile::TempDir,
}

impl Pgbench {
    /// The one beside the server's binaries, with tables of scale 10.
    fn prepare(database: &Database) -> Self {
        let server = std::fs::read_link(format!("/proc/{}/exe", database.server_pid)).unwrap();
        let program = server.parent().map(|folder| folder.join("pgbench")).unwrap();
        let pgbench = Self { program, url: database.url.clone() };
        let mut command = pgbench.command(&["-i", "-q", "-s", "10"]);
        assert!(command.status().unwrap().success(), "pgbench makes its tables");
        pgbench
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg(&self.url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn start(&self, seconds: u64) -> Running {
        let folder = tempfile::tempdir().unwrap();
        let prefix = format!("--log-prefix={}", folder.path().join("log").display());
        let time = seconds.to_string();
        let arguments = ["-n", "-c", "4", "-j", "2", "-R", RATE, "-T", &time, "-l", &prefix];
        Running { process: self.command(&arguments).spawn().unwrap(), folder }
    }
}

impl Running {
    /// Milliseconds from when each transaction was due to its end, of those due within these seconds.
    async fn latencies(mut self, from: f64, until: f64) -> Vec<f64> {
        let end = Duration::from_secs(60);
        let ended = async || self.process.try_wait().unwrap();
        assert!(eventually(end, "pgbench ends", ended).await.success());
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| latencies_in(&file.unwrap().path(), from, until)).collect()
    }
}

/// A line is client, transaction, µs since it was due, script, and the end's seconds and µs.
fn latencies_in(log: &Path, from: f64, until: f64) -> Vec<f64> {
    let text = std::fs::read_to_string(log).unwrap();
    let line = |line: &str| {
        let number = |index| line.split(' ').nth(index)?.parse::<f64>().ok();
        let (took_s, end) = (number(2)? / 1e6, number(4)? + number(5)? / 1e6);
        let due = end - took_s;
        (from..until).contains(&due).then_some(took_s * 1e3)
    };
    text.lines().filter_map(line).collect()
}
