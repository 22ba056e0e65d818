//! What happened in a run.

use serde::{Deserialize, Serialize};

use crate::backtest::curve::Curve;
use crate::backtest::trade::Trade;

/// What happened in a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::backtest) struct Ledger {
    /// Finished trades, oldest first.
    #[serde(with = "super::checkpoint::trades")]
    pub(in crate::backtest) trades: Vec<Trade>,
    /// Equity at the close of every traded candle.
    pub(in crate::backtest) curve: Curve,
    /// Slippage paid, account currency.
    pub(in crate::backtest) slippage_cost: f64,
    /// Notional of all fills, account currency.
    pub(in crate::backtest) traded_notional: f64,
    /// Candles in which a position was held for at least a part.
    pub(in crate::backtest) bars_in_position: usize,
    /// Exits in candles that held stop (or liquidation) and target, the order assumed.
    pub(in crate::backtest) ambiguous_bars: usize,
    /// Such exits whose order finer candles told.
    pub(in crate::backtest) resolved_bars: usize,
    /// Entries that were asked for and not made.
    pub(in crate::backtest) rejections: Rejections,
}

impl Ledger {
    /// Nothing yet, from candle `start` on, and room for so many trades.
    pub(super) fn new(start: usize, trades: usize) -> Self {
        Self {
            trades: Vec::with_capacity(trades),
            // One stretch with the position and one without.
            curve: Curve::with_capacity(start, 2 * trades + 1),
            slippage_cost: 0.0,
            traded_notional: 0.0,
            bars_in_position: 0,
            ambiguous_bars: 0,
            resolved_bars: 0,
            rejections: Rejections::default(),
        }
    }
}

/// Entries that were asked for and not made, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejections {
    /// Less than one step, than the smallest notional, or than anything.
    pub too_small: usize,
    /// Margin and entry fee were more than the equity.
    pub not_affordable: usize,
    /// Sized by risk, but the stop lay at or beyond the entry fill.
    pub no_stop_distance: usize,
}

impl Rejections {
    /// All of them.
    #[must_use]
    pub fn total(self) -> usize {
        self.too_small + self.not_affordable + self.no_stop_distance
    }
}
