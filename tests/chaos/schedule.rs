//! Runs one schedule: daemons, users, faults, and what the checker says of it in the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::{PgConnection, PgPool};
use tokio::time::sleep;

use crate::ground::{Database, Ground};
use crate::load::Clients;
use crate::plan::{Plan, Step};
use crate::pods::{Pod, Site};
use crate::rules;
use crate::story::{Figures, Story};
use crate::support::{DaemonProcess, Reset};
use crate::tables;
use crate::watch::Watcher;

/// Everything has ended this long after the last fault, on a machine busy with other things.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// How often steps that are due are taken and daemons that have ended replaced.
const TICK: Duration = Duration::from_millis(15);

/// What came of a schedule.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) figures: Figures,
    /// Consistent looks at the tables while it ran.
    pub(crate) looks: usize,
    /// Connections reset at a commit.
    pub(crate) resets: usize,
    /// Steps that were taken, by name.
    pub(crate) steps: Vec<String>,
    pub(crate) wrongs: Vec<String>,
}

/// A schedule that runs.
struct Running<'a> {
    plan: &'a Plan,
    ground: &'a mut Ground,
    database: &'a Database,
    pods: Vec<Pod>,
    clients: Clients,
    hogged: Vec<PgConnection>,
    report: Report,
}

/// Runs the plan on this ground. Journals and logs stay in `folder` where something was wrong.
pub(crate) async fn run(plan: &Plan, ground: &mut Ground, folder: &Path) -> Report {
    fs::remove_dir_all(folder).ok();
    fs::create_dir_all(folder).unwrap();
    let name = format!("schedule_{}", plan.seed);
    let database = ground.database(&name).await;
    let site = site(plan, ground, &database, folder.to_owned());
    let mut pods = Vec::new();
    for number in 0..plan.places {
        let has_clock = plan
            .steps
            .iter()
            .any(|(_, step)| matches!(step, Step::SetClock(place, _) if *place == number));
        pods.push(Pod::new(&site, number, has_clock && !plan.has_rogues).await);
    }
    let clients = Clients::new(&database.pool, plan);
    let (hogged, report) = (Vec::new(), Report::default());
    let mut running = Running { plan, ground, database: &database, pods, clients, hogged, report };
    let watcher = Watcher::start(&database.pool, plan.user_cap);
    running.go().await;
    let (looks, wrongs) = watcher.end().await;
    let mut report = running.end().await;
    report.looks = looks;
    report.wrongs.extend(wrongs);
    database.pool.close().await;
    ground.drop_database(&name).await;
    if report.wrongs.is_empty() {
        fs::remove_dir_all(folder).unwrap();
    } else {
        let said = format!("{plan:#?}\n\n{}\n", report.wrongs.join("\n"));
        fs::write(folder.join("wrong"), said).unwrap();
    }
    report
}

fn site(plan: &Plan, ground: &Ground, database: &Database, folder: PathBuf) -> Site {
    let settings = [
        ("worker.lease_ms", "1500"),
        ("worker.lease_renew_ms", "300"),
        ("worker.orphan_after_ms", "1000"),
        ("worker.drain_ms", "400"),
        ("worker.abort_ms", "400"),
        ("worker.slots", "1"),
        ("database.acquire_timeout_ms", "500"),
        ("database.statement_timeout_ms", "2000"),
        ("guard.enabled", "false"),
        ("kinds.sleep.timeout_ms", "1500"),
        ("kinds.backtest.stall_ms", "3000"),
        ("bundles.expansion_batch_jobs", "15"),
        ("bundles.expansion_hold_ms", "1000"),
        ("bundles.closing_hold_ms", "1000"),
        ("pipes.pending_job.poll_interval_ms", "300"),
        ("pipes.bundle_expansion.poll_interval_ms", "300"),
        ("pipes.bundle_closing.poll_interval_ms", "300"),
        ("pipes.bundle_rollup.poll_interval_ms", "300"),
        ("pipes.command.poll_interval_ms", "150"),
        ("pipes.dead_job_canceller.poll_interval_ms", "200"),
        ("pipes.dead_job_canceller.silence_ms", "600"),
        ("pipes.dead_job_canceller.grace_ms", "800"),
        ("pipes.outcome.retry_base_ms", "100"),
        ("log.filter", "info"),
    ];
    let own = [
        ("candles.files.dir", ground.candles.path().display().to_string()),
        ("users.in_flight_max", plan.user_cap.to_string()),
        ("database.pooled", plan.is_pooled.to_string()),
    ];
    Site {
        url: database.url.clone(),
        server: ground.address(),
        settings: settings
            .map(|(key, value)| (key, value.to_owned()))
            .into_iter()
            .chain(own)
            .collect(),
        has_rogues: plan.has_rogues,
        folder,
    }
}

impl Running<'_> {
    async fn go(&mut self) {
        self.clients.begin(self.plan).await;
        let began = Instant::now();
        for (at, step) in &self.plan.steps {
            while began.elapsed() < Duration::from_millis(*at) {
                self.tend();
                sleep(TICK).await;
            }
            self.take(*step).await;
        }
        self.heal();
        let healed = Instant::now();
        while !all_has_ended(&self.database.pool).await {
            self.tend();
            if healed.elapsed() > ENDS_WITHIN {
                let left = "select string_agg(format('%s %s %s: %s', id, kind, status, error), E'\\n')
                              from sluicegate.job_status where status in ('pending', 'queued', 'running')";
                let left: Result<Option<String>, _> =
                    sqlx::query_scalar(left).fetch_one(&self.database.pool).await;
                self.report
                    .wrongs
                    .push(format!("not all has ended within {ENDS_WITHIN:?}: {left:?}"));
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn tend(&mut self) {
        for pod in &mut self.pods {
            if let Err(wrong) = pod.tend() {
                self.report.wrongs.push(wrong);
                pod.give_up();
            }
        }
    }

    async fn take(&mut self, step: Step) {
        let name = format!("{step:?}");
        let mut name = name.split('(').next().unwrap().to_owned();
        match step {
            Step::Kill(place) => self.pods[place].signal(DaemonProcess::kill9),
            Step::Terminate(place) => self.pods[place].terminate(),
            Step::Freeze(place) => self.pods[place].freeze(),
            Step::Thaw(place) => self.pods[place].thaw(),
            Step::Cut(place) => self.pods[place].proxy.cut(),
            Step::FallSilent(place) => self.pods[place].proxy.fall_silent(),
            Step::Delay(place, delay) => self.pods[place].proxy.delay(delay),
            Step::Reset(place, text, reset) => {
                name = if reset == Reset::Before { "ResetBefore" } else { "ResetAfter" }.to_owned();
                self.pods[place].proxy.reset_at_commit_of(text, reset);
            }
            Step::Mend(place) => self.pods[place].proxy.mend(),
            Step::SetClock(place, seconds) => {
                if !self.pods[place].set_clock(seconds) {
                    name.push_str("(not done)");
                }
            }
            Step::CrashServer => {
                self.hogged.clear();
                tokio::task::block_in_place(|| self.ground.crash());
            }
            Step::StartServer => tokio::task::block_in_place(|| self.ground.start()),
            Step::HogConnections => self.hogged = self.ground.hog().await,
            Step::FreeConnections => self.hogged.clear(),
            Step::Insert => self.clients.more().await,
            Step::Cancel(what) => self.clients.cancel(what).await,
        }
        self.report.steps.push(name);
    }

    /// Ends all faults. Daemons that ended are replaced as before.
    fn heal(&mut self) {
        self.hogged.clear();
        tokio::task::block_in_place(|| self.ground.start());
        for pod in &mut self.pods {
            pod.proxy.mend();
            pod.thaw();
        }
    }

    /// Ends the daemons and asks the checker.
    async fn end(mut self) -> Report {
        let Self { pods, report, .. } = &mut self;
        for pod in pods.iter_mut() {
            report.resets += pod.proxy.resets();
            if let Err(wrong) = pod.end().await {
                report.wrongs.push(wrong);
                pod.give_up();
            }
        }
        let pool = &self.database.pool;
        let mut story = Story {
            jobs: self.clients.acknowledged,
            user_cap: Some(self.plan.user_cap),
            ..Story::default()
        };
        story.read_tables(pool).await;
        story.read_jobs_of_bundles(pool).await;
        for pod in &self.pods {
            match pod.journals() {
                Ok(journals) => story.journals.extend(journals),
                Err(wrong) => self.report.wrongs.push(wrong),
            }
        }
        self.report.wrongs.extend(rules::wrongs(&story));
        self.report.wrongs.extend(tables::wrongs(pool).await);
        self.report.figures = story.figures();
        self.report
    }
}

async fn all_has_ended(pool: &PgPool) -> bool {
    let sql = "select not exists (select from sluicegate.queue)
                  and not exists (select from sluicegate.commands where applied_at is null)
                  and not exists (select from sluicegate.bundles
                                   where status in ('pending', 'expanding', 'running'))";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap_or(false)
}
