//! What fills do to the account: entries, exits, funding.

use crate::backtest::curve::Stretch;
use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::backtest::variant::StopsFrom;

use super::costs::Fill;
use super::funding::FundingRates;
use super::orders::{Certainty, Hit, Orders, Prices};
use super::position::{FundingDue, Position};
use super::sizing::Rejection;
use super::{Leave, Simulation};

/// When in a candle a fill happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Open,
    Inside,
    Close,
}

/// How and when a position ends.
#[derive(Debug, Clone, Copy)]
struct Exit {
    bar: usize,
    moment: Moment,
    fill: Fill,
    reason: ExitReason,
    certainty: Certainty,
}

impl Simulation {
    /// Enters on `side` by a market order decided on at `close`, if that can be paid for.
    pub(super) fn enter(&mut self, side: Side, close: usize) {
        let bar = self.due(close);
        let at_close = usize::from(self.fills_at_close());
        self.state.bar = bar + at_close;
        // A position entered at the very last close could only pay its fees.
        if self.state.bar >= self.setup.window.end {
            return;
        }
        let (price, _) = self.market(bar);
        let fill = self.setup.costs.market(price, side.sign());
        let base = match self.setup.config.execution.stops_from {
            StopsFrom::EntryFill => fill.price,
            StopsFrom::SignalClose => price_at(&self.candles().close, close),
        };
        let (money, config) = (&self.setup.money, &self.setup.config);
        let liquidation = Position::liquidation(
            side,
            fill.price,
            money.leverage,
            config.maintenance_margin_pct / 100.0,
        );
        let orders = Orders::new(side, base, money, liquidation, self.stops_live_from(bar));
        let stop_distance = Some(side.sign() * (fill.price - orders.stop().0))
            .filter(|distance| *distance > 0.0 && distance.is_finite());
        match self.setup.sizing.quantity(self.state.balance, fill, stop_distance) {
            Err(rejection) => self.reject(rejection),
            Ok(quantity) => {
                self.mark(bar, None);
                self.state.balance -= quantity * fill.fee;
                self.count(fill, quantity);
                self.state.position = Some(Position {
                    side,
                    entry_bar: bar,
                    entry: fill,
                    quantity,
                    margin: self.setup.sizing.margin(quantity, fill.price),
                    stop_distance,
                    orders,
                    funding: self.funding_from(bar),
                });
            }
        }
    }

    /// Leaves `position` by a market order, and turns if the other side was asked for.
    pub(super) fn leave(&mut self, position: &Position, leave: Leave) {
        let (price, moment) = self.market(leave.bar);
        let gapped = position.orders.gapped(leave.bar, price).filter(|_| moment == Moment::Open);
        let exit = match gapped {
            Some(hit) => self.resting_exit(position, leave.bar, hit),
            None => Exit {
                bar: leave.bar,
                moment,
                fill: self.setup.costs.market(price, -position.side.sign()),
                reason: leave.reason,
                certainty: Certainty::Clear,
            },
        };
        self.settle(position, exit);
        self.state.next_decision = leave.close + 1;
        self.state.bar = leave.bar + 1;
        if let Some(side) = self.turn(leave.close).filter(|_| leave.reason == ExitReason::Signal) {
            self.enter(side, leave.close);
        }
    }

    /// Closes `position` by the resting order that candle `bar` touches.
    pub(super) fn close_resting(&mut self, position: &Position, bar: usize) {
        if let Some(prices) = Prices::of(self.candles(), bar) {
            let hit = position.orders.hit(bar, prices, self.setup.intrabar, &self.setup.detail);
            self.settle(position, self.resting_exit(position, bar, hit));
        }
        self.state.bar = bar + 1;
        self.state.next_decision = self.state.next_decision.max(bar);
    }

    /// Closes `position` at the last close.
    pub(super) fn close_at_end(&mut self, position: &Position) {
        let bar = self.setup.window.end.saturating_sub(1);
        let close = price_at(&self.candles().close, bar);
        let fill = self.setup.costs.market(close, -position.side.sign());
        let (moment, certainty) = (Moment::Close, Certainty::Clear);
        self.settle(position, Exit { bar, moment, fill, reason: ExitReason::EndOfData, certainty });
    }

    /// Pays what fell due since the last time, at the open of the candle it is due in.
    pub(super) fn pay_funding(&mut self, position: &mut Position) {
        let FundingDue { paid, until_ms, bar } = position.funding;
        let times = &self.candles().time;
        let now_ms = times.get(bar).copied().unwrap_or(until_ms);
        let rate = self.setup.funding.as_ref().map_or(0.0, |rates| rates.sum(until_ms, now_ms));
        let payment = position.signed_quantity() * price_at(&self.candles().open, bar) * rate;
        position.funding = FundingDue {
            paid: paid + payment,
            until_ms: now_ms,
            bar: FundingRates::next_bar(times, bar, now_ms),
        };
        self.mark(bar, Some((position, Moment::Open)));
        self.state.balance -= payment;
    }

    /// Notes that account and position were as they are at all closes before `bar`, and when in that
    /// candle this ends for a position.
    pub(super) fn mark(&mut self, bar: usize, position: Option<(&Position, Moment)>) {
        let (balance, at_close) = (self.state.balance, self.fills_at_close());
        let curve = &mut self.state.ledger.curve;
        let flat = Stretch { end: bar, balance, ..Stretch::default() };
        curve.push(position.map_or(flat, |(position, moment)| Stretch {
            quantity: position.signed_quantity(),
            entry_price: position.entry.price,
            entered_at_close: at_close && curve.bars().end == position.entry_bar,
            left_at_close: moment == Moment::Close,
            ..flat
        }));
    }

    fn settle(&mut self, position: &Position, exit: Exit) {
        self.mark(exit.bar, Some((position, exit.moment)));
        let trade = self.trade(position, exit);
        self.state.balance += position.profit(exit.fill.price) - position.quantity * exit.fill.fee;
        self.state.ended |= !self.setup.alive.contains(&self.state.balance);
        self.count(exit.fill, position.quantity);
        let cooldown = usize::try_from(self.setup.money.cooldown_candles).unwrap_or(usize::MAX);
        if cooldown > 0 {
            self.state.entry_from = (exit.bar + 1).saturating_add(cooldown);
        }
        let held_from = position.entry_bar + usize::from(self.fills_at_close());
        let held_until = exit.bar + usize::from(exit.moment != Moment::Open);
        let ledger = &mut self.state.ledger;
        ledger.bars_in_position += held_until.saturating_sub(held_from);
        ledger.ambiguous_bars += usize::from(exit.certainty == Certainty::Assumed);
        ledger.resolved_bars += usize::from(exit.certainty == Certainty::Resolved);
        ledger.trades.push(trade);
    }

    fn trade(&self, position: &Position, exit: Exit) -> Trade {
        let Position { entry, quantity, entry_bar, .. } = *position;
        let fees = quantity * entry.fee + quantity * exit.fill.fee;
        let pnl = position.profit(exit.fill.price) - fees - position.funding.paid;
        let [mae_pct, mfe_pct] = self.excursions(position, exit);
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
            r: position
                .stop_distance
                .map(|distance| pnl / (quantity * distance))
                .filter(|multiple| multiple.is_finite()),
            bars: exit.bar - entry_bar,
            ambiguous: exit.certainty == Certainty::Assumed,
            exit_reason: exit.reason,
        }
    }

    /// Largest loss and largest profit while held, percent of the entry price.
    fn excursions(&self, position: &Position, exit: Exit) -> [f64; 2] {
        let from = position.entry_bar + usize::from(self.fills_at_close());
        let until = exit.bar + usize::from(exit.moment == Moment::Close);
        let mut span = self.setup.candles.extremes(from..until).with(exit.fill.price);
        if exit.moment == Moment::Inside {
            span = span.with(price_at(&self.candles().open, exit.bar));
        }
        let percent = |price: f64| {
            let profit = position.side.sign() * (price - position.entry.price);
            100.0 * profit / position.entry.price
        };
        let (worst, best) = match position.side {
            Side::Long => (span.low, span.high),
            Side::Short => (span.high, span.low),
        };
        [-percent(worst), percent(best)].map(|share| if share > 0.0 { share } else { 0.0 })
    }

    fn resting_exit(&self, position: &Position, bar: usize, hit: Hit) -> Exit {
        let sign = -position.side.sign();
        let fill = Prices::of(self.candles(), bar).map(|prices| {
            let price = if hit.at_open { prices.open } else { hit.level };
            match hit.reason {
                ExitReason::TakeProfit => self.setup.costs.limit(price),
                _ => self.setup.costs.stop(price, sign, prices.low, prices.high),
            }
        });
        Exit {
            bar,
            moment: if hit.at_open { Moment::Open } else { Moment::Inside },
            fill: fill.unwrap_or(position.entry),
            reason: hit.reason,
            certainty: hit.certainty,
        }
    }

    /// The price and the moment at which market orders are filled in candle `bar`.
    fn market(&self, bar: usize) -> (f64, Moment) {
        if self.fills_at_close() {
            (price_at(&self.candles().close, bar), Moment::Close)
        } else {
            (price_at(&self.candles().open, bar), Moment::Open)
        }
    }

    /// Where funding of a position entered in candle `bar` stands.
    fn funding_from(&self, bar: usize) -> FundingDue {
        let times = &self.candles().time;
        let open_ms = times.get(bar).copied().unwrap_or_default();
        let length_ms = self.setup.candles.timeframe().length_ms();
        let until_ms = if self.fills_at_close() { open_ms + length_ms } else { open_ms };
        let never = usize::MAX;
        let next = self
            .setup
            .funding
            .as_ref()
            .map_or(never, |_| FundingRates::next_bar(times, bar + 1, until_ms));
        FundingDue { paid: 0.0, until_ms, bar: next }
    }

    fn reject(&mut self, rejection: Rejection) {
        let rejections = &mut self.state.ledger.rejections;
        match rejection {
            Rejection::TooSmall => rejections.too_small += 1,
            Rejection::NotAffordable => rejections.not_affordable += 1,
            Rejection::NoStopDistance => rejections.no_stop_distance += 1,
        }
    }

    fn count(&mut self, fill: Fill, quantity: f64) {
        self.state.ledger.traded_notional += quantity * fill.price;
        self.state.ledger.slippage_cost += quantity * fill.slippage;
    }
}

/// The price of a candle that is known to exist: every position in a run lies in its window.
fn price_at(prices: &[f64], bar: usize) -> f64 {
    prices.get(bar).copied().unwrap_or_default()
}
