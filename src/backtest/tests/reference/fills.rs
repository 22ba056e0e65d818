//! What fills do to the account of the plain loop.

use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::backtest::variant::{Fill, Size, StopsFrom};

use super::{Held, Order, Reference, When, stop_of};

impl Reference<'_> {
    pub(super) fn fill(&mut self, order: Order, bar: usize, price: f64, when: When) {
        if let Some(reason) = order.leave
            && let Some(held) = &self.held
        {
            let sign = -held.side.sign();
            let slipped = price * (1.0 + sign * self.variant.config.slippage_bps / 10_000.0);
            let taker = self.variant.config.fee_taker_bps / 10_000.0;
            self.exit(bar, slipped, slipped * taker, (slipped - price).abs(), reason, when, false);
        }
        if let Some(side) = order.enter {
            self.enter(side, bar, price, order.signal_close);
        }
    }

    fn enter(&mut self, side: Side, bar: usize, price: f64, signal_close: f64) {
        let (config, money) = (&self.variant.config, &self.variant.money_management);
        let cooldown = money.cooldown_candles as usize;
        let cooling = self.last_exit.is_some_and(|exit| cooldown > 0 && bar < exit + 1 + cooldown);
        let at_close = config.fill == Fill::Close;
        if self.ended || cooling || (at_close && bar + 1 == self.end) {
            return;
        }
        let sign = side.sign();
        let entry_price = price * (1.0 + sign * (config.slippage_bps / 10_000.0));
        let fee = entry_price * (config.fee_taker_bps / 10_000.0);
        let base = match config.execution.stops_from {
            StopsFrom::EntryFill => entry_price,
            StopsFrom::SignalClose => signal_close,
        };
        let (adverse, leverage) = (-sign, money.leverage);
        let maintenance = config.maintenance_margin_pct / 100.0;
        let held = Held {
            side,
            entry_bar: bar,
            entry_price,
            entry_fee: fee,
            entry_slippage: (entry_price - price).abs(),
            quantity: 0.0,
            stop: money.stop_loss_pct.map(|pct| base * (1.0 + adverse * pct / 100.0)),
            target: money.take_profit_pct.map(|pct| base * (1.0 + sign * pct / 100.0)),
            liquidation: match side {
                Side::Long if leverage <= 1.0 => None,
                Side::Long => Some(entry_price * (1.0 - 1.0 / leverage + maintenance)),
                Side::Short => Some(entry_price * (1.0 + 1.0 / leverage - maintenance)),
            },
            trail: money.trailing_pct.map(|pct| 1.0 + adverse * pct / 100.0),
            best_close: base,
            stop_distance: None,
            funding: 0.0,
            funded_until: self.candles.time[bar]
                + if at_close { self.variant.timeframe.length_ms() } else { 0 },
            lowest: entry_price,
            highest: entry_price,
            bars: 0,
        };
        let stop_distance = stop_of(&held)
            .0
            .map(|stop| sign * (entry_price - stop))
            .filter(|distance| *distance > 0.0);
        let equity = self.balance;
        let cost = entry_price / leverage + fee;
        let wanted = match money.size {
            Size::Units(units) => units,
            Size::Notional(notional) => notional / entry_price,
            Size::PctEquity(pct) => equity * pct / 100.0 / cost,
            Size::RiskPct(pct) => match stop_distance {
                Some(distance) => (equity * pct / 100.0 / distance).min(equity / cost),
                None => {
                    self.outcome.rejections.no_stop_distance += 1;
                    return;
                }
            },
        };
        let quantity = match config.quantity_step {
            Some(step) => (wanted / step * (1.0 + 1e-13)).floor() * step,
            None => wanted,
        };
        if quantity * cost > equity * (1.0 + 1e-12) {
            self.outcome.rejections.not_affordable += 1;
        } else if quantity <= 0.0 || quantity * entry_price < config.min_notional {
            self.outcome.rejections.too_small += 1;
        } else {
            self.balance -= quantity * fee;
            self.held = Some(Held { quantity, stop_distance, ..held });
        }
    }

    /// A stop or liquidation slips and stays in its candle, a target does neither.
    pub(super) fn exit_resting(
        &mut self,
        bar: usize,
        price: f64,
        reason: ExitReason,
        when: When,
        ambiguous: bool,
    ) {
        let Some(held) = &self.held else { return };
        let config = &self.variant.config;
        if reason == ExitReason::TakeProfit {
            let fee = price * (config.fee_maker_bps / 10_000.0);
            return self.exit(bar, price, fee, 0.0, reason, when, ambiguous);
        }
        let slipped = price * (1.0 - held.side.sign() * (config.slippage_bps / 10_000.0));
        let filled = slipped.clamp(self.candles.low[bar], self.candles.high[bar]);
        let fee = filled * (config.fee_taker_bps / 10_000.0);
        self.exit(bar, filled, fee, (filled - price).abs(), reason, when, ambiguous);
    }

    #[expect(clippy::too_many_arguments, reason = "all of them end up in the trade")]
    fn exit(
        &mut self,
        bar: usize,
        price: f64,
        fee: f64,
        slippage: f64,
        exit_reason: ExitReason,
        when: When,
        ambiguous: bool,
    ) {
        let Some(held) = self.held.take() else { return };
        let quantity = held.quantity;
        let (sign, entry_price) = (held.side.sign(), held.entry_price);
        let margin = quantity * entry_price / self.variant.money_management.leverage;
        let profit = (sign * quantity * (price - entry_price)).max(-margin);
        let fees = quantity * held.entry_fee + quantity * fee;
        let pnl = profit - fees - held.funding;
        self.balance += profit - quantity * fee;
        let alive = self.variant.config.balance * 1e-12..1e30;
        self.ended = self.ended || !alive.contains(&self.balance);
        self.last_exit = Some(bar);

        let (mut lowest, mut highest) = (held.lowest.min(price), held.highest.max(price));
        if when == When::Inside {
            lowest = lowest.min(self.candles.open[bar]);
            highest = highest.max(self.candles.open[bar]);
        }
        let percent = |price: f64| sign * (100.0 * (price - entry_price) / entry_price);
        let (worst, best) =
            if held.side == Side::Long { (lowest, highest) } else { (highest, lowest) };
        // A position that ends inside its candle was held in it for a part.
        self.outcome.bars_in_position += held.bars + usize::from(when == When::Inside);
        self.outcome.trades.push(Trade {
            entry_bar: held.entry_bar,
            exit_bar: bar,
            entry_time: self.candles.time[held.entry_bar],
            exit_time: self.candles.time[bar],
            direction: held.side,
            entry_price,
            exit_price: price,
            quantity,
            pnl,
            fees,
            funding: held.funding,
            slippage: quantity * (held.entry_slippage + slippage),
            mae_pct: at_least_0(-percent(worst)),
            mfe_pct: at_least_0(percent(best)),
            r: held.stop_distance.map(|distance| pnl / (quantity * distance)),
            bars: bar - held.entry_bar,
            ambiguous,
            exit_reason,
        });
    }
}

fn at_least_0(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}
