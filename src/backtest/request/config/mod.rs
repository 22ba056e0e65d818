//! `universal_config`, and the `config` of a job's spec: what all variants share.

pub(super) mod execution;
pub(super) mod validation;

use std::ops::Bound::{Excluded, Included};
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::backtest::variant::{Config, Fill, Keep, KeepTrades};
use crate::domain::candles::Timeframe;

use super::bounds::Bounds;
use super::error::InputError;
use super::json::{number, without_nulls, word};
use super::market::read_timeframes;
use super::node::Node;

use self::execution::{
    check_detail, execution_to_json, funding_to_json, read_execution, read_funding,
};
use self::validation::{data_to_json, read_data, read_validation, validation_to_json};

/// No bundle makes more jobs than this, whatever the operator allows: the combinations of its
/// parameters are tried one by one.
pub(super) const JOBS_MAX: u64 = 1_000_000;

/// How many jobs a bundle may make where it does not say.
pub(super) const JOBS_DEFAULT: u64 = 10_000;

/// Largest sum of money or quantity, account currency or units.
pub(super) const AMOUNT: Bounds = Bounds::new(Excluded(0.0), Included(1e15));
pub(super) const BALANCE: Bounds = Bounds::new(Included(1e-6), Included(1e15));
// At 100 % a sale would bring nothing.
pub(super) const COST_BPS: Bounds = Bounds::new(Included(0.0), Excluded(10_000.0));
pub(super) const MAINTENANCE_PCT: Bounds = Bounds::new(Included(0.0), Excluded(100.0));
pub(super) const QUANTITY_STEP: Bounds = Bounds::new(Included(1e-15), Included(1e15));
pub(super) const MIN_NOTIONAL: Bounds = Bounds::new(Included(0.0), Included(1e15));
pub(super) const SEED: RangeInclusive<u64> = 0..=u64::MAX;
/// Trading days of a year, fewest to most.
pub(super) const DAYS_PER_YEAR: RangeInclusive<u64> = 200..=365;
pub(super) const TOP: RangeInclusive<u64> = 0..=10_000;
pub(super) const EQUITY_POINTS: RangeInclusive<u64> = 0..=100_000;

/// Keys of `universal_config`.
pub(super) const KEYS: [&str; 18] = [
    "timeframe",
    "balance",
    "fee_taker_bps",
    "fee_maker_bps",
    "slippage_bps",
    "funding_bps_8h",
    "maintenance_pct",
    "quantity_step",
    "min_notional",
    "fill",
    "execution",
    "data",
    "validation",
    "keep",
    "days_per_year",
    "limits",
    "seed",
    "reuse_results",
];

/// The words for [`Fill`].
pub(super) const FILLS: [(&str, Fill); 2] = [("next_open", Fill::NextOpen), ("close", Fill::Close)];

/// The words for [`KeepTrades`].
pub(super) const KEEP_TRADES: [(&str, KeepTrades); 3] =
    [("all", KeepTrades::All), ("top", KeepTrades::Top), ("none", KeepTrades::None)];

/// What all variants of a bundle share, and where to read the timeframe of tickers without one.
#[derive(Debug)]
pub(super) struct Shared<'v> {
    pub(super) timeframe: Node<'v>,
    pub(super) config: Config,
    pub(super) jobs_max: u64,
    pub(super) jobs_max_at: Node<'v>,
    detail_at: Node<'v>,
}

impl<'v> Shared<'v> {
    pub(super) fn read(node: &Node<'v>, jobs_ceiling: u64) -> Result<Self, InputError> {
        node.refuse_keys_besides("key", &KEYS)?;
        let timeframe = node.child("timeframe");
        timeframe.optional(read_timeframes)?;
        let [jobs_max_at] = node.child("limits").fields(["max_jobs"])?;
        let config = read_config(node)?;
        let ceiling = jobs_ceiling.clamp(1, JOBS_MAX);
        let jobs_max =
            jobs_max_at.or(JOBS_DEFAULT.min(ceiling), |node| node.count(&(1..=ceiling)))?;
        let detail_at = node.child("execution").child("detail_timeframe");
        Ok(Self { timeframe, config, jobs_max, jobs_max_at, detail_at })
    }

    /// Refuses what does not go with candles of this length.
    pub(super) fn check_timeframe(&self, candles: Timeframe) -> Result<(), InputError> {
        check_detail(&self.detail_at, self.config.execution.detail_timeframe, candles)
    }

    /// The complaint about this many jobs, and when they were counted.
    pub(super) fn too_many(&self, jobs: u64, counted: &str) -> InputError {
        let more = if jobs == u64::MAX { " or more" } else { "" };
        let most = self.jobs_max;
        self.jobs_max_at.error(&format!("found {jobs}{more} jobs{counted}, allowed at most {most}"))
    }

    /// The complaint about jobs whose specs take too much room.
    pub(super) fn too_large(&self, jobs: u64, bytes: u64, bytes_max: u64) -> InputError {
        let (found, most) = (bytes >> 20, bytes_max >> 20);
        self.jobs_max_at.error(&format!(
            "found {jobs} jobs with {found} MiB of rules and config, allowed at most {most} MiB"
        ))
    }
}

fn read_config(node: &Node<'_>) -> Result<Config, InputError> {
    let default = Config::default();
    let number = |key: &str, bounds: Bounds, default: f64| {
        node.child(key).or(default, |node| node.number(&bounds))
    };
    let step = node.child("quantity_step");
    Ok(Config {
        balance: number("balance", BALANCE, default.balance)?,
        fee_taker_bps: number("fee_taker_bps", COST_BPS, default.fee_taker_bps)?,
        fee_maker_bps: number("fee_maker_bps", COST_BPS, default.fee_maker_bps)?,
        slippage_bps: number("slippage_bps", COST_BPS, default.slippage_bps)?,
        funding_bps_8h: node.child("funding_bps_8h").or(default.funding_bps_8h, read_funding)?,
        maintenance_margin_pct: number(
            "maintenance_pct",
            MAINTENANCE_PCT,
            default.maintenance_margin_pct,
        )?,
        quantity_step: step.nullable(|node| node.number(&QUANTITY_STEP))?,
        min_notional: number("min_notional", MIN_NOTIONAL, default.min_notional)?,
        fill: node.child("fill").or(default.fill, |node| node.choice("fill", &FILLS))?,
        execution: read_execution(&node.child("execution"))?,
        days_per_year: node
            .child("days_per_year")
            .or(default.days_per_year, |node| node.count(&DAYS_PER_YEAR))?,
        data: read_data(&node.child("data"))?,
        validation: read_validation(&node.child("validation"))?,
        keep: read_keep(&node.child("keep"))?,
        seed: node.child("seed").or(default.seed, |node| node.count(&SEED))?,
        reuse_results: node.child("reuse_results").or(default.reuse_results, Node::bool)?,
    })
}

fn read_keep(node: &Node<'_>) -> Result<Keep, InputError> {
    let [trades, top, equity_points] = node.fields(["trades", "top", "equity_points"])?;
    let default = Keep::default();
    Ok(Keep {
        trades: trades.or(default.trades, |node| node.choice("choice", &KEEP_TRADES))?,
        top: top.or(default.top, |node| node.count(&TOP))?,
        equity_points: equity_points
            .or(default.equity_points, |node| node.count(&EQUITY_POINTS))?,
    })
}

/// `config` as in a `spec`: every value that decides over a result is written out, of the others
/// what was asked for.
pub(super) fn config_to_json(config: &Config) -> Value {
    let object = json!({
        "balance": number(config.balance),
        "days_per_year": config.days_per_year,
        "data": asked_for(&config.data, data_to_json),
        "fee_maker_bps": number(config.fee_maker_bps),
        "fee_taker_bps": number(config.fee_taker_bps),
        "execution": execution_to_json(&config.execution),
        "fill": word(&FILLS, &config.fill),
        "funding_bps_8h": funding_to_json(&config.funding_bps_8h),
        "keep": {
            "equity_points": config.keep.equity_points,
            "top": config.keep.top,
            "trades": word(&KEEP_TRADES, &config.keep.trades),
        },
        "maintenance_pct": number(config.maintenance_margin_pct),
        "min_notional": number(config.min_notional),
        "quantity_step": config.quantity_step.map(number),
        "reuse_results": config.reuse_results,
        "seed": config.seed,
        "slippage_bps": number(config.slippage_bps),
        "validation": asked_for(&config.validation, validation_to_json),
    });
    without_nulls(object)
}

/// What was asked for, or null where it is the default.
fn asked_for<T: Default + PartialEq>(asked: &T, to_json: impl Fn(&T) -> Value) -> Value {
    if *asked == T::default() { Value::Null } else { to_json(asked) }
}
