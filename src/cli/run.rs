//! `sluicegate run`: the daemon.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::reload;
use crate::guard::Guard;
use crate::http::{self, Health, Pages};
use crate::metrics::Metrics;
use crate::overview::Reader;
use crate::pipeline::{Pipes, Shutdown, Slots, huge_pages};
use crate::settings::{Environment, Loaded, Settings};
use crate::store::{SCHEMA_VERSION, Store, StoreError};
use crate::telemetry;
use crate::topology::{self, Compute};
use crate::worker::{Journal, Worker};

/// Longest wait for an answer of the database at the start; a migration may take as long as it needs.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Options of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Refuse an old schema instead of migrating it.
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(
    args: &RunArgs,
    environment: Environment,
    loaded: Loaded,
) -> anyhow::Result<ExitCode> {
    huge_pages::avoid();
    let settings = loaded.settings.clone();
    telemetry::start(&settings.log)?;
    let shutdown = Shutdown::new();
    stop_on_signals(&shutdown)?;
    let metrics = Metrics::default();
    let health = Health::new(&metrics, &settings.http);
    if let Some(listener) = http::listen(&settings.http).await {
        let reader = settings.http.pages.then(|| Reader::new(&settings.database)).transpose()?;
        // Before the database is asked for anything: a process that waits for it is alive.
        tokio::task::spawn(http::serve(listener, health.clone(), reader.map(Pages::new)));
    }
    let stopping = shutdown.clone();
    let prepare = |pipes: &mut Pipes, parts: &Parts<'_>| {
        health.show(pipes.status(), parts.worker, &stopping);
        reload::follow(pipes, parts, environment, loaded)
    };
    daemon(!args.no_migrate, &settings, shutdown, &metrics, prepare).await?;
    Ok(ExitCode::SUCCESS)
}

/// What a daemon is made of besides its pipes.
pub(super) struct Parts<'a> {
    pub(super) store: &'a Store,
    pub(super) worker: &'a Worker,
    pub(super) slots: &'a Arc<Slots>,
    pub(super) metrics: &'a Metrics,
}

/// Runs a daemon until `shutdown` says stop; `prepare` may add to its pipes.
///
/// # Errors
/// The database cannot be reached at the start, the schema does not fit, or a loop ended by itself.
pub(super) async fn daemon(
    migrate: bool,
    settings: &Settings,
    shutdown: Shutdown,
    metrics: &Metrics,
    prepare: impl FnOnce(&mut Pipes, &Parts<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let compute = topology::compute(settings)?;
    let begun = tokio::select! {
        begun = begin(migrate, settings, &compute) => begun?,
        // There is nothing to drain yet.
        () = shutdown.stopping() => return Ok(()),
    };
    let Begun { store, leases, worker } = begun;
    let mut pipes = topology::pipes(settings, &store, &worker, &compute, metrics);
    let slots = compute.slots();
    prepare(&mut pipes, &Parts { store: &store, worker: &worker, slots: &slots, metrics })?;
    pipes.run(shutdown).await?;
    store.close().await;
    leases.close().await;
    Ok(())
}

/// What a daemon has once the database knows it.
struct Begun {
    store: Store,
    /// The lease has a connection of its own: it must not wait behind the work.
    leases: Store,
    worker: Worker,
}

/// Reaches the database, sees to its schema, and registers.
async fn begin(migrate: bool, settings: &Settings, compute: &Compute) -> anyhow::Result<Begun> {
    let store = Store::new(&settings.database)?;
    answered(store.ping()).await?;
    let found = answered(store.schema_state()).await?;
    if migrate && found.is_none_or(|schema| schema.version < SCHEMA_VERSION) {
        store.migrate().await?;
    }
    answered(store.check_schema()).await?;
    answered(store.configure_limits(&settings.limits())).await?;
    let leases = store.apart(&settings.database)?;
    let journal = Journal::open(&settings.journal)?;
    let (outage, guard) = (compute.outage.clone(), Guard::default());
    let worker = Worker::start(&leases, settings.worker, outage, guard, journal);
    let worker = answered(worker).await?;
    Ok(Begun { store, leases, worker })
}

/// What the database answers, if it does: a connection may fall silent without being closed.
async fn answered<T>(asked: impl Future<Output = Result<T, StoreError>>) -> anyhow::Result<T> {
    let answer = timeout(ANSWER_MAX, asked).await;
    Ok(answer.with_context(|| format!("the database has not answered for {ANSWER_MAX:?}"))??)
}

/// SIGTERM and SIGINT ask for an orderly stop; a second one ends the grace period.
fn stop_on_signals(shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("handle SIGINT")?;
    let shutdown = shutdown.clone();
    tokio::task::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if shutdown.is_stopping() {
                tracing::warn!(signal = name, "stopping at once");
                shutdown.abort();
            } else {
                tracing::info!(signal = name, "draining");
                shutdown.stop();
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_database_that_does_not_answer_is_given_up() {
        let began = tokio::time::Instant::now();
        let silent = answered(std::future::pending::<Result<(), StoreError>>()).await;
        assert_eq!(silent.unwrap_err().to_string(), "the database has not answered for 60s");
        assert_eq!(began.elapsed(), ANSWER_MAX);
    }
}
