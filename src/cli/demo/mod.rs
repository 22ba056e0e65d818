//! `sluicegate demo`: a daemon, a Postgres and a user in one command, removed when it ends.

mod live;
mod setup;
mod tables;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use uuid::Uuid;

use self::live::Live;
use self::setup::settings_for;
use crate::cli::run::daemon;
use crate::metrics::Metrics;
use crate::overview::words::wrapped;
use crate::pipeline::Shutdown;
use crate::private_postgres::{Options, PrivatePostgres};
use crate::settings::Settings;
use crate::store::{DEMO_BUNDLE, DEMO_SLEEPS, DemoBundle, DemoSleep, Store};
use crate::telemetry;

/// How often the views are read.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The jobs end within ten seconds; after this long something is wrong.
const JOBS_MAX: Duration = Duration::from_secs(120);
/// Words are set in lines of so many columns.
const COLUMNS: usize = 100;

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Leave the server and the daemon running until Ctrl-C, to look further and to insert more.
    #[arg(long)]
    keep: bool,
}

/// How the demo came to its end.
enum Ended {
    /// Everything was shown.
    Told,
    /// A signal with this number came first.
    BySignal(u8),
}

/// Shows everything. Exit code: 0, or 128 and the number of the signal that interrupted it.
///
/// # Errors
/// No server, or something that was to be shown did not happen.
pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    // From here on a signal ends the demo in good order; one that comes too early is kept.
    let mut signals = Signals::listen()?;
    let start = || PrivatePostgres::start(&Options::fast().with("autovacuum", "on"));
    let server = spawn_blocking(start).await.context("start a private Postgres")??;
    let ended = Box::pin(on_server(args, &server, &mut signals)).await;
    spawn_blocking(move || drop(server)).await.context("stop the private Postgres")?;
    match ended? {
        Ended::Told if args.keep => say("\nThe server is stopped, everything is removed.")?,
        Ended::Told => {}
        Ended::BySignal(number) => {
            say("Interrupted. The server is stopped, everything is removed.")?;
            return Ok(ExitCode::from(128 + number));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_server(
    args: &DemoArgs,
    server: &PrivatePostgres,
    signals: &mut Signals,
) -> anyhow::Result<Ended> {
    let settings = settings_for(server)?;
    telemetry::start(&settings.log)?;
    let store = Store::new(&settings.database)?;
    store.migrate().await?;
    say(&format!(
        "A private Postgres {} with schema sluicegate; candles of NASDAQ and SP500, 1999 to 2018.\n",
        server.version(),
    ))?;

    let shutdown = Shutdown::new();
    let daemon = async {
        let metrics = Metrics::default();
        let ended = daemon(false, &settings, shutdown.clone(), &metrics, |_, _| Ok(())).await;
        // Nobody is to wait for jobs of a daemon that failed.
        shutdown.stop();
        ended
    };
    let user = async {
        let ended = watch(args, &store, &settings, signals, &shutdown).await;
        // What still runs goes with the server.
        shutdown.abort();
        ended
    };
    let (stopped, ended) = tokio::join!(daemon, user);
    store.close().await;
    stopped?;
    ended
}

/// Shows what there is to see, until it is over or a signal comes.
async fn watch(
    args: &DemoArgs,
    store: &Store,
    settings: &Settings,
    signals: &mut Signals,
    shutdown: &Shutdown,
) -> anyhow::Result<Ended> {
    tokio::select! {
        biased;
        number = signals.next() => return Ok(Ended::BySignal(number)),
        () = shutdown.stopping() => bail!("the daemon ended by itself"),
        told = tell(store) => told?,
    }
    if args.keep {
        say(&format!(
            "Server and daemon run until Ctrl-C. In another terminal:\n\
             \n  export DATABASE_URL='{}'\n  export SLUICEGATE__CANDLES__FILES__DIR='{}'\n\
             \n  psql \"$DATABASE_URL\" -c 'select * from sluicegate.bundle_status'\
             \n  sluicegate candles import prices.csv --ticker MINE",
            settings.database.url,
            settings.candles.files.dir.display(),
        ))?;
        tokio::select! {
            _ = signals.next() => {}
            () = shutdown.stopping() => bail!("the daemon ended by itself"),
        }
    } else {
        say(
            "Everything is removed now. `sluicegate demo --keep` leaves server and daemon until Ctrl-C, and\n\
             says how to reach them with psql and with candles of your own.",
        )?;
    }
    Ok(Ended::Told)
}

/// Inserts, watches and reads as a user does: by SQL.
async fn tell(store: &Store) -> anyhow::Result<()> {
    let began = Instant::now();
    store.insert_demo_sleeps().await?;
    let bundle = store.insert_demo_bundle().await?;
    say("Nine jobs that sleep; every third is stuck:\n")?;
    say(&indented(DEMO_SLEEPS))?;
    say("A bundle of 200 backtests, 2 tickers x 25 scenarios x 4 money managements:\n")?;
    say(&indented(DEMO_BUNDLE))?;

    let (ended, sleeps) = until_ended(store, bundle).await?;
    let took_s = began.elapsed().as_secs_f64();
    let (status, why) = (ended.status, ended.error.unwrap_or_default());
    ensure!(status == "completed", "the bundle is {status} instead of completed: {why}");

    say(&format!("\n{}", tables::sleeps(&sleeps, is_coloured())))?;
    if let Some(reason) = sleeps.iter().find_map(|job| job.error.as_ref()) {
        say(&format!(
            "Times are UTC. The stuck jobs ended with {reason:?}, a limit shortened for the demo\n\
             (kinds.sleep.timeout_ms).\n"
        ))?;
    }
    let best = store.read_demo_best(bundle).await?;
    say(&format!("The ten best of {} variants, by Sharpe ratio:\n", ended.total))?;
    say(&tables::best(&best))?;
    if let Some(verdict) = store.overview_bundle(bundle).await?.and_then(|of| of.verdict) {
        let lines = wrapped(&format!("The verdict: {verdict}"), COLUMNS);
        say(&(lines.join("\n") + "\n"))?;
    }
    let run_ms = store.read_demo_run_ms(bundle).await?;
    let jobs = ended.total + u64::try_from(sleeps.len())?;
    say(&tables::pace(jobs, took_s, run_ms))
}

/// Shows how far everything is until all has ended.
async fn until_ended(store: &Store, bundle: Uuid) -> anyhow::Result<(DemoBundle, Vec<DemoSleep>)> {
    let mut live = Live::new(is_terminal());
    let began = Instant::now();
    while began.elapsed() < JOBS_MAX {
        let bundle = store.read_demo_bundle(bundle).await?;
        let sleeps = store.read_demo_sleeps().await?;
        if have_ended(&bundle, &sleeps) {
            live.finish(&bundle, &sleeps)?;
            return Ok((bundle, sleeps));
        }
        live.show(&bundle, &sleeps)?;
        sleep(LOOK_EVERY).await;
    }
    bail!("the jobs have not ended within {} s", JOBS_MAX.as_secs())
}

fn have_ended(bundle: &DemoBundle, sleeps: &[DemoSleep]) -> bool {
    let at_work = |status: &str| ["pending", "queued", "expanding", "running"].contains(&status);
    !at_work(&bundle.status) && !sleeps.iter().any(|job| at_work(&job.status))
}

fn indented(sql: &str) -> String {
    sql.lines().map(|line| format!("  {line}\n")).collect()
}

/// Writes to standard output; an error there, such as a closed pipe, ends the demo in good order.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).context("write to standard output")
}

fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

fn is_coloured() -> bool {
    is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The signals that ask a program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("handle signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; its number.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
            _ = self.hangup.recv() => 1,
        }
    }
}
