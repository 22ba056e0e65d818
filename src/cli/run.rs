//! `sluicegate run`: the daemon.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::reload;
use crate::guard::Guard;
use crate::http::{self, Health, Pages};
use crate::metrics::Metrics;
use crate::overview::Reader;
use crate::pipeline::{Pipes, Shutdown, Slots};
use crate::settings::{Environment, Loaded, Settings};
use crate::store::Store;
use crate::worker::{Journal, Worker};
use crate::{telemetry, topology};

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
    let store = Store::new(&settings.database)?;
    store.ping().await?;
    if migrate {
        store.migrate().await?;
    }
    store.check_schema().await?;
    store.configure_limits(&settings.limits()).await?;
    let compute = topology::compute(settings)?;
    let guard = Guard::default();
    // The lease has a connection of its own: it must not wait behind the work.
    let leases = store.apart(&settings.database)?;
    let outage = compute.outage.clone();
    let journal = Journal::open(&settings.journal)?;
    let worker = Worker::start(&leases, settings.worker, outage, guard.clone(), journal).await?;
    let mut pipes = topology::pipes(settings, &store, &worker, &compute, metrics);
    let slots = compute.slots();
    prepare(&mut pipes, &Parts { store: &store, worker: &worker, slots: &slots, metrics })?;
    pipes.run(shutdown).await?;
    store.close().await;
    leases.close().await;
    Ok(())
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
