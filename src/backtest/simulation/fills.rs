//! What fills are made of: entries, exits, funding.

use crate::backtest::checked::Span;
use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::backtest::variant::StopsFrom;
use crate::domain::candles::Candles;

use super::costs::Fill;
use super::funding::FundingRates;
use super::orders::{Certainty, Hit, Prices};
use super::position::{FundingDue, Position};
use super::sizing::Rejection;
use super::{Leave, Setup, Simulation};

/// How and when a position ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    pub(super) bar: usize,
    pub(super) fill: Fill,
    pub(super) reason: ExitReason,
    pub(super) certainty: Certainty,
    pub(super) moment: Moment,
    /// Candles in which the position was held for at least a part.
    pub(super) bars_held: usize,
}

/// When in a candle a fill happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Open,
    Inside,
    Close,
}

impl Simulation {
    /// Enters on `side` by a market order decided on at `close`, if that can be paid for.
    pub(super) fn enter(&mut self, side: Side, close: usize) {
        let Self { setup, state } = self;
        let bar = setup.due(close);
        state.bar = bar + usize::from(setup.fills_at_close);
        // A position entered at the very last close could only pay its fees.
        if state.bar >= setup.window.end {
            return;
        }
        match setup.entry(side, close, state.account.balance()) {
            Err(rejection) => state.account.reject(rejection),
            Ok(position) => state.account.open(state.position.insert(position)),
        }
    }

    /// Leaves the position by a market order, and turns if the other side was asked for.
    pub(super) fn leave(&mut self, leave: Leave) {
        let Self { setup, state } = self;
        if let Some(position) = &state.position {
            let (price, moment) = setup.market(leave.bar);
            let gapped = position.orders.gapped(leave.bar, price);
            let exit = match gapped.filter(|_| moment == Moment::Open) {
                Some(hit) => setup.resting_exit(position, leave.bar, hit),
                None => setup.market_exit(position, leave.bar, leave.reason),
            };
            self.close(exit);
        }
        let Self { setup, state } = self;
        state.next_decision = leave.close + 1;
        state.bar = leave.bar + 1;
        let turns = leave.reason == ExitReason::Signal && !state.account.has_ended();
        if let Some(side) = setup.turn(leave.close).filter(|_| turns) {
            self.enter(side, leave.close);
        }
    }

    /// Closes the position by the resting order that candle `bar` touches.
    pub(super) fn close_resting(&mut self, bar: usize) {
        let Self { setup, state } = self;
        let prices = Prices::of(setup.candles(), bar);
        if let (Some(position), Some(prices)) = (&state.position, prices) {
            let hit = position.orders.hit(bar, prices, setup.intrabar, &setup.detail);
            let exit = setup.resting_exit(position, bar, hit);
            self.close(exit);
        }
        self.state.bar = bar + 1;
        self.state.next_decision = self.state.next_decision.max(bar);
    }

    fn close(&mut self, exit: Exit) {
        let Self { setup, state } = self;
        if let Some(position) = &state.position {
            state.account.settle(position, exit, setup.trade(position, exit));
        }
        state.position = None;
        let cooldown = usize::try_from(setup.money.cooldown_candles).unwrap_or(usize::MAX);
        if cooldown > 0 {
            state.entry_from = (exit.bar + 1).saturating_add(cooldown);
        }
    }
}

impl Setup {
    /// The position that a market order decided on at `close` gives.
    fn entry(&self, side: Side, close: usize, balance: f64) -> Result<Position, Rejection> {
        let bar = self.due(close);
        let (price, _) = self.market(bar);
        let fill = self.costs.market(price, side.sign());
        let base = match self.config.execution.stops_from {
            StopsFrom::EntryFill => fill.price,
            StopsFrom::SignalClose => price_at(&self.candles().close, close),
        };
        let rules = if side == Side::Long { &self.long_orders } else { &self.short_orders };
        let orders = rules.at(fill.price, base, self.stops_live_from(bar));
        let distance = side.sign() * (fill.price - orders.stop().0);
        let stop_distance = (distance > 0.0 && distance.is_finite()).then_some(distance);
        let quantity = self.sizing.quantity(balance, fill, stop_distance)?;
        Ok(Position {
            side,
            entry_bar: bar,
            entry: fill,
            quantity,
            margin: self.sizing.margin(quantity, fill.price),
            stop_distance,
            seen: Span::NONE,
            orders,
            funding: self.funding_from(bar),
        })
    }

    fn market_exit(&self, position: &Position, bar: usize, reason: ExitReason) -> Exit {
        let (price, moment) = self.market(bar);
        let fill = self.costs.market(price, -position.side.sign());
        self.exit(position, (bar, moment), fill, reason, Certainty::Clear)
    }

    fn resting_exit(&self, position: &Position, bar: usize, hit: Hit) -> Exit {
        let fill = Prices::of(self.candles(), bar).map_or(position.entry, |prices| {
            let price = if hit.at_open { prices.open } else { hit.level };
            match hit.reason {
                ExitReason::TakeProfit => self.costs.limit(price),
                _ => self.costs.stop(price, -position.side.sign(), prices.low, prices.high),
            }
        });
        let moment = if hit.at_open { Moment::Open } else { Moment::Inside };
        self.exit(position, (bar, moment), fill, hit.reason, hit.certainty)
    }

    /// The end of a position that nothing else has ended.
    pub(super) fn at_last_close(&self, position: &Position) -> Exit {
        let bar = self.window.end.saturating_sub(1);
        let close = price_at(&self.candles().close, bar);
        let fill = self.costs.market(close, -position.side.sign());
        let at = (bar, Moment::Close);
        self.exit(position, at, fill, ExitReason::EndOfData, Certainty::Clear)
    }

    fn exit(
        &self,
        position: &Position,
        (bar, moment): (usize, Moment),
        fill: Fill,
        reason: ExitReason,
        certainty: Certainty,
    ) -> Exit {
        let held_from = position.entry_bar + usize::from(self.fills_at_close);
        let held_until = bar + usize::from(moment != Moment::Open);
        let bars_held = held_until.saturating_sub(held_from);
        Exit { bar, fill, reason, certainty, moment, bars_held }
    }

    /// What is told about a position that has ended.
    pub(super) fn trade(&self, position: &Position, exit: Exit) -> Trade {
        let Position { entry, quantity, entry_bar, .. } = *position;
        let fees = quantity * entry.fee + quantity * exit.fill.fee;
        let pnl = position.profit(exit.fill.price) - fees - position.funding.paid;
        let mut last = Span::NONE.with(exit.fill.price);
        if exit.moment == Moment::Inside {
            last = last.with(price_at(&self.candles().open, exit.bar));
        }
        let [mae_pct, mfe_pct] = position.excursions(last);
        let multiple = position.stop_distance.map(|distance| pnl / (quantity * distance));
        let time = |bar: usize| self.candles().time.get(bar).copied().unwrap_or_default();
        Trade {
            entry_bar,
            exit_bar: exit.bar,
            entry_time: time(entry_bar),
            exit_time: time(exit.bar),
            direction: position.side,
            entry_price: entry.price,
            exit_price: exit.fill.price,
            quantity,
            pnl,
            fees,
            funding: position.funding.paid,
            slippage: quantity * (entry.slippage + exit.fill.slippage),
            mae_pct,
            mfe_pct,
            r: multiple.filter(|multiple| multiple.is_finite()),
            bars: exit.bar - entry_bar,
            ambiguous: exit.certainty == Certainty::Assumed,
            exit_reason: exit.reason,
        }
    }

    /// What is due at the open of the position's funding candle since the last time, account
    /// currency; notes it in the position.
    pub(super) fn fund(&self, position: &mut Position) -> f64 {
        let FundingDue { paid, until_ms, bar } = position.funding;
        let now_ms = self.candles().time.get(bar).copied().unwrap_or(until_ms);
        let rate = self.funding.as_ref().map_or(0.0, |rates| rates.sum(until_ms, now_ms));
        let payment = position.signed_quantity() * price_at(&self.candles().open, bar) * rate;
        let next = self.next_funding(bar, now_ms);
        position.funding = FundingDue { paid: paid + payment, until_ms: now_ms, bar: next };
        payment
    }

    /// Where funding of a position entered in candle `bar` stands.
    fn funding_from(&self, bar: usize) -> FundingDue {
        let open_ms = self.candles().time.get(bar).copied().unwrap_or_default();
        let length_ms = self.candles.timeframe().length_ms();
        let until_ms = if self.fills_at_close { open_ms + length_ms } else { open_ms };
        FundingDue { paid: 0.0, until_ms, bar: self.next_funding(bar, until_ms) }
    }

    /// The first candle after `bar` that opens at or after the first settlement after `since_ms`.
    fn next_funding(&self, bar: usize, since_ms: i64) -> usize {
        let length_ms = self.candles.timeframe().length_ms();
        self.funding.as_ref().map_or(usize::MAX, |_| {
            FundingRates::next_bar(&self.candles().time, length_ms, bar + 1, since_ms)
        })
    }

    /// The price and the moment at which market orders are filled in candle `bar`.
    fn market(&self, bar: usize) -> (f64, Moment) {
        if self.fills_at_close {
            (price_at(&self.candles().close, bar), Moment::Close)
        } else {
            (price_at(&self.candles().open, bar), Moment::Open)
        }
    }

    fn candles(&self) -> &Candles {
        self.candles.candles()
    }
}

/// The price of a candle that is known to exist: every position in a run lies in its window.
fn price_at(prices: &[f64], bar: usize) -> f64 {
    prices.get(bar).copied().unwrap_or_default()
}
