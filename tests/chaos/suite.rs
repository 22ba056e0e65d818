//! Many schedules, one after the other on each of a few servers.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::ground::Ground;
use crate::plan::Plan;
use crate::schedule::{self, Report};
use crate::story::Figures;

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}: found {value:?}, allowed a number")))
}

/// What came of many schedules.
#[derive(Debug, Default)]
struct Total {
    schedules: usize,
    figures: Figures,
    looks: usize,
    resets: usize,
    steps: BTreeMap<String, usize>,
    wrongs: Vec<String>,
}

impl Total {
    fn add(&mut self, seed: u64, report: Report) {
        self.schedules += 1;
        self.figures.add(&report.figures);
        self.looks += report.looks;
        self.resets += report.resets;
        for step in report.steps {
            *self.steps.entry(step).or_default() += 1;
        }
        if !report.wrongs.is_empty() {
            let wrongs = report.wrongs.join("\n  ");
            let wrongs = format!("CHAOS_SEED={seed}:\n  {wrongs}");
            eprintln!("{wrongs}");
            self.wrongs.push(wrongs);
        }
    }
}

/// Runs the schedules of these seeds on so many servers at once.
async fn run_all(seeds: Vec<u64>, servers: u64) -> Total {
    let began = Instant::now();
    let (total, next) = (Arc::new(Mutex::new(Total::default())), Arc::new(AtomicU64::new(0)));
    let seeds = Arc::new(seeds);
    let mut lanes = JoinSet::new();
    for _ in 0..servers {
        let (total, next, seeds) = (Arc::clone(&total), Arc::clone(&next), Arc::clone(&seeds));
        lanes.spawn(async move {
            let mut ground = Ground::new(Ground::quick()).await;
            loop {
                let turn = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                let Some(&seed) = seeds.get(turn) else { return };
                let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{seed}"));
                let began = Instant::now();
                let plan = Plan::of(seed);
                let report = schedule::run(&plan, &mut ground, &folder).await;
                eprintln!(
                    "{:>4}  seed {seed}  {} daemons, {} faults, {} jobs, {} late writes refused, {:.1} s",
                    turn + 1,
                    plan.places,
                    report.steps.len(),
                    report.figures.jobs,
                    report.figures.refused,
                    began.elapsed().as_secs_f64(),
                );
                total.lock().await.add(seed, report);
            }
        });
    }
    while let Some(ended) = lanes.join_next().await {
        ended.expect("a schedule panicked");
    }
    let total = Arc::into_inner(total).unwrap().into_inner();
    let Total { schedules, figures, looks, resets, steps, wrongs } = &total;
    eprintln!(
        "{schedules} schedules in {:.0} s: {figures:?}\nsteps: {steps:?}\n{resets} connections were reset at a \
         commit, {looks} looks at the tables, {} schedules with something wrong",
        began.elapsed().as_secs_f64(),
        wrongs.len()
    );
    total
}

/// Nothing was wrong, and late writes were refused: otherwise the test tested nothing.
fn judge(total: &Total) {
    assert!(total.wrongs.is_empty(), "{}", total.wrongs.join("\n"));
    assert!(total.figures.jobs > 0 && total.looks > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_schedules_of_mixed_faults_lose_nothing_and_double_nothing() {
    let total = run_all((1..=5).collect(), 1).await;
    judge(&total);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "two hundred schedules take about twenty minutes: make chaos"]
async fn two_hundred_schedules_of_mixed_faults_lose_nothing_and_double_nothing() {
    let seeds = if let Some(seed) = variable("CHAOS_SEED") {
        vec![seed]
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let first = variable("CHAOS_FROM").unwrap_or(now);
        let count = variable("CHAOS_SCHEDULES").unwrap_or(200);
        (first..first + count).collect()
    };
    let count = seeds.len();
    let total = run_all(seeds, variable("CHAOS_SERVERS").unwrap_or(2)).await;
    judge(&total);
    let late = total.figures.refused;
    assert!(count < 20 || late > 0, "no late write came, so none was refused");
}
