//! The account moving through the candles: signals become fills, fills become trades and equity.
//!
//! The simulation jumps from event to event. Between two signals it only searches for the first
//! candle that touches a protective order and marks the equity at every close.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::candles::Candles;

use super::scenario::Direction;
use super::signals::{Signal, Stance};
use super::trade::{ExitReason, Side, Trade};
use super::variant::{self, Config, MoneyManagement, Variant};

mod orders;

use orders::{Costs, Fill, Position, affordable_quantity};

/// Equity from which on an account counts as used up, as a share of the starting balance: what is
/// left is rounding.
const USED_UP: f64 = 1e-12;

/// Equity beyond which trading ends, so that no later figure can overflow.
const BEYOND_COUNTING: f64 = 1e30;

/// What happened in a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    /// Finished trades, oldest first.
    pub(super) trades: Vec<Trade>,
    /// Equity at the close of every traded candle, account currency.
    pub(super) equity: Vec<f64>,
    /// Slippage paid, account currency.
    pub(super) slippage_cost: f64,
    /// Notional of all fills, account currency.
    pub(super) traded_notional: f64,
    /// Candles in which a position was held for at least a part.
    pub(super) bars_in_position: usize,
    /// Candles in which stop and target were both touched.
    pub(super) ambiguous_bars: usize,
    /// Entries that were too small or not affordable.
    pub(super) rejected_entries: usize,
}

/// The account and its way through the traded candles.
#[derive(Debug)]
pub(super) struct Simulation {
    candles: Arc<Candles>,
    window: Range<usize>,
    signals: Vec<Signal>,
    next_signal: usize,
    direction: Direction,
    money: MoneyManagement,
    fill: variant::Fill,
    costs: Costs,
    alive: Range<f64>,
    balance: f64,
    position: Option<Position>,
    ended: bool,
    ledger: Ledger,
}

impl Simulation {
    /// An account at the first candle of `window`. Signals must be in order and in the window.
    pub(super) fn new(
        variant: &Variant,
        candles: Arc<Candles>,
        window: Range<usize>,
        signals: Vec<Signal>,
    ) -> Self {
        let config = &variant.config;
        let equity = Vec::with_capacity(window.len());
        Self {
            candles,
            window,
            signals,
            next_signal: 0,
            direction: variant.scenario.direction,
            money: variant.money_management,
            fill: config.fill,
            costs: Costs::new(config),
            alive: config.balance * USED_UP..BEYOND_COUNTING,
            balance: config.balance,
            position: None,
            ended: false,
            ledger: Ledger { equity, ..Ledger::default() },
        }
    }

    /// Position of the first candle not yet simulated.
    pub(super) fn bar(&self) -> usize {
        self.window.start + self.ledger.equity.len()
    }

    /// Simulates candles up to `end` (excluded). Where it is cut makes no difference.
    pub(super) fn advance(&mut self, end: usize) {
        let end = end.min(self.window.end);
        while self.bar() < end {
            let due = self
                .signals
                .get(self.next_signal)
                .map(|signal| (self.due(signal.bar), signal.stance));
            let Some((bar, stance)) = due.filter(|(bar, _)| *bar < end) else {
                self.hold_until(end);
                return;
            };
            self.next_signal += 1;
            match self.fill {
                variant::Fill::NextOpen => {
                    self.hold_until(bar);
                    self.turn(stance, bar, self.candles.open.get(bar).copied());
                }
                variant::Fill::Close => {
                    self.hold_until(bar + 1);
                    self.turn(stance, bar, self.candles.close.get(bar).copied());
                    self.mark_again(bar);
                }
            }
        }
    }

    /// Simulates what is left and closes an open position at the last close.
    pub(super) fn finish(mut self) -> Ledger {
        self.advance(self.window.end);
        let last = self.window.end.saturating_sub(1);
        if let Some(close) = self.candles.close.get(last).copied() {
            self.close_at_market(close, last, ExitReason::EndOfData);
            self.mark_again(last);
        }
        self.ledger
    }

    /// The candle in which a decision made on the close of `bar` is filled.
    fn due(&self, bar: usize) -> usize {
        match self.fill {
            variant::Fill::NextOpen => bar + 1,
            variant::Fill::Close => bar,
        }
    }

    /// Keeps position and protective orders up to `end` (excluded).
    fn hold_until(&mut self, end: usize) {
        while self.bar() < end {
            let Some(position) = &self.position else {
                self.ledger.equity.resize(end - self.window.start, self.balance);
                return;
            };
            let bar = self.bar();
            let touched = position.first_touch(&self.candles, bar..end);
            if !self.mark(bar..touched.unwrap_or(end)) {
                continue;
            }
            if let Some(bar) = touched {
                self.close_protected(bar);
            }
        }
    }

    /// Marks the equity at the closes of `bars`. False if the account ended at one of them: the
    /// position is closed there and later marks are dropped.
    fn mark(&mut self, bars: Range<usize>) -> bool {
        let (Some(position), Some(closes)) = (&self.position, self.candles.close.get(bars.clone()))
        else {
            return true;
        };
        let equity = &mut self.ledger.equity;
        let marked = equity.len();
        let (balance, alive) = (self.balance, self.alive.clone());
        equity.extend(closes.iter().map(|close| balance + position.profit(*close)));
        let (_, marks) = equity.split_at(marked);
        let lives = |mark: &f64| (*mark > alive.start) & (*mark < alive.end);
        if marks.iter().fold(true, |all, mark| all & lives(mark)) {
            self.ledger.bars_in_position += bars.len();
            return true;
        }
        let offset = marks.iter().position(|mark| !lives(mark)).unwrap_or_default();
        equity.truncate(marked + offset + 1);
        self.ledger.bars_in_position += offset + 1;
        let bar = bars.start + offset;
        if let Some(close) = closes.get(offset).copied() {
            self.close_at_market(close, bar, ExitReason::AccountEnd);
        }
        self.ended = true;
        self.mark_again(bar);
        false
    }

    /// Marks the equity at the close of `bar` once more, after a fill at that close.
    fn mark_again(&mut self, bar: usize) {
        let profit = match (&self.position, self.candles.close.get(bar)) {
            (Some(position), Some(close)) => position.profit(*close),
            _ => 0.0,
        };
        if let Some(mark) = self.ledger.equity.last_mut() {
            *mark = self.balance + profit;
        }
    }

    /// Follows a change of stance with market orders at `price` in candle `bar`.
    fn turn(&mut self, stance: Stance, bar: usize, price: Option<f64>) {
        let Some(price) = price else { return };
        let wanted = match (stance, self.direction) {
            (Stance::Long, Direction::Long | Direction::Both) => Some(Side::Long),
            (Stance::Short, Direction::Short | Direction::Both) => Some(Side::Short),
            _ => None,
        };
        if wanted.is_some() && self.position.as_ref().map(|position| position.side) == wanted {
            return;
        }
        self.close_at_market(price, bar, ExitReason::Signal);
        // A position entered at the very last close could only pay its fees.
        let too_late = self.fill == variant::Fill::Close && bar + 1 >= self.window.end;
        if let Some(side) = wanted.filter(|_| !self.ended && !too_late) {
            self.enter(side, bar, price);
        }
    }

    fn enter(&mut self, side: Side, bar: usize, price: f64) {
        let fill = self.costs.market(price, side.sign());
        let Some(quantity) = affordable_quantity(self.money.size, self.balance, fill) else {
            self.ledger.rejected_entries += 1;
            return;
        };
        self.balance -= quantity * fill.fee;
        self.count(fill, quantity);
        self.position = Some(Position::new(side, bar, fill, quantity, &self.money));
    }

    fn close_at_market(&mut self, price: f64, bar: usize, reason: ExitReason) {
        if let Some(position) = self.position.take() {
            let fill = self.costs.market(price, -position.side.sign());
            self.settle(&position, fill, bar, reason);
        }
    }

    /// Closes the position by the stop or target that candle `bar` touches, and marks that candle.
    fn close_protected(&mut self, bar: usize) {
        let candles = &self.candles;
        let prices = (candles.open.get(bar), candles.high.get(bar), candles.low.get(bar));
        let (Some(open), Some(high), Some(low)) = prices else {
            return;
        };
        if let Some(position) = self.position.take() {
            let exit = position.protect(self.costs, *open, *high, *low);
            self.ledger.ambiguous_bars += usize::from(exit.ambiguous);
            self.ledger.bars_in_position += 1;
            self.settle(&position, exit.fill, bar, exit.reason);
        }
        self.ledger.equity.push(self.balance);
    }

    fn settle(&mut self, position: &Position, exit: Fill, bar: usize, reason: ExitReason) {
        let quantity = position.quantity;
        let (entry_fee, exit_fee) = (quantity * position.entry.fee, quantity * exit.fee);
        let profit = position.profit(exit.price);
        self.balance += profit - exit_fee;
        self.ended |= !self.alive.contains(&self.balance);
        self.count(exit, quantity);
        let time = |bar: usize| self.candles.time.get(bar).copied().unwrap_or_default();
        self.ledger.trades.push(Trade {
            entry_bar: position.entry_bar,
            exit_bar: bar,
            entry_time: time(position.entry_bar),
            exit_time: time(bar),
            direction: position.side,
            entry_price: position.entry.price,
            exit_price: exit.price,
            quantity,
            pnl: profit - entry_fee - exit_fee,
            fees: entry_fee + exit_fee,
            exit_reason: reason,
        });
    }

    fn count(&mut self, fill: Fill, quantity: f64) {
        self.ledger.traded_notional += quantity * fill.price;
        self.ledger.slippage_cost += quantity * fill.slippage;
    }
}

/// Return of the whole balance held long from the first possible fill in `window` to its last
/// close, fees and slippage paid; `None` if there are no two candles.
pub(super) fn hold_return(
    config: &Config,
    candles: &Candles,
    window: &Range<usize>,
) -> Option<f64> {
    if window.len() < 2 {
        return None;
    }
    let entry = match config.fill {
        variant::Fill::NextOpen => candles.open.get(window.start + 1),
        variant::Fill::Close => candles.close.get(window.start),
    };
    let exit = candles.close.get(window.end - 1);
    let costs = Costs::new(config);
    let (entry, exit) = (costs.market(*entry?, 1.0), costs.market(*exit?, -1.0));
    Some((exit.price - exit.fee) / (entry.price + entry.fee) - 1.0)
}
