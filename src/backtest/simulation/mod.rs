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

use crate::domain::candles::Candles;

use super::checked::CheckedCandles;
use super::signals::Signals;
use super::trade::{ExitReason, Side};
use super::variant::{Config, Fill, Intrabar, MoneyManagement, OnOpposite, StopsActive, Variant};

mod baseline;
mod costs;
mod decisions;
mod detail;
mod fills;
mod funding;
mod ledger;
mod orders;
mod position;
mod sizing;

pub(super) use baseline::hold_curve;
use costs::Costs;
use decisions::Decisions;
use detail::Detail;
use funding::FundingRates;
pub(super) use ledger::Ledger;
pub use ledger::Rejections;
use position::Position;
use sizing::Sizing;

/// Balance from which on an account counts as used up, as a share of the starting balance: what is
/// left is rounding.
const USED_UP: f64 = 1e-12;

/// Balance beyond which trading ends, so that no later figure can overflow.
const BEYOND_COUNTING: f64 = 1e30;

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
    sizing: Sizing,
    funding: Option<FundingRates>,
    /// Balances with which trading goes on.
    alive: Range<f64>,
}

/// What moves: all that a run stopped between two candles has to know to go on.
#[derive(Debug, Clone)]
struct State {
    /// The first candle not yet simulated.
    bar: usize,
    /// The first close not yet decided on.
    next_decision: usize,
    /// The first candle in which an entry may be filled after a cooldown.
    entry_from: usize,
    balance: f64,
    position: Option<Position>,
    /// Whether the account is used up, or beyond counting.
    ended: bool,
    ledger: Ledger,
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
        let state = State {
            bar: inputs.window.start,
            next_decision: inputs.window.start,
            entry_from: inputs.window.start,
            balance: config.balance,
            position: None,
            ended: false,
            ledger: Ledger::new(inputs.window.start),
        };
        let setup = Setup {
            detail: Detail::new(inputs.candles.clone(), inputs.detail),
            candles: inputs.candles,
            window: inputs.window,
            decisions: Decisions::new(inputs.signals),
            money: *money,
            config: config.clone(),
            intrabar,
            costs: Costs::new(config),
            sizing: Sizing::new(money, config),
            funding: FundingRates::new(&config.funding_bps_8h),
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
            self.close_at_end(&position);
        }
        self.mark(self.setup.window.end, None);
        self.state.ledger
    }

    /// Goes on without a position to the next entry, or to `end`.
    fn wait(&mut self, end: usize) {
        let from = self.state.next_decision.max(self.decided_on(self.state.entry_from));
        let entry = self.setup.decisions.next_entry(from).filter(|_| !self.state.ended);
        let Some((close, side)) = entry.filter(|(close, _)| self.due(*close) < end) else {
            self.state.bar = end;
            return;
        };
        self.state.next_decision = close + 1;
        self.enter(side, close);
    }

    /// Keeps `position` to its next event, or to `end`.
    fn hold(&mut self, mut position: Position, end: usize) {
        let leave = self.next_leave(&position);
        let leave_bar = leave.map_or(usize::MAX, |leave| leave.bar);
        // An order filled at a close comes after what is touched inside that candle.
        let leave_after = leave_bar.saturating_add(usize::from(self.fills_at_close()));
        let funding = position.funding.bar;
        let until = end.min(funding).min(leave_after);
        let touched = position.orders.first_touch(&self.setup.candles, self.state.bar..until);
        if let Some(bar) = touched {
            self.close_resting(&position, bar);
            return;
        }
        self.state.bar = until;
        if funding < end && (funding < leave_after || funding == leave_bar) {
            self.pay_funding(&mut position);
        } else if let Some(leave) = leave.filter(|leave| leave.bar < end) {
            self.leave(&position, leave);
            return;
        }
        self.state.position = Some(position);
    }

    /// The next market order that ends `position`: asked for by the signals, or because it was held
    /// for long enough.
    fn next_leave(&self, position: &Position) -> Option<Leave> {
        let on_opposite = self.setup.money.on_opposite;
        let from = self.state.next_decision;
        let asked = self.setup.decisions.next_leave(position.side, from, on_opposite);
        let asked =
            asked.map(|close| Leave { close, bar: self.due(close), reason: ExitReason::Signal });
        let held = self.setup.money.max_hold_candles.and_then(|candles| {
            let bar = position.entry_bar.checked_add(usize::try_from(candles).ok()?)?;
            Some(Leave { close: self.decided_on(bar), bar, reason: ExitReason::MaxHold })
        });
        match (asked, held) {
            (Some(asked), Some(held)) if held.bar < asked.bar => Some(held),
            (asked, held) => asked.or(held),
        }
    }

    /// The side to take after leaving because of the decision on `close`.
    fn turn(&self, close: usize) -> Option<Side> {
        let money = &self.setup.money;
        let turns = money.on_opposite == OnOpposite::Reverse && money.cooldown_candles == 0;
        self.setup.decisions.entry(close).filter(|_| turns && !self.state.ended)
    }

    /// The candle in which a decision made on a close is filled.
    fn due(&self, close: usize) -> usize {
        close + usize::from(!self.fills_at_close())
    }

    /// The close on which a market order filled in candle `bar` was decided.
    fn decided_on(&self, bar: usize) -> usize {
        bar.saturating_sub(usize::from(!self.fills_at_close()))
    }

    /// The first candle in which stop and target of a position entered in candle `bar` are live.
    fn stops_live_from(&self, bar: usize) -> usize {
        let spared = self.setup.config.execution.stops_active == StopsActive::NextBar;
        bar + usize::from(spared || self.fills_at_close())
    }

    fn fills_at_close(&self) -> bool {
        self.setup.config.fill == Fill::Close
    }

    fn candles(&self) -> &Candles {
        self.setup.candles.candles()
    }
}
