//! Reads a bundle, and inserts its jobs batch by batch, or rejects it.

use std::num::NonZeroUsize;
use std::time::Instant;

use anyhow::Context;
use uuid::Uuid;

use super::requests::read_request;
use crate::backtest::request::{Request, variant_to_json};
use crate::backtest::variant::KeepTrades;
use crate::pipeline::{Consumer, Shutdown, Throttle};
use crate::store::{NewJobs, Store};
use crate::worker::{Wakes, Worker};

/// Results of bundles up to this size carry their trades while the bundle runs; those of larger ones
/// are computed again for the best.
pub const TRADES_STORED_JOBS_MAX: u64 = 1_000;

/// Limits of an expansion.
#[derive(Debug, Clone, Copy)]
pub struct ExpansionLimits {
    /// Most jobs that a bundle may ask for in `limits.max_jobs`.
    pub jobs_max: u64,
    /// Jobs inserted in one statement.
    pub batch_jobs: usize,
    /// A bundle is held this long after each batch, milliseconds.
    pub hold_ms: i64,
}

/// Expands one bundle at a time.
#[derive(Debug)]
pub struct BundleExpansionConsumer {
    store: Store,
    worker: Worker,
    wakes: Wakes,
    limits: ExpansionLimits,
    throttle: Throttle,
}

impl BundleExpansionConsumer {
    /// Expands within these limits, and rests after each batch as the worker's guard says.
    #[must_use]
    pub fn new(store: &Store, worker: &Worker, wakes: &Wakes, limits: ExpansionLimits) -> Self {
        let throttle = worker.guard().throttle();
        Self {
            store: store.clone(),
            worker: worker.clone(),
            wakes: wakes.clone(),
            limits,
            throttle,
        }
    }

    /// Inserts the jobs that are missing. The cursor in the bundle's row is the only memory: a crash
    /// loses nothing, and two expanders of one bundle cannot insert the same job.
    async fn expand(
        &self,
        bundle: Uuid,
        request: Request,
        mut expanded: u64,
        shutdown: &Shutdown,
    ) -> anyhow::Result<()> {
        let request = std::sync::Arc::new(request);
        while expanded < request.jobs() {
            if shutdown.is_stopping() {
                return self.give_back(bundle).await;
            }
            let source = std::sync::Arc::clone(&request);
            let batch_jobs = NonZeroUsize::new(self.limits.batch_jobs)
                .map_or(1, |most| self.throttle.part_of(most).get());
            let jobs = tokio::task::spawn_blocking(move || batch(&source, expanded, batch_jobs))
                .await
                .context("write a bundle's specs")?;
            let began = Instant::now();
            let moved =
                self.store.insert_variants(bundle, expanded, &jobs, self.limits.hold_ms).await?;
            let Some(cursor) = moved else { return self.give_back(bundle).await };
            expanded = cursor;
            self.wakes.wake("pending_job");
            self.throttle.rest_after(began.elapsed()).await;
        }
        Ok(())
    }
}

impl BundleExpansionConsumer {
    async fn give_back(&self, bundle: Uuid) -> anyhow::Result<()> {
        self.store.give_bundles_back(self.worker.id(), &[bundle]).await.map_err(Into::into)
    }
}

impl Consumer for BundleExpansionConsumer {
    type Item = Uuid;

    async fn consume(&self, bundle: Uuid, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(asked) = self.store.read_bundle(bundle).await? else { return Ok(()) };
        let (expanded, known_total) = (asked.expanded, asked.total);
        // What has been accepted is held to its own count, not to a limit of today.
        let jobs_max = if known_total.is_some() { u64::MAX } else { self.limits.jobs_max };
        let read = tokio::task::spawn_blocking(move || read_request(&asked, jobs_max))
            .await
            .context("read a bundle")?;
        match (read, known_total) {
            (Ok(request), None) => {
                self.store.accept_bundle(bundle, request.jobs(), request.left_out()).await?;
                self.expand(bundle, request, expanded, shutdown).await
            }
            (Ok(request), Some(total)) if request.jobs() == total => {
                self.expand(bundle, request, expanded, shutdown).await
            }
            (Ok(request), Some(total)) => {
                let error = format!("was read as {total} jobs and is {} now", request.jobs());
                self.store.abandon_bundle(bundle, &error).await.map_err(Into::into)
            }
            (Err(error), Some(_)) => {
                self.store.abandon_bundle(bundle, &error.to_string()).await.map_err(Into::into)
            }
            (Err(error), None) => {
                tracing::info!(%bundle, %error, "bundle rejected");
                self.store.reject_bundle(bundle, &error.to_string()).await.map_err(Into::into)
            }
        }
    }
}

/// The next jobs: variants first, then walk-forwards.
fn batch(request: &Request, expanded: u64, batch_jobs: usize) -> NewJobs {
    let variants = request.len();
    if let Some(first) = expanded.checked_sub(variants) {
        let specs = (first..).map_while(|number| request.walk_forward_spec(number));
        let specs = specs.take(batch_jobs).map(|spec| spec.to_string()).collect();
        return NewJobs { kind: "walk_forward", specs };
    }
    let specs = (expanded..variants)
        .take(batch_jobs)
        .filter_map(|index| request.variant(index))
        .map(|mut variant| {
            let keep = &mut variant.config.keep;
            if keep.trades == KeepTrades::Top && variants > TRADES_STORED_JOBS_MAX {
                keep.trades = KeepTrades::None;
            }
            variant_to_json(&variant).to_string()
        })
        .collect();
    NewJobs { kind: "backtest", specs }
}
