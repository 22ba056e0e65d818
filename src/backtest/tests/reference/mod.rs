//! The execution model as a plain loop over candles, one step after the other, with one equity mark
//! per candle: slow, and easy to hold against the rules. The engine must give the same bits.

use crate::backtest::signals::Signals;
use crate::backtest::simulation::Rejections;
use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::backtest::variant::{Fill, Funding, Intrabar, OnOpposite, StopsActive, Variant};
use crate::domain::candles::Candles;

mod fills;

const EIGHT_HOURS_MS: i64 = 8 * 3_600_000;

/// What the plain loop found.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) trades: Vec<Trade>,
    pub(super) equity: Vec<f64>,
    /// Candles held from open to close, with the equity at their adverse extreme.
    pub(super) inside: Vec<(usize, f64)>,
    pub(super) bars_in_position: usize,
    pub(super) ambiguous_bars: usize,
    pub(super) resolved_bars: usize,
    pub(super) rejections: Rejections,
}

/// What was decided on a close and waits to be filled.
#[derive(Clone, Copy)]
struct Order {
    leave: Option<ExitReason>,
    enter: Option<Side>,
    signal_close: f64,
}

struct Held {
    side: Side,
    entry_bar: usize,
    entry_price: f64,
    entry_fee: f64,
    entry_slippage: f64,
    quantity: f64,
    stop: Option<f64>,
    target: Option<f64>,
    liquidation: Option<f64>,
    trail: Option<f64>,
    best_close: f64,
    stop_distance: Option<f64>,
    funding: f64,
    funded_until: i64,
    lowest: f64,
    highest: f64,
    bars: usize,
}

pub(super) struct Reference<'a> {
    variant: &'a Variant,
    candles: &'a Candles,
    detail: Option<&'a Candles>,
    signals: &'a Signals,
    end: usize,
    balance: f64,
    held: Option<Held>,
    last_exit: Option<usize>,
    ended: bool,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    Open,
    Inside,
    Close,
}

impl<'a> Reference<'a> {
    pub(super) fn run(
        variant: &'a Variant,
        candles: &'a Candles,
        detail: Option<&'a Candles>,
        signals: &'a Signals,
        window: std::ops::Range<usize>,
    ) -> Outcome {
        let mut run = Reference {
            variant,
            candles,
            detail,
            signals,
            end: window.end,
            balance: variant.config.balance,
            held: None,
            last_exit: None,
            ended: false,
            outcome: Outcome::default(),
        };
        let mut waiting = None;
        for bar in window.clone() {
            run.pay_funding(bar);
            run.gap(bar);
            if let Some(order) = waiting.take() {
                run.fill(order, bar, candles.open[bar], When::Open);
            }
            run.inside(bar);
            run.hold_to_the_close(bar);
            let order = run.decide(bar);
            match variant.config.fill {
                Fill::NextOpen => waiting = order,
                Fill::Close => {
                    if let Some(order) = order {
                        run.fill(order, bar, candles.close[bar], When::Close);
                    }
                }
            }
            let last = bar + 1 == window.end;
            if last && run.held.is_some() {
                let order =
                    Order { leave: Some(ExitReason::EndOfData), enter: None, signal_close: 0.0 };
                run.fill(order, bar, candles.close[bar], When::Close);
            }
            let mark = run.mark(bar);
            run.outcome.equity.push(mark);
        }
        run.outcome
    }

    fn mark(&self, bar: usize) -> f64 {
        match &self.held {
            None => self.balance,
            Some(held) => {
                let quantity = held.side.sign() * held.quantity;
                self.balance + quantity * (self.candles.close[bar] - held.entry_price)
            }
        }
    }

    fn pay_funding(&mut self, bar: usize) {
        let Some(held) = &mut self.held else { return };
        let now = self.candles.time[bar];
        let mut rate = 0.0;
        let mut boundary = (held.funded_until / EIGHT_HOURS_MS + 1) * EIGHT_HOURS_MS;
        while boundary <= now {
            rate += funding_bps(&self.variant.config.funding_bps_8h, boundary) / 10_000.0;
            boundary += EIGHT_HOURS_MS;
        }
        held.funded_until = now.max(held.funded_until);
        let payment = held.side.sign() * held.quantity * self.candles.open[bar] * rate;
        held.funding += payment;
        self.balance -= payment;
    }

    /// Liquidation, then stop, if the open lies beyond; for a position from an earlier candle.
    fn gap(&mut self, bar: usize) {
        let Some(held) = self.held.as_ref().filter(|held| held.entry_bar < bar) else { return };
        let open = self.candles.open[bar];
        let (stop, reason) = stop_of(held);
        if held.liquidation.is_some_and(|level| loses(held.side, open, level)) {
            self.exit_resting(bar, open, ExitReason::Liquidation, When::Open, false);
        } else if stop.is_some_and(|level| loses(held.side, open, level)) && self.live(bar) {
            self.exit_resting(bar, open, reason, When::Open, false);
        }
    }

    fn live(&self, bar: usize) -> bool {
        let spared = self.variant.config.execution.stops_active == StopsActive::NextBar;
        self.held.as_ref().is_some_and(|held| !spared || bar > held.entry_bar)
    }

    fn inside(&mut self, bar: usize) {
        let live = self.live(bar);
        let Some(held) = self.held.as_ref() else { return };
        let [open, high, low] =
            [self.candles.open[bar], self.candles.high[bar], self.candles.low[bar]];
        let side = held.side;
        let (worst, best) = if side == Side::Long { (low, high) } else { (high, low) };
        let (stop, stop_reason) = stop_of(held);
        let stop = stop.filter(|_| live);
        let target = held.target.filter(|_| live);
        let liquidation = held.liquidation;

        if liquidation.is_some_and(|level| loses(side, open, level)) {
            return self.exit_resting(bar, open, ExitReason::Liquidation, When::Open, false);
        }
        if stop.is_some_and(|level| loses(side, open, level)) {
            return self.exit_resting(bar, open, stop_reason, When::Open, false);
        }
        if target.is_some_and(|level| wins(side, open, level)) {
            return self.exit_resting(bar, open, ExitReason::TakeProfit, When::Open, false);
        }
        // Of two orders on the losing side the one nearer to the price comes first.
        let adverse = match (liquidation, stop) {
            (Some(liquidation), Some(stop)) if loses(side, liquidation, stop) => {
                Some((stop, stop_reason))
            }
            (Some(liquidation), _) => Some((liquidation, ExitReason::Liquidation)),
            (None, stop) => stop.map(|stop| (stop, stop_reason)),
        };
        let adverse = adverse.filter(|(level, _)| loses(side, worst, *level));
        let target = target.filter(|level| wins(side, best, *level));
        match (adverse, target) {
            (None, None) => {}
            (Some((level, reason)), None) => {
                self.exit_resting(bar, level, reason, When::Inside, false);
            }
            (None, Some(level)) => {
                self.exit_resting(bar, level, ExitReason::TakeProfit, When::Inside, false);
            }
            (Some((level, reason)), Some(target)) => {
                let told = self.ask_detail(bar, side, level, target);
                let rule = self.variant.config.execution.intrabar == Intrabar::StopFirst;
                if told.is_some() {
                    self.outcome.resolved_bars += 1;
                } else {
                    self.outcome.ambiguous_bars += 1;
                }
                let (level, reason) = if told.unwrap_or(rule) {
                    (level, reason)
                } else {
                    (target, ExitReason::TakeProfit)
                };
                self.exit_resting(bar, level, reason, When::Inside, told.is_none());
            }
        }
    }

    /// Whether the adverse order came first, if the finer candles tell.
    fn ask_detail(&self, bar: usize, side: Side, adverse: f64, target: f64) -> Option<bool> {
        let detail = self.detail?;
        let from = self.candles.time[bar];
        for index in 0..detail.len() {
            if detail.time[index] < from
                || detail.time[index] >= from + self.variant.timeframe.length_ms()
            {
                continue;
            }
            let (low, high) = (detail.low[index], detail.high[index]);
            let (worst, best) = if side == Side::Long { (low, high) } else { (high, low) };
            match (loses(side, worst, adverse), wins(side, best, target)) {
                (false, false) => {}
                (true, false) => return Some(true),
                (false, true) => return Some(false),
                (true, true) if loses(side, detail.open[index], adverse) => return Some(true),
                (true, true) if wins(side, detail.open[index], target) => return Some(false),
                (true, true) => return None,
            }
        }
        None
    }

    fn decide(&self, bar: usize) -> Option<Order> {
        let signals = self.signals;
        let long = signals.long_entry.contains(bar) && !signals.long_exit.contains(bar);
        let short = signals.short_entry.contains(bar) && !signals.short_exit.contains(bar);
        let entry = match (long, short) {
            (true, false) => Some(Side::Long),
            (false, true) => Some(Side::Short),
            _ => None,
        };
        let signal_close = self.candles.close[bar];
        let Some(held) = &self.held else {
            return entry.map(|side| Order { leave: None, enter: Some(side), signal_close });
        };
        let money = &self.variant.money_management;
        let own_exit = match held.side {
            Side::Long => signals.long_exit.contains(bar),
            Side::Short => signals.short_exit.contains(bar),
        };
        let opposite = entry.filter(|side| *side != held.side);
        let heeded = opposite.filter(|_| money.on_opposite != OnOpposite::Ignore);
        let fill_bar = bar + usize::from(self.variant.config.fill == Fill::NextOpen);
        let held_for = fill_bar - held.entry_bar;
        let too_long = money.max_hold_candles.is_some_and(|most| held_for == most as usize);
        if own_exit || heeded.is_some() {
            let turns = money.on_opposite == OnOpposite::Reverse && money.cooldown_candles == 0;
            let enter = opposite.filter(|_| turns);
            return Some(Order { leave: Some(ExitReason::Signal), enter, signal_close });
        }
        too_long.then_some(Order { leave: Some(ExitReason::MaxHold), enter: None, signal_close })
    }

    /// What is still there at the close, before orders are filled at it, was there for the whole
    /// candle.
    fn hold_to_the_close(&mut self, bar: usize) {
        let Some(held) = &mut self.held else { return };
        held.bars += 1;
        held.lowest = held.lowest.min(self.candles.low[bar]);
        held.highest = held.highest.max(self.candles.high[bar]);
        let close = self.candles.close[bar];
        let (best_close, adverse) = match held.side {
            Side::Long => (held.best_close.max(close), self.candles.low[bar]),
            Side::Short => (held.best_close.min(close), self.candles.high[bar]),
        };
        held.best_close = best_close;
        let quantity = held.side.sign() * held.quantity;
        let equity = self.balance + quantity * (adverse - held.entry_price);
        self.outcome.inside.push((bar, equity));
    }
}

/// The nearer of stop loss and trailing stop.
fn stop_of(held: &Held) -> (Option<f64>, ExitReason) {
    let trailing = held.trail.map(|factor| held.best_close * factor);
    match (held.stop, trailing) {
        (Some(stop), Some(trail)) if loses(held.side, trail, stop) => {
            (Some(stop), ExitReason::StopLoss)
        }
        (stop, None) => (stop, ExitReason::StopLoss),
        (_, trail) => (trail, ExitReason::TrailingStop),
    }
}

/// Whether a price is at or beyond a level on the losing side.
fn loses(side: Side, price: f64, level: f64) -> bool {
    if side == Side::Long { price <= level } else { price >= level }
}

fn wins(side: Side, price: f64, level: f64) -> bool {
    if side == Side::Long { price >= level } else { price <= level }
}

fn funding_bps(funding: &Funding, at_ms: i64) -> f64 {
    match funding {
        Funding::Constant(bps) => *bps,
        Funding::Steps(steps) => {
            steps.iter().rev().find(|(from, _)| *from <= at_ms).map_or(0.0, |(_, bps)| *bps)
        }
    }
}
