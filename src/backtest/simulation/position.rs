//! How much is taken, and the position that results, with its protective orders.

use std::ops::Range;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::trade::{ExitReason, Side};
use crate::backtest::variant::{MoneyManagement, Size};

use super::costs::{Costs, Fill};

/// Rounding that a position of the whole equity is forgiven when it is held against the equity.
const AFFORDABLE: f64 = 1.0 + 1e-12;

/// Units to take at `fill`, or `None` if the size is nothing or more than the equity pays for
/// (notional and entry fee, on both sides: there is no leverage).
pub(super) fn affordable_quantity(size: Size, equity: f64, fill: Fill) -> Option<f64> {
    let cost = fill.price + fill.fee;
    let quantity = match size {
        Size::Units(units) => units,
        Size::Notional(notional) => notional / fill.price,
        Size::PctEquity(percent) => equity * percent / 100.0 / cost,
    };
    let affordable = quantity * cost <= equity * AFFORDABLE;
    (quantity > 0.0 && quantity.is_normal() && affordable).then_some(quantity)
}

/// An open position with its protective orders, one below and one above the price.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) side: Side,
    pub(super) entry_bar: usize,
    pub(super) entry: Fill,
    pub(super) quantity: f64,
    below: f64,
    above: f64,
}

/// How a protective order ended a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Protected {
    pub(super) fill: Fill,
    pub(super) reason: ExitReason,
    /// Stop and target both lay inside the candle; the stop was taken.
    pub(super) ambiguous: bool,
}

impl Position {
    /// Stop and target are set off from the price of the entry fill.
    pub(super) fn new(
        side: Side,
        entry_bar: usize,
        entry: Fill,
        quantity: f64,
        money: &MoneyManagement,
    ) -> Self {
        let level = |percent: f64, sign: f64| entry.price * (1.0 + sign * percent / 100.0);
        let (down, up) = match side {
            Side::Long => (money.stop_loss_pct, money.take_profit_pct),
            Side::Short => (money.take_profit_pct, money.stop_loss_pct),
        };
        Self {
            side,
            entry_bar,
            entry,
            quantity,
            below: down.map_or(f64::NEG_INFINITY, |percent| level(percent, -1.0)),
            above: up.map_or(f64::INFINITY, |percent| level(percent, 1.0)),
        }
    }

    /// Profit at `price` before fees, account currency.
    pub(super) fn profit(&self, price: f64) -> f64 {
        self.side.sign() * self.quantity * (price - self.entry.price)
    }

    /// The first of `bars` that touches the stop or the target.
    pub(super) fn first_touch(
        &self,
        candles: &CheckedCandles,
        bars: Range<usize>,
    ) -> Option<usize> {
        candles.first_touch(bars, self.below, self.above)
    }

    /// The fill in a candle that [`Self::first_touch`] found, its prices open, high and low.
    ///
    /// An open beyond an order fills it at the open. Otherwise the stop comes first.
    pub(super) fn protect(&self, costs: Costs, open: f64, high: f64, low: f64) -> Protected {
        let exit_sign = -self.side.sign();
        let (stop, target) = match self.side {
            Side::Long => (self.below, self.above),
            Side::Short => (self.above, self.below),
        };
        let beyond = |price: f64, level: f64, sign: f64| sign * (price - level) >= 0.0;
        let (worst, best) = match self.side {
            Side::Long => (low, high),
            Side::Short => (high, low),
        };
        let stop_at = |price| (costs.stop(price, exit_sign, low, high), ExitReason::StopLoss);
        let target_at = |price| (costs.limit(price), ExitReason::TakeProfit);

        let stopped = beyond(worst, stop, exit_sign);
        let gapped_to_stop = beyond(open, stop, exit_sign);
        let gapped_to_target = beyond(open, target, -exit_sign);
        let (fill, reason) = match (gapped_to_stop, gapped_to_target, stopped) {
            (true, _, _) => stop_at(open),
            (false, true, _) => target_at(open),
            (false, false, true) => stop_at(stop),
            (false, false, false) => target_at(target),
        };
        let decided_by_open = gapped_to_stop || gapped_to_target;
        let ambiguous = !decided_by_open && stopped && beyond(best, target, -exit_sign);
        Protected { fill, reason, ambiguous }
    }
}
