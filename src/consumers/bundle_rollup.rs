//! Folds a bundle's deltas, and ends it when its last job has ended: trades of the best, ranking,
//! status.

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::backtest::request::{parse_spec, read_json, read_keep, variant_to_json};
use crate::backtest::variant::{Keep, KeepTrades};
use crate::domain::job::{Claim, ClaimedJob};
use crate::kinds::{Kinds, RunContext, RunControl, RunError};
use crate::pipeline::{Consumer, Shutdown};
use crate::store::{RankedJob, Store};

/// Rolls bundles up.
#[derive(Debug)]
pub struct BundleRollupConsumer {
    store: Store,
    kinds: Kinds,
    ranks: usize,
}

impl BundleRollupConsumer {
    /// The ranking in `summary` has `ranks` places.
    #[must_use]
    pub fn new(store: &Store, kinds: &Kinds, ranks: usize) -> Self {
        Self { store: store.clone(), kinds: kinds.clone(), ranks }
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
        let context = RunContext {
            control: Arc::clone(&control),
            write_part: Arc::new(|_| Box::pin(async { Ok(()) })),
        };
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
                self.store.keep_trades(ranked.job_id, &field("trades"), &field("equity")).await?;
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
        if !self.store.fold_bundle(bundle).await? || !self.keep_best(bundle, shutdown).await? {
            return Ok(());
        }
        if let Some(status) = self.store.finish_bundle(bundle, self.ranks).await? {
            tracing::info!(%bundle, status, "bundle ended");
        }
        Ok(())
    }
}
