//! `universal_config`, and the `config` of a job's spec: what all variants share.

use std::ops::Bound::{Excluded, Included};

use crate::backtest::variant::{Config, Fill, Keep, KeepTrades};

use super::bounds::Bounds;
use super::error::InputError;
use super::market::read_timeframes;
use super::node::Node;

/// No bundle makes more jobs than this, whatever the operator allows: the combinations of its
/// parameters are tried one by one.
pub(super) const JOBS_MAX: u64 = 1_000_000;

/// How many jobs a bundle may make where it does not say.
const JOBS_DEFAULT: u64 = 10_000;

/// Largest sum of money or quantity, account currency or units.
pub(super) const AMOUNT: Bounds = Bounds::new(Excluded(0.0), Included(1e15));
const FEE_BPS: Bounds = Bounds::new(Included(0.0), Included(10_000.0));
// At 100 % a sale would bring nothing.
const SLIPPAGE_BPS: Bounds = Bounds::new(Included(0.0), Excluded(10_000.0));

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
}

impl<'v> Shared<'v> {
    pub(super) fn read(node: &Node<'v>, jobs_ceiling: u64) -> Result<Self, InputError> {
        let [timeframe, balance, fee_taker, fee_maker, slippage, fill, keep, limits, seed, reuse] =
            node.fields([
                "timeframe",
                "balance",
                "fee_taker_bps",
                "fee_maker_bps",
                "slippage_bps",
                "fill",
                "keep",
                "limits",
                "seed",
                "reuse_results",
            ])?;
        let [jobs_max_at] = limits.fields(["max_jobs"])?;
        let default = Config::default();
        let number = |node: &Node<'_>, bounds: Bounds, default: f64| {
            Ok::<f64, InputError>(node.optional(|node| node.number(&bounds))?.unwrap_or(default))
        };
        timeframe.optional(read_timeframes)?;
        let config = Config {
            balance: number(&balance, AMOUNT, default.balance)?,
            fee_taker_bps: number(&fee_taker, FEE_BPS, default.fee_taker_bps)?,
            fee_maker_bps: number(&fee_maker, FEE_BPS, default.fee_maker_bps)?,
            slippage_bps: number(&slippage, SLIPPAGE_BPS, default.slippage_bps)?,
            fill: fill.optional(|node| node.choice("fill", &FILLS))?.unwrap_or(default.fill),
            keep: read_keep(&keep)?,
            seed: seed.optional(|node| node.count(&(0..=u64::MAX)))?.unwrap_or(default.seed),
            reuse_results: reuse.optional(Node::bool)?.unwrap_or(default.reuse_results),
            ..default
        };
        let ceiling = jobs_ceiling.clamp(1, JOBS_MAX);
        let jobs_max = jobs_max_at
            .optional(|node| node.count(&(1..=ceiling)))?
            .unwrap_or(JOBS_DEFAULT.min(ceiling));
        Ok(Self { timeframe, config, jobs_max, jobs_max_at })
    }

    /// The complaint about this many jobs, and when they were counted.
    pub(super) fn too_many(&self, jobs: u64, counted: &str) -> InputError {
        let more = if jobs == u64::MAX { " or more" } else { "" };
        let most = self.jobs_max;
        self.jobs_max_at.error(&format!("found {jobs}{more} jobs{counted}, allowed at most {most}"))
    }
}

fn read_keep(node: &Node<'_>) -> Result<Keep, InputError> {
    let [trades, top, equity_points] = node.fields(["trades", "top", "equity_points"])?;
    let default = Keep::default();
    Ok(Keep {
        trades: trades
            .optional(|node| node.choice("choice", &KEEP_TRADES))?
            .unwrap_or(default.trades),
        top: top.optional(|node| node.count(&(0..=10_000)))?.unwrap_or(default.top),
        equity_points: equity_points
            .optional(|node| node.count(&(0..=100_000)))?
            .unwrap_or(default.equity_points),
    })
}
