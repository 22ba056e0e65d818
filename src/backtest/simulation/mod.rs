//! The account moving through the candles: signals become fills, fills become trades and equity.
//!
//! The simulation jumps from event to event. Without a position it looks for the next entry asked
//! for; with one, for the first candle that touches a protective order before the position is to be
//! left.

use std::ops::Range;
use std::sync::Arc;

use crate::domain::candles::Candles;

use super::checked::CheckedCandles;
use super::curve::{Curve, Stretch};
use super::signals::Signals;
use super::trade::{ExitReason, Side, Trade};
use super::variant::{self, Config, MoneyManagement, Variant};

mod costs;
mod decisions;
mod position;

use costs::{Costs, Fill};
use decisions::Decisions;
use position::{Position, affordable_quantity};

/// Balance from which on an account counts as used up, as a share of the starting balance: what is
/// left is rounding.
const USED_UP: f64 = 1e-12;

/// Balance beyond which trading ends, so that no later figure can overflow.
const BEYOND_COUNTING: f64 = 1e30;

/// What happened in a run.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    /// Finished trades, oldest first.
    pub(super) trades: Vec<Trade>,
    /// Equity at the close of every traded candle.
    pub(super) curve: Curve,
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
    setup: Setup,
    state: State,
}

/// What stays the same throughout a run.
#[derive(Debug)]
struct Setup {
    candles: CheckedCandles,
    window: Range<usize>,
    decisions: Decisions,
    money: MoneyManagement,
    fill: variant::Fill,
    costs: Costs,
    alive: Range<f64>,
}

/// What moves: everything that a run stopped between two candles has to know to go on.
#[derive(Debug, Clone)]
struct State {
    /// The first candle not yet simulated.
    bar: usize,
    /// The first close not yet decided on.
    next_decision: usize,
    balance: f64,
    position: Option<Position>,
    ended: bool,
    ledger: Ledger,
}

/// When in a candle a fill happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Open,
    Inside,
    Close,
}

impl Simulation {
    /// An account at the first candle of `window`.
    pub(super) fn new(
        variant: &Variant,
        candles: CheckedCandles,
        window: Range<usize>,
        signals: Arc<Signals>,
    ) -> Self {
        let config = &variant.config;
        let state = State {
            bar: window.start,
            next_decision: window.start,
            balance: config.balance,
            position: None,
            ended: false,
            ledger: Ledger {
                trades: Vec::new(),
                curve: Curve::new(window.start),
                slippage_cost: 0.0,
                traded_notional: 0.0,
                bars_in_position: 0,
                ambiguous_bars: 0,
                rejected_entries: 0,
            },
        };
        let setup = Setup {
            candles,
            decisions: Decisions::new(signals),
            window,
            money: variant.money_management,
            fill: config.fill,
            costs: Costs::new(config),
            alive: config.balance * USED_UP..BEYOND_COUNTING,
        };
        Self { setup, state }
    }

    /// Position of the first candle not yet simulated.
    pub(super) fn bar(&self) -> usize {
        self.state.bar
    }

    /// Simulates candles up to `end` (excluded). Where it is cut makes no difference.
    pub(super) fn advance(&mut self, end: usize) {
        let end = end.min(self.setup.window.end);
        while self.state.bar < end {
            match self.state.position.take() {
                Some(position) => self.hold(position, end),
                None => self.wait(end),
            }
        }
    }

    /// Simulates what is left and closes an open position at the last close.
    pub(super) fn finish(mut self) -> Ledger {
        self.advance(self.setup.window.end);
        if let Some(position) = self.state.position.take() {
            let last = self.setup.window.end.saturating_sub(1);
            let close = column(&self.candles().close, last);
            let fill = self.setup.costs.market(close, -position.side.sign());
            self.settle(&position, fill, (last, Moment::Close), ExitReason::EndOfData);
        }
        self.mark(self.setup.window.end, None);
        self.state.ledger
    }

    /// Goes on without a position to the next entry, or to `end`.
    fn wait(&mut self, end: usize) {
        let entry = self.setup.decisions.next_entry(self.state.next_decision);
        let due = entry.filter(|(close, _)| !self.state.ended && self.due(*close) < end);
        let Some((close, side)) = due else {
            self.state.bar = end;
            return;
        };
        self.state.bar = self.due(close);
        self.state.next_decision = close + 1;
        self.enter(side, self.state.bar);
    }

    /// Keeps `position` to its end, or to `end`.
    fn hold(&mut self, position: Position, end: usize) {
        let leave = self.setup.decisions.next_leave(position.side, self.state.next_decision);
        let due = leave.map(|close| (close, self.due(close))).filter(|(_, bar)| *bar < end);
        // An order filled at the close of a candle comes after what is touched inside.
        let inside = usize::from(self.setup.fill == variant::Fill::Close);
        let until = due.map_or(end, |(_, bar)| bar + inside);
        let touched = position.first_touch(&self.setup.candles, self.state.bar..until);
        match (touched, due) {
            (Some(bar), _) => self.close_protected(&position, bar),
            (None, Some((close, bar))) => self.leave(&position, close, bar),
            (None, None) => {
                self.state.bar = end;
                self.state.position = Some(position);
            }
        }
    }

    /// The candle in which a decision made on a close is filled.
    fn due(&self, close: usize) -> usize {
        match self.setup.fill {
            variant::Fill::NextOpen => close + 1,
            variant::Fill::Close => close,
        }
    }

    /// The price and the moment at which market orders are filled in candle `bar`.
    fn market(&self, bar: usize) -> (f64, Moment) {
        match self.setup.fill {
            variant::Fill::NextOpen => (column(&self.candles().open, bar), Moment::Open),
            variant::Fill::Close => (column(&self.candles().close, bar), Moment::Close),
        }
    }

    /// Leaves `position` in candle `bar` by a market order decided on at `close`, and turns if the
    /// other side was asked for.
    fn leave(&mut self, position: &Position, close: usize, bar: usize) {
        let (price, moment) = self.market(bar);
        let fill = self.setup.costs.market(price, -position.side.sign());
        self.settle(position, fill, (bar, moment), ExitReason::Signal);
        self.state.next_decision = close + 1;
        self.state.bar = bar + 1;
        if let Some(side) = self.setup.decisions.entry(close).filter(|_| !self.state.ended) {
            self.enter(side, bar);
        }
    }

    /// Enters in candle `bar` by a market order, if that can be paid for.
    fn enter(&mut self, side: Side, bar: usize) {
        let (price, moment) = self.market(bar);
        // A position entered at the very last close could only pay its fees.
        if moment == Moment::Close && bar + 1 >= self.setup.window.end {
            self.state.bar = bar + 1;
            return;
        }
        let fill = self.setup.costs.market(price, side.sign());
        let size = self.setup.money.size;
        let Some(quantity) = affordable_quantity(size, self.state.balance, fill) else {
            self.state.ledger.rejected_entries += 1;
            return;
        };
        self.mark(bar, None);
        self.state.balance -= quantity * fill.fee;
        self.count(fill, quantity);
        self.state.bar = bar + usize::from(moment == Moment::Close);
        self.state.position = Some(Position::new(side, bar, fill, quantity, &self.setup.money));
    }

    /// Closes `position` by the stop or target that candle `bar` touches.
    fn close_protected(&mut self, position: &Position, bar: usize) {
        let candles = self.candles();
        let [open, high, low] =
            [&candles.open, &candles.high, &candles.low].map(|prices| column(prices, bar));
        let exit = position.protect(self.setup.costs, open, high, low);
        self.state.ledger.ambiguous_bars += usize::from(exit.ambiguous);
        self.settle(position, exit.fill, (bar, Moment::Inside), exit.reason);
        self.state.bar = bar + 1;
        self.state.next_decision = self.state.next_decision.max(bar);
    }

    fn settle(
        &mut self,
        position: &Position,
        exit: Fill,
        (bar, moment): (usize, Moment),
        reason: ExitReason,
    ) {
        self.mark(bar, Some(position));
        let quantity = position.quantity;
        let (entry_fee, exit_fee) = (quantity * position.entry.fee, quantity * exit.fee);
        let profit = position.profit(exit.price);
        self.state.balance += profit - exit_fee;
        self.state.ended |= !self.setup.alive.contains(&self.state.balance);
        self.count(exit, quantity);
        let first = position.entry_bar + usize::from(self.setup.fill == variant::Fill::Close);
        let end = bar + usize::from(moment != Moment::Open);
        let time = |bar: usize| self.candles().time.get(bar).copied().unwrap_or_default();
        let trade = Trade {
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
        };
        self.state.ledger.bars_in_position += end.saturating_sub(first);
        self.state.ledger.trades.push(trade);
    }

    /// Notes that account and position were as they are at all closes before `bar`.
    fn mark(&mut self, bar: usize, position: Option<&Position>) {
        let (quantity, entry_price) = position.map_or((0.0, 0.0), |position| {
            (position.side.sign() * position.quantity, position.entry.price)
        });
        let balance = self.state.balance;
        self.state.ledger.curve.push(Stretch { end: bar, balance, quantity, entry_price });
    }

    fn count(&mut self, fill: Fill, quantity: f64) {
        self.state.ledger.traded_notional += quantity * fill.price;
        self.state.ledger.slippage_cost += quantity * fill.slippage;
    }

    fn candles(&self) -> &Candles {
        self.setup.candles.candles()
    }
}

/// The price of a candle that is known to exist: every position in a run lies in its window.
fn column(prices: &[f64], bar: usize) -> f64 {
    prices.get(bar).copied().unwrap_or_default()
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
