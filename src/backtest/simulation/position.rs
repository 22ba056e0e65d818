//! An open position.

use serde::{Deserialize, Serialize};

use crate::backtest::checked::Span;
use crate::backtest::trade::Side;

use super::costs::Fill;
use super::orders::Orders;

/// What is held, what it cost so far, and the orders that rest on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) side: Side,
    pub(super) entry_bar: usize,
    pub(super) entry: Fill,
    pub(super) quantity: f64,
    /// What can be lost at most, costs left out, account currency.
    pub(super) margin: f64,
    /// Distance of the first stop from the entry price, if it lay on the losing side.
    pub(super) stop_distance: Option<f64>,
    /// Lowest and highest price of all candles it was held in to their close.
    pub(super) seen: Span,
    pub(super) orders: Orders,
    pub(super) funding: FundingDue,
}

/// Where a position stands with its funding.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

    /// Largest loss and largest profit while held, percent of the entry price; `last` is the span of
    /// what was seen of the exit candle.
    pub(super) fn excursions(&self, last: Span) -> [f64; 2] {
        let Span { low, high } = self.seen.and(last);
        let percent = |price: f64| {
            let percent = 100.0 * (price - self.entry.price) / self.entry.price;
            self.side.sign() * percent
        };
        let (worst, best) = match self.side {
            Side::Long => (low, high),
            Side::Short => (high, low),
        };
        [-percent(worst), percent(best)].map(|share| if share > 0.0 { share } else { 0.0 })
    }
}
