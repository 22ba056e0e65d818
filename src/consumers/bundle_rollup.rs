//! Folds a bundle's deltas, and ends it when its last job has ended: trades of the best, ranking,
//! status.

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};
use uuid::Uuid;

use super::in_hand::InHand;
use crate::backtest::request::{parse_spec, read_json, read_keep, variant_to_json};
use crate::backtest::variant::{Keep, KeepTrades};
use crate::domain::job::{Claim, ClaimedJob};
use crate::kinds::{Kinds, RunContext, RunControl, RunError};
use crate::pipeline::{Consumer, Shutdown};
use crate::store::{RankedJob, Store, StoreError};

/// Rolls bundles up.
#[derive(Debug)]
pub struct BundleRollupConsumer {
    store: Store,
    kinds: Kinds,
    ranks: usize,
    in_hand: InHand<Uuid>,
}

impl BundleRollupConsumer {
    /// The ranking in `summary` has `ranks` places.
    #[must_use]
    pub fn new(store: &Store, kinds: &Kinds, ranks: usize) -> Self {
        Self { store: store.clone(), kinds: kinds.clone(), ranks, in_hand: InHand::default() }
    }

    /// Leaves the trades of the best variants only. Where none were stored while the bundle ran, the
    /// best are computed again: the engine gives the same bits twice.
    async fn keep_best(&self, bundle: Uuid, shutdown: &Shutdown) -> anyhow::Result<bool> {
        let config = self.store.bundle_config(bundle).await?;
        let Keep { trades, top, .. } = read_keep(&read_json("universal_config", &config)?)?;
        if trades != KeepTrades::Top {
            return Ok(true);
        }
        let top = usize::try_from(top).unwrap_or(usize::MAX);
        for job in self.store.best_jobs_without_trades(bundle, top).await? {
            if shutdown.is_stopping() {
                return Ok(false);
            }
            self.compute_again(&job, shutdown)
                .await
                .with_context(|| format!("job {}", job.job_id))?;
        }
        self.store.prune_trades(bundle, top).await?;
        Ok(true)
    }

    async fn compute_again(&self, ranked: &RankedJob, shutdown: &Shutdown) -> anyhow::Result<()> {
        let mut variant = parse_spec(&ranked.spec)?;
        variant.config.keep.trades = KeepTrades::All;
        let job = ClaimedJob {
            claim: Claim { job_id: ranked.job_id, fence: 0 },
            attempt: 0,
            kind: "backtest".to_owned(),
            spec: variant_to_json(&variant).to_string(),
            timeout_s: None,
        };
        let control = Arc::new(RunControl::default());
        let context = RunContext::alone(Arc::clone(&control));
        let answer = tokio::select! {
            answer = self.kinds.run(&job, &context) => answer,
            () = shutdown.aborting() => {
                control.cancel();
                return Ok(());
            }
        };
        match answer {
            Ok(answer) => {
                let row = answer.row.unwrap_or(Value::Null);
                let field = |name: &str| row.get(name).cloned().unwrap_or_else(|| json!([]));
                let digest = row.get("result_digest").and_then(Value::as_str).unwrap_or_default();
                let kept = self
                    .store
                    .keep_trades(ranked.job_id, digest, &field("trades"), &field("equity"))
                    .await?;
                if !kept {
                    tracing::warn!(job = ranked.job_id, "other candles now: trades are not kept");
                }
                Ok(())
            }
            // Its candles are gone since: the ranking stands, its trades are not to be had.
            Err(RunError::Failed(failure)) => {
                tracing::warn!(
                    job = ranked.job_id,
                    failure.message,
                    "trades of a best variant not kept"
                );
                Ok(())
            }
            Err(RunError::Interrupted) => Ok(()),
        }
    }
}

impl Consumer for BundleRollupConsumer {
    type Item = Uuid;

    async fn consume(&self, bundle: Uuid, shutdown: &Shutdown) -> anyhow::Result<()> {
        let Some(_hold) = self.in_hand.take(bundle) else { return Ok(()) };
        if !self.store.fold_bundle(bundle).await? {
            return Ok(());
        }
        match self.keep_best(bundle, shutdown).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if is_outage(&error) => return Err(error),
            // The ranking stands without the trades; a bundle must end.
            Err(error) => {
                tracing::warn!(%bundle, error = format!("{error:#}"), "trades of the best not kept");
            }
        }
        if let Some(status) = self.store.finish_bundle(bundle, self.ranks).await? {
            tracing::info!(%bundle, status, "bundle ended");
        }
        Ok(())
    }
}

fn is_outage(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StoreError>().is_some_and(StoreError::is_outage)
}
