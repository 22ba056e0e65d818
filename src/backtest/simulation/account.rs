//! The account: its balance, and the book it keeps.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::backtest::curve::Stretch;
use crate::backtest::trade::Trade;
use crate::backtest::variant::{self, Config};

use super::costs::Fill;
use super::fills::{Exit, Moment};
use super::ledger::Ledger;
use super::orders::Certainty;
use super::position::Position;
use super::sizing::Rejection;

/// Balance from which on an account counts as used up, as a share of the starting balance: what is
/// left is rounding.
const USED_UP: f64 = 1e-12;

/// Balance beyond which trading ends, so that no later figure can overflow.
const BEYOND_COUNTING: f64 = 1e30;

/// Cash, and what happened so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Account {
    balance: f64,
    /// Balances with which trading goes on after a settlement.
    alive: Range<f64>,
    ended: bool,
    fills_at_close: bool,
    ledger: Ledger,
}

impl Account {
    /// An account with nothing but cash at candle `start`, and room for so many trades.
    pub(super) fn new(config: &Config, start: usize, trades: usize) -> Self {
        let balance = config.balance;
        Self {
            balance,
            alive: balance * USED_UP..BEYOND_COUNTING,
            ended: false,
            fills_at_close: config.fill == variant::Fill::Close,
            ledger: Ledger::new(start, trades),
        }
    }

    /// Cash, account currency.
    pub(super) fn balance(&self) -> f64 {
        self.balance
    }

    /// Whether the account was used up, or went beyond counting.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Notes that account and position were as they are at all closes before `bar`, and when in that
    /// candle this ends for a position.
    pub(super) fn mark(&mut self, bar: usize, position: Option<(&Position, Moment)>) {
        let curve = &mut self.ledger.curve;
        let from = curve.bars().end;
        let flat = Stretch { end: bar, balance: self.balance, ..Stretch::default() };
        curve.push(position.map_or(flat, |(position, moment)| Stretch {
            quantity: position.signed_quantity(),
            entry_price: position.entry.price,
            entered_at_close: self.fills_at_close && from == position.entry_bar,
            left_at_close: moment == Moment::Close,
            ..flat
        }));
    }

    /// Pays for something.
    pub(super) fn pay(&mut self, amount: f64) {
        self.balance -= amount;
    }

    /// Books an entry.
    pub(super) fn open(&mut self, position: &Position) {
        self.mark(position.entry_bar, None);
        self.pay(position.quantity * position.entry.fee);
        self.count(position.entry, position.quantity);
    }

    /// Books an entry that was asked for and not made.
    pub(super) fn reject(&mut self, rejection: Rejection) {
        let rejections = &mut self.ledger.rejections;
        match rejection {
            Rejection::TooSmall => rejections.too_small += 1,
            Rejection::NotAffordable => rejections.not_affordable += 1,
            Rejection::NoStopDistance => rejections.no_stop_distance += 1,
        }
    }

    /// Books the end of `position`.
    #[inline]
    pub(super) fn settle(&mut self, position: &Position, exit: Exit, trade: Trade) {
        self.mark(exit.bar, Some((position, exit.moment)));
        self.balance += position.profit(exit.fill.price) - position.quantity * exit.fill.fee;
        self.ended |= !self.alive.contains(&self.balance);
        self.count(exit.fill, position.quantity);
        self.ledger.bars_in_position += exit.bars_held;
        self.ledger.ambiguous_bars += usize::from(exit.certainty == Certainty::Assumed);
        self.ledger.resolved_bars += usize::from(exit.certainty == Certainty::Resolved);
        self.ledger.trades.push(trade);
    }

    /// The candles that the book covers so far.
    pub(super) fn bars(&self) -> Range<usize> {
        self.ledger.curve.bars()
    }

    /// Trades and stretches booked so far.
    pub(super) fn entries(&self) -> [usize; 2] {
        [self.ledger.trades.len(), self.ledger.curve.len()]
    }

    /// The book, closed after the candle before `end`.
    pub(super) fn finish(mut self, end: usize) -> Ledger {
        self.mark(end, None);
        self.ledger
    }

    fn count(&mut self, fill: Fill, quantity: f64) {
        self.ledger.traded_notional += quantity * fill.price;
        self.ledger.slippage_cost += quantity * fill.slippage;
    }
}
