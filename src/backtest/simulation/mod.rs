//! The account moving through the candles: signals become fills, fills become trades and equity.
//!
//! # Order within a candle
//!
//! 1. At the open: funding due since the last one, for a position held since an earlier candle.
//! 2. At the open: a liquidation or a stop that the open lies at or beyond, filled at the open.
//! 3. At the open: market orders decided on at the close before, an exit before an entry.
//! 4. Inside: stop, liquidation and target. A target that the open lies at or beyond is filled at
//!    the open. Of stop and liquidation the one nearer to the entry comes first. If the candle
//!    holds an adverse order and the target, [`Execution`](super::variant::Execution) says which
//!    came first, unless finer candles tell.
//! 5. At the close: market orders decided on at that very close, if the config fills there; the
//!    trailing stop moves; the equity is marked.
//!
//! # How it runs
//!
//! The simulation jumps from event to event. Without a position it looks for the next entry asked
//! for; with one, for the first candle that touches a resting order before the next market order or
//! funding. A plain loop over candles gives the same bits; the tests hold it against one.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::checked::CheckedCandles;
use super::signals::Signals;
use super::trade::{ExitReason, Side};
use super::variant::{Config, Fill, Intrabar, MoneyManagement, OnOpposite, StopsActive, Variant};

mod account;
mod baseline;
mod checkpoint;
mod costs;
mod decisions;
mod detail;
mod fills;
mod funding;
mod ledger;
mod orders;
mod position;
mod sizing;

use account::Account;
pub(super) use baseline::hold_curve;
pub(super) use checkpoint::CHECKPOINT_VERSION;
use costs::Costs;
use decisions::{Decisions, NextLeaves};
use detail::Detail;
use fills::Moment;
use funding::FundingRates;
pub(super) use ledger::Ledger;
pub use ledger::Rejections;
use orders::OrderRules;
use position::Position;
use sizing::Sizing;

/// Room is made in advance for at most this many trades.
const TRADES_FORESEEN: usize = 4_096;

/// What a run is made of: candles, the part of them that is traded, and signals.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    /// All candles, warm-up included.
    pub(super) candles: CheckedCandles,
    /// Finer candles that tell the order of events within a candle.
    pub(super) detail: Option<CheckedCandles>,
    /// Positions of the candles that are traded.
    pub(super) window: Range<usize>,
    /// When to enter and leave, counted from the first candle.
    pub(super) signals: Arc<Signals>,
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
    detail: Detail,
    window: Range<usize>,
    decisions: Decisions,
    money: MoneyManagement,
    config: Config,
    intrabar: Intrabar,
    costs: Costs,
    long_orders: OrderRules,
    short_orders: OrderRules,
    sizing: Sizing,
    fills_at_close: bool,
    funding: Option<FundingRates>,
}

/// What moves: all that a run stopped between two candles has to know to go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    /// The first candle not yet simulated.
    bar: usize,
    /// The first close not yet decided on.
    next_decision: usize,
    /// The first candle in which an entry may be filled after a cooldown.
    entry_from: usize,
    next_leaves: NextLeaves,
    position: Option<Position>,
    account: Account,
}

/// A market order that ends a position.
#[derive(Debug, Clone, Copy)]
struct Leave {
    /// The close on which it is decided.
    close: usize,
    /// The candle in which it is filled.
    bar: usize,
    reason: ExitReason,
}

impl Simulation {
    /// An account at the first candle of the window.
    pub(super) fn new(variant: &Variant, inputs: Inputs, intrabar: Intrabar) -> Self {
        let (config, money) = (&variant.config, &variant.money_management);
        let maintenance = config.maintenance_margin_pct / 100.0;
        let setup = Setup {
            long_orders: OrderRules::new(Side::Long, money, maintenance),
            short_orders: OrderRules::new(Side::Short, money, maintenance),
            detail: Detail::new(inputs.candles.clone(), inputs.detail),
            candles: inputs.candles,
            decisions: Decisions::new(&inputs.signals, inputs.window.end, money.on_opposite),
            window: inputs.window,
            money: *money,
            config: config.clone(),
            intrabar,
            costs: Costs::new(config),
            sizing: Sizing::new(money, config),
            fills_at_close: config.fill == Fill::Close,
            funding: FundingRates::new(&config.funding_bps_8h),
        };
        let trades = setup.decisions.entry_count().min(TRADES_FORESEEN);
        let state = State {
            bar: setup.window.start,
            next_decision: setup.window.start,
            entry_from: setup.window.start,
            next_leaves: NextLeaves::default(),
            position: None,
            account: Account::new(config, setup.window.start, trades),
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
            if self.state.position.is_some() {
                self.hold(end);
            } else {
                self.wait(end);
            }
        }
    }

    /// Simulates what is left and closes an open position at the last close.
    pub(super) fn finish(mut self) -> Ledger {
        let end = self.setup.window.end;
        self.advance(end);
        let Self { setup, state } = self;
        let mut account = state.account;
        if let Some(position) = &state.position {
            let exit = setup.at_last_close(position);
            account.settle(position, exit, setup.trade(position, exit));
        }
        account.finish(end)
    }

    /// Goes on without a position to the next entry, or to `end`.
    fn wait(&mut self, end: usize) {
        let Self { setup, state } = self;
        let from = state.next_decision.max(setup.decided_on(state.entry_from));
        let entry = setup.decisions.next_entry(from).filter(|_| !state.account.has_ended());
        let Some(close) = entry.filter(|close| setup.due(*close) < end) else {
            state.bar = end;
            return;
        };
        state.next_decision = close + 1;
        if let Some(side) = setup.decisions.entry(close) {
            self.enter(side, close);
        }
    }

    /// Keeps the position to its next event, or to `end`.
    fn hold(&mut self, end: usize) {
        let Self { setup, state } = self;
        let Some(position) = &mut state.position else { return };
        let asked = state.next_leaves.from(state.next_decision, position.side, &setup.decisions);
        let leave = setup.next_leave(position.entry_bar, asked);
        let leave_bar = leave.map_or(usize::MAX, |leave| leave.bar);
        // An order filled at a close comes after what is touched inside that candle.
        let leave_after = leave_bar.saturating_add(usize::from(setup.fills_at_close));
        let funding_bar = position.funding.bar;
        let until = end.min(funding_bar).min(leave_after);
        let (touched, seen) = position.orders.first_touch(&setup.candles, state.bar..until);
        position.seen = position.seen.and(seen);
        if let Some(bar) = touched {
            self.close_resting(bar);
            return;
        }
        state.bar = until;
        if funding_bar < end && (funding_bar < leave_after || funding_bar == leave_bar) {
            state.account.mark(funding_bar, Some((position, Moment::Open)));
            state.account.pay(setup.fund(position));
        } else if let Some(leave) = leave.filter(|leave| leave.bar < end) {
            self.leave(leave);
        }
    }
}

impl Setup {
    /// The next market order that ends a position: asked for by the signals at a close, or because
    /// it was held for long enough.
    fn next_leave(&self, entry_bar: usize, asked: Option<usize>) -> Option<Leave> {
        let asked =
            asked.map(|close| Leave { close, bar: self.due(close), reason: ExitReason::Signal });
        let held = self.money.max_hold_candles.and_then(|candles| {
            let bar = entry_bar.checked_add(usize::try_from(candles).ok()?)?;
            Some(Leave { close: self.decided_on(bar), bar, reason: ExitReason::MaxHold })
        });
        match (asked, held) {
            (Some(asked), Some(held)) if held.bar < asked.bar => Some(held),
            (asked, held) => asked.or(held),
        }
    }

    /// The side to take after leaving because of the decision on `close`.
    fn turn(&self, close: usize) -> Option<Side> {
        let money = &self.money;
        let turns = money.on_opposite == OnOpposite::Reverse && money.cooldown_candles == 0;
        self.decisions.entry(close).filter(|_| turns)
    }

    /// The candle in which a decision made on a close is filled.
    fn due(&self, close: usize) -> usize {
        close + usize::from(!self.fills_at_close)
    }

    /// The close on which a market order filled in candle `bar` was decided.
    fn decided_on(&self, bar: usize) -> usize {
        bar.saturating_sub(usize::from(!self.fills_at_close))
    }

    /// The first candle in which stop and target of a position entered in candle `bar` are live.
    fn stops_live_from(&self, bar: usize) -> usize {
        let spared = self.config.execution.stops_active == StopsActive::NextBar;
        bar + usize::from(spared || self.fills_at_close)
    }
}
