//! An open position.

use crate::backtest::trade::Side;

use super::costs::Fill;
use super::orders::Orders;

/// What is held, what it cost so far, and the orders that rest on it.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) side: Side,
    pub(super) entry_bar: usize,
    pub(super) entry: Fill,
    pub(super) quantity: f64,
    /// What can be lost at most, costs left out, account currency.
    pub(super) margin: f64,
    /// Distance of the first stop from the entry price, if it lay on the losing side.
    pub(super) stop_distance: Option<f64>,
    pub(super) orders: Orders,
    pub(super) funding: FundingDue,
}

/// Where a position stands with its funding.
#[derive(Debug, Clone, Copy)]
pub(super) struct FundingDue {
    /// Paid so far, account currency.
    pub(super) paid: f64,
    /// Settlements up to this instant are paid, milliseconds since the epoch.
    pub(super) until_ms: i64,
    /// The candle at whose open the next ones are paid.
    pub(super) bar: usize,
}

impl Position {
    /// Units, negative for a short position.
    pub(super) fn signed_quantity(&self) -> f64 {
        self.side.sign() * self.quantity
    }

    /// Profit at `price` before costs, account currency; a loss ends with the margin.
    pub(super) fn profit(&self, price: f64) -> f64 {
        (self.signed_quantity() * (price - self.entry.price)).max(-self.margin)
    }

    /// The price at which all but the maintenance margin (as a share of the notional at entry) is
    /// lost: entry · (1 − 1/leverage + maintenance) for a long position, entry · (1 + 1/leverage −
    /// maintenance) for a short one. A long position without leverage is paid for in full and has
    /// none.
    pub(super) fn liquidation(
        side: Side,
        entry_price: f64,
        leverage: f64,
        maintenance: f64,
    ) -> Option<f64> {
        match side {
            Side::Long if leverage <= 1.0 => None,
            Side::Long => Some(entry_price * (1.0 - 1.0 / leverage + maintenance)),
            Side::Short => Some(entry_price * (1.0 + 1.0 / leverage - maintenance)),
        }
    }
}
