//! A daemon with a kind of its own that does what no kind should: panics, never ends, eats memory. It is
//! built from the library as anybody could, and is this test binary, started once more.

use std::env;
use std::process::Command;

use sluicegate::domain::job::Failure;
use sluicegate::guard::Guard;
use sluicegate::kinds::{Answer, JobKind, Limits, RunContext, RunError};
use sluicegate::metrics::Metrics;
use sluicegate::pipeline::Shutdown;
use sluicegate::settings::{self, Environment};
use sluicegate::store::Store;
use sluicegate::worker::{Journal, Worker};
use sluicegate::{telemetry, topology};
use tokio::signal::unix::{SignalKind, signal};

/// Tells the test below that it is to be a daemon.
const ASKED: &str = "CHAOS_ROGUE";
/// Kilobytes of address space, so that a run that eats memory ends its process and not the machine.
const MEMORY_KB: u32 = 1_500_000;

/// The command that runs it; arguments that follow are passed over.
pub(crate) fn command() -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(format!(
            "ulimit -v {MEMORY_KB}; exec \"$0\" --ignored --exact rogue::a_daemon --nocapture"
        ))
        .arg(env::current_exe().unwrap())
        .env(ASKED, "yes");
    command
}

#[test]
#[ignore = "a process that other tests start"]
fn a_daemon() {
    if env::var_os(ASKED).is_none() {
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    let ended = runtime.block_on(run());
    eprintln!("{ended:?}");
    // The runtime is not waited for: a thread may read candles that never come.
    std::process::exit(i32::from(ended.is_err()));
}

/// As `sluicegate run` does it, with one kind more.
async fn run() -> anyhow::Result<()> {
    let settings = settings::load(&Environment::of_process(None))?;
    telemetry::start(&settings.log)?;
    let shutdown = Shutdown::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = shutdown.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        stop.stop();
    });
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    store.check_schema().await?;
    store.configure_limits(&settings.limits()).await?;
    let mut compute = topology::compute(&settings)?;
    compute.kinds = compute.kinds.with(RogueKind);
    let (guard, metrics) = (Guard::default(), Metrics::default());
    let leases = store.apart(&settings.database)?;
    let journal = Journal::open(&settings.journal)?;
    let outage = compute.outage.clone();
    let worker = Worker::start(&leases, settings.worker, outage, guard, journal).await?;
    topology::pipes(&settings, &store, &worker, &compute, &metrics).run(shutdown).await?;
    Ok(())
}

/// Does as its spec says: `"panic"`, `"endless"` or `"eat"`.
struct RogueKind;

impl JobKind for RogueKind {
    type Spec = String;

    fn name(&self) -> &'static str {
        "rogue"
    }

    fn needs_slot(&self) -> bool {
        false
    }

    fn limits(&self) -> Limits {
        Limits { timeout_ms: 1_000, stall_ms: None }
    }

    fn parse(&self, spec: &str) -> Result<String, Failure> {
        Ok(spec.trim_matches('"').to_owned())
    }

    async fn run(&self, spec: String, context: &RunContext) -> Result<Answer, RunError> {
        context.control.begin();
        match spec.as_str() {
            "panic" => panic!("as it was told"),
            // It does not look whether it is cancelled either.
            "endless" => std::future::pending().await,
            _ => {
                let mut eaten = Vec::new();
                loop {
                    eaten.push(vec![1_u8; 64 << 20]);
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}
