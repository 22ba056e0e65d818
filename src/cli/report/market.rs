//! The candles of a bundle's best variant, and what buying and holding came to on them.

use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backtest::daily::DailyReturns;
use crate::backtest::request::parse_spec;
use crate::backtest::variant::{Range, Variant};
use crate::kinds::backtest::Prepared;
use crate::kinds::outage::Outage;
use crate::kinds::{RunControl, RunError};
use crate::report::{Found, Market, MarketFound};
use crate::settings::Settings;
use crate::store::StoredCurve;
use crate::topology;

/// Candles that take longer are done without: the page says so.
const PATIENCE: Duration = Duration::from_secs(60);
/// Points of the equity of buying and holding.
const POINTS: u32 = 1_000;

/// The market of the best variant; in words why it is not there.
pub(super) async fn of_best(found: &Found, settings: &Settings) -> MarketFound {
    let Some(curve) = found.best_curve() else { return Err("no variant has a result.".to_owned()) };
    let Some(best) = found.shown.first() else { return Err("no variant has a result.".to_owned()) };
    let range = Range::Between {
        from_ms: best.from.timestamp_millis(),
        until_ms: best.until.timestamp_millis(),
    };
    match timeout(PATIENCE, load(curve, range, settings)).await {
        Ok(Ok(market)) => Ok(market),
        Ok(Err(error)) => Err(format!("{error:#}.")),
        Err(_elapsed) => {
            Err(format!("the candles did not come within {} seconds.", PATIENCE.as_secs()))
        }
    }
}

async fn load(curve: &StoredCurve, range: Range, settings: &Settings) -> anyhow::Result<Market> {
    let (ran, held) = (as_it_ran(&curve.spec, range)?, holding(&curve.spec, range)?);
    let preparer = topology::preparer(settings, 1, &Outage::default())?;
    let prepared =
        preparer.load(ran, &RunControl::default()).await.map_err(|error| match error {
            RunError::Failed(failure) => anyhow!("{}", failure.message),
            RunError::Interrupted => anyhow!("interrupted"),
            RunError::Unavailable(reason) => anyhow!("{reason}"),
        })?;
    let is_unchanged = prepared.loaded.digest == curve.candle_digest;
    spawn_blocking(move || market(&prepared, held, is_unchanged)).await?
}

/// The variant over the time that its stored result covers.
fn as_it_ran(spec: &str, range: Range) -> anyhow::Result<Variant> {
    let mut variant = parse_spec(spec).context("the spec of its job")?;
    variant.range = range;
    // What was kept back is not in it.
    variant.config.validation.holdout_pct = None;
    Ok(variant)
}

/// The same money in the same market, bought at the first chance and held.
fn holding(spec: &str, range: Range) -> anyhow::Result<Variant> {
    let mut spec: Value = serde_json::from_str(spec).context("the spec of its job")?;
    let members = spec.as_object_mut().context("the spec of its job is no object")?;
    members.insert("scenario".to_owned(), json!({ "preset": "buy_and_hold", "direction": "long" }));
    members.insert("money_management".to_owned(), json!({ "size": { "pct_equity": 100 } }));
    let mut variant = as_it_ran(&spec.to_string(), range)?;
    variant.config.keep.equity_points = POINTS;
    Ok(variant)
}

fn market(prepared: &Prepared, mut held: Variant, is_unchanged: bool) -> anyhow::Result<Market> {
    let loaded = &prepared.loaded;
    // Open ends are settled by the candles that are there.
    held.range = prepared.variant.range;
    let mut run = prepared.start_as(&held).map_err(|failure| anyhow!("{}", failure.message))?;
    let candles = run.step(0).total.max(1);
    run.step(candles);
    let report = run.finish();
    Ok(Market {
        candles: std::sync::Arc::new(loaded.candles.part(loaded.first_in_range..loaded.window.end)),
        hold: report.equity.iter().map(|point| (point.time, point.equity)).collect(),
        hold_balance: held.config.balance,
        hold_return: report.metrics.total_return,
        hold_days: DailyReturns::from_bytes(&report.daily.return_bytes()),
        is_unchanged,
    })
}
