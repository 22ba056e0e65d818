//! SIGHUP: reads the settings again and swaps rates and limits while everything runs.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::run::Parts;
use crate::pipeline::Pipes;
use crate::settings::{self, Environment, Settings};
use crate::store::Store;
use crate::worker::Limits;

/// Adds the task that follows SIGHUP. What it cannot change while running is left as it is.
///
/// # Errors
/// The signal cannot be handled.
pub(super) fn follow_signal(
    pipes: &mut Pipes,
    parts: &Parts<'_>,
    environment: Environment,
    mut now: Settings,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("handle SIGHUP")?;
    let (store, limits) = (parts.store.clone(), parts.worker.limits().clone());
    let guard = parts.worker.guard().clone();
    pipes.add_task("reload", |shutdown| async move {
        loop {
            tokio::select! {
                _ = hangup.recv() => {}
                () = shutdown.stopping() => return Ok(()),
            }
            match settings::load(&environment) {
                Ok(next) => {
                    swap(&limits, &now, &next);
                    if now.limits() != next.limits() {
                        configure(&store, &next).await;
                    }
                    guard.set(next.guard);
                    now = next;
                }
                Err(error) => tracing::error!(%error, "settings refused; nothing has changed"),
            }
        }
    });
    Ok(())
}

/// Limits of kinds and users are in the database.
async fn configure(store: &Store, next: &Settings) {
    match store.configure_limits(&next.limits()).await {
        Ok(()) => tracing::info!(limits = ?next.limits(), "limits of kinds and users changed"),
        Err(error) => tracing::error!(%error, "limits of kinds and users not changed"),
    }
}

fn swap(limits: &Limits, now: &Settings, next: &Settings) {
    let mut changed = 0;
    for ((name, before), (_, after)) in now.pipes.by_name().into_iter().zip(next.pipes.by_name()) {
        let same = before.rate_per_second == after.rate_per_second
            && before.in_flight_max == after.in_flight_max
            && before.claims_per_second == after.claims_per_second;
        if same {
            continue;
        }
        limits.configure(name, after.rate_per_second, Some(after.in_flight_max));
        limits.configure(&format!("{name}.claims"), after.claims_per_second, None);
        changed += 1;
        tracing::info!(
            pipe = name,
            rate_before = before.rate_per_second,
            rate = after.rate_per_second,
            claims_before = before.claims_per_second,
            claims = after.claims_per_second,
            in_flight_max_before = before.in_flight_max,
            in_flight_max = after.in_flight_max,
            "limits changed"
        );
    }
    tracing::info!(changed, "settings read again; other keys need a restart");
}
