//! Trades and checks of the best variants.

use std::ops::Range;
use std::sync::Arc;

use anyhow::Context;
use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use super::BundleClosingConsumer;
use crate::backtest::request::{read_json, read_universal_config};
use crate::backtest::variant::{Config, KeepTrades};
use crate::kinds::backtest::Asked;
use crate::kinds::{RunControl, RunError};
use crate::pipeline::Shutdown;
use crate::store::{BestResult, EndedBundle};

impl BundleClosingConsumer {
    /// Checks the best variants and stores their trades where none were stored while the bundle ran;
    /// the engine gives the same bits twice. Then leaves the trades of the best only. Answers false
    /// when a stop came first.
    ///
    /// What was done before a crash is not done again: it is in the results.
    pub(super) async fn check_best(
        &self,
        bundle: Uuid,
        ended: &EndedBundle,
        control: &Arc<RunControl>,
        shutdown: &Shutdown,
    ) -> anyhow::Result<bool> {
        let [universal_config, ..] = &ended.request.columns;
        let config = read_universal_config(&read_json("universal_config", universal_config)?)?;
        let top = usize::try_from(config.keep.top).unwrap_or(usize::MAX);
        for result in self.store.best_results(bundle, top).await? {
            if shutdown.is_stopping() {
                return Ok(false);
            }
            let checked = self.check(&result, &config, control).await;
            if !checked.with_context(|| format!("job {}", result.job_id))? {
                return Ok(false);
            }
        }
        if config.keep.trades == KeepTrades::Top {
            self.store.prune_trades(bundle, top).await?;
        }
        Ok(true)
    }

    async fn check(
        &self,
        result: &BestResult,
        config: &Config,
        control: &Arc<RunControl>,
    ) -> anyhow::Result<bool> {
        let Missing { trades, checks } = Missing::of(result, config);
        if !trades && !checks {
            return Ok(true);
        }
        let BestResult { job_id, result_digest, .. } = result;
        let asked = Asked {
            spec: result.spec.clone(),
            range: result.from.timestamp_millis()..result.until.timestamp_millis(),
            held_out: held_out(&result.validation),
            result_digest: result_digest.clone(),
            variant_digest: result.variant_digest.clone(),
        };
        let validation = match (self.validate)(asked, Arc::clone(control)).await {
            Ok(validated) => {
                if trades {
                    let (trades, equity) = (&validated.trades, &validated.equity);
                    self.store.keep_trades(*job_id, result_digest, trades, equity).await?;
                }
                validated.validation
            }
            // The ranking stands; its candles are gone, or others now.
            Err(RunError::Failed(failure)) => {
                tracing::warn!(job = job_id, failure.message, "a best variant is not checked");
                json!({ "unchecked": failure.message })
            }
            Err(RunError::Interrupted | RunError::Unavailable(_)) => return Ok(false),
        };
        if checks {
            self.store.keep_validation(*job_id, result_digest, &validation).await?;
        }
        Ok(true)
    }
}

/// What there is to do for a result.
struct Missing {
    trades: bool,
    checks: bool,
}

impl Missing {
    fn of(result: &BestResult, config: &Config) -> Self {
        let asked = config.validation;
        let any = asked.holdout_pct.is_some() || asked.monte_carlo > 0 || asked.random_entries > 0;
        let done =
            ["undefined", "unchecked"].iter().any(|key| result.validation.get(key).is_some());
        Self {
            trades: config.keep.trades == KeepTrades::Top && !result.has_trades,
            checks: any && !done,
        }
    }
}

/// The time that was kept back from a result, unless it has been looked at.
fn held_out(validation: &Value) -> Option<Range<i64>> {
    if validation.get("holdout").is_some() {
        return None;
    }
    let range = validation.get("holdout_range")?;
    let instant_ms = |key: &str| {
        let instant = DateTime::parse_from_rfc3339(range.get(key)?.as_str()?).ok()?;
        Some(instant.timestamp_millis())
    };
    Some(instant_ms("from")?..instant_ms("until")?)
}
