//! Reads the settings again, at SIGHUP and when a file has changed, and swaps what can change while
//! everything runs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::run::Parts;
use crate::guard::Guard;
use crate::metrics::ReloadMetrics;
use crate::pipeline::{Cadence, Pipes, Slots};
use crate::settings::{self, Environment, Loaded, Settings};
use crate::store::Store;
use crate::worker::{Limits, Worker};

/// What a change of the settings reaches.
struct Live {
    store: Store,
    worker: Worker,
    limits: Limits,
    guard: Guard,
    slots: Arc<Slots>,
    cadences: Vec<(&'static str, Cadence)>,
    metrics: ReloadMetrics,
}

/// Adds the task that follows SIGHUP and the files. What it cannot change while running is left as it is.
///
/// # Errors
/// The signal cannot be handled.
pub(super) fn follow(
    pipes: &mut Pipes,
    parts: &Parts<'_>,
    environment: Environment,
    mut now: Loaded,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("handle SIGHUP")?;
    let names = now.settings.pipes.by_name();
    let live = Live {
        store: parts.store.clone(),
        worker: parts.worker.clone(),
        limits: parts.worker.limits().clone(),
        guard: parts.worker.guard().clone(),
        slots: Arc::clone(parts.slots),
        cadences: names
            .iter()
            .filter_map(|(name, _)| Some((*name, pipes.cadence(name)?)))
            .collect(),
        metrics: parts.metrics.reloads().clone(),
    };
    let mut seen = settings::texts(&environment);
    pipes.add_task("reload", |shutdown| async move {
        loop {
            let interval = now.settings.reload.check_interval_ms;
            tokio::select! {
                _ = hangup.recv() => seen = settings::texts(&environment),
                () = changed(&environment, &mut seen, interval) => {}
                () = shutdown.stopping() => return Ok(()),
            }
            match settings::load_with_keys(&environment) {
                Ok(next) => {
                    live.swap(&now, &next).await;
                    now = next;
                }
                Err(error) => {
                    live.metrics.refused();
                    tracing::error!(%error, "settings refused; nothing has changed");
                }
            }
        }
    });
    Ok(())
}

/// Returns when a file says something else than what was seen. A file that is swapped by a link counts, one
/// that was only touched does not.
async fn changed(environment: &Environment, seen: &mut Vec<Option<String>>, interval_ms: u64) {
    if interval_ms == 0 {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(Duration::from_millis(interval_ms)).await;
        let texts = settings::texts(environment);
        if texts != *seen {
            *seen = texts;
            return;
        }
    }
}

impl Live {
    /// Puts the next settings in force, and says what is different.
    async fn swap(&self, now: &Loaded, next: &Loaded) {
        let differences = next.since(now);
        let (before, after) = (&now.settings, &next.settings);
        for ((name, now), (_, next)) in
            before.pipes.by_name().into_iter().zip(after.pipes.by_name())
        {
            if now == next {
                continue;
            }
            self.limits.configure(name, next.rate_per_second, Some(next.in_flight_max));
            self.limits.configure(&format!("{name}.claims"), next.claims_per_second, None);
            if let Some((_, cadence)) = self.cadences.iter().find(|(pipe, _)| *pipe == name) {
                cadence.set(Duration::from_millis(next.poll_interval_ms.get()), next.paused);
            }
        }
        if before.limits() != after.limits() {
            self.configure(after).await;
        }
        self.guard.set(after.guard);
        self.resize(after).await;
        for difference in &differences {
            let settings::Difference { key, before, after, is_live } = difference;
            if *is_live {
                tracing::info!(key, before, after, "setting changed");
            } else {
                tracing::warn!(key, before, after, "setting changed; it holds after a restart");
            }
        }
        self.metrics.applied();
        tracing::info!(changed = differences.len(), "settings read again");
    }

    /// Limits of kinds and users are in the database.
    async fn configure(&self, next: &Settings) {
        if let Err(error) = self.store.configure_limits(&next.limits()).await {
            tracing::error!(%error, "limits of kinds and users not changed");
        }
    }

    async fn resize(&self, next: &Settings) {
        let slots = next.worker.slot_count();
        if slots == self.worker.slots() {
            return;
        }
        match self.slots.resize(NonZeroUsize::new(slots).unwrap_or(NonZeroUsize::MIN)) {
            Ok(()) => self.worker.set_slots(slots),
            Err(error) => {
                tracing::error!(%error, "the number of slots has not changed");
                return;
            }
        }
        if let Err(error) = self.store.resize_worker(self.worker.id(), slots).await {
            tracing::warn!(%error, "the table of workers still has the old number of slots");
        }
    }
}
