//! The definitions of the figures, read aloud: one mark per candle, one return per day.

use std::collections::BTreeMap;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::Curve;
use crate::backtest::simulation::Ledger;
use crate::backtest::trade::{ExitReason, Side, Trade};
use crate::domain::time::DAY_MS;
use crate::statistics::normal::cdf;

/// A run, and what it is held against.
pub(super) struct Plain<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) hold: &'a Curve,
    pub(super) candles: &'a CheckedCandles,
    pub(super) balance: f64,
    pub(super) days_per_year: u16,
}

/// One close.
struct Mark {
    bar: usize,
    equity: f64,
    notional: f64,
}

/// A day, its return, and whether a candle closed in it.
struct Day {
    value: f64,
    closed: bool,
}

/// A figure that nothing keeps from being infinite or NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[expect(clippy::cast_precision_loss, reason = "times of some years")]
pub(super) fn float(number: i64) -> f64 {
    number as f64
}

fn count<T>(items: &[T]) -> f64 {
    float(i64::try_from(items.len()).unwrap())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

/// Σ (v − mean)^power / (count − less).
fn moment(values: &[f64], power: i32, less: f64) -> f64 {
    let mean = mean(values);
    values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / (count(values) - less)
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (middle, odd) = (sorted.len() / 2, sorted.len() % 2 == 1);
    let upper = *sorted.get(middle)?;
    Some(if odd { upper } else { (sorted[middle - 1] + upper) / 2.0 })
}

impl Plain<'_> {
    pub(super) fn figures(&self) -> BTreeMap<&'static str, Option<f64>> {
        let mut figures = self.of_days();
        figures.extend(self.of_drawdown(figures["cagr"]));
        figures.extend(self.of_trades());
        figures.extend(self.of_costs());
        figures
    }

    fn marks(&self, curve: &Curve) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (bars, stretch) in curve.stretches() {
            for bar in bars {
                let close = self.candles.candles().close[bar];
                let equity = stretch.balance + stretch.quantity * (close - stretch.entry_price);
                marks.push(Mark { bar, equity, notional: stretch.quantity.abs() * close });
            }
        }
        marks
    }

    /// Every day from that of the first open to that of the last close.
    fn days(&self, curve: &Curve) -> Vec<Day> {
        let marks = self.marks(curve);
        let (first, last) = (marks[0].bar, marks[marks.len() - 1].bar);
        let times = &self.candles.candles().time;
        let day_of_close =
            |bar: usize| (times[bar] + self.candles.timeframe().length_ms() - 1).div_euclid(DAY_MS);
        let mut before = self.balance;
        let mut days = Vec::new();
        for day in times[first].div_euclid(DAY_MS)..=day_of_close(last) {
            let closed = marks.partition_point(|mark| day_of_close(mark.bar) <= day);
            let last = closed.checked_sub(1).map(|last| &marks[last]);
            let of_day = last.filter(|mark| day_of_close(mark.bar) == day);
            let equity = of_day.map_or(before, |mark| mark.equity);
            let value = if before > 0.0 { equity / before - 1.0 } else { 0.0 };
            days.push(Day { value, closed: of_day.is_some() });
            before = equity;
        }
        days
    }

    /// Returns of the days that count, and days of a year.
    fn returns(&self, curve: &Curve) -> (Vec<f64>, f64) {
        let short = self.days_per_year < 365 && self.candles.timeframe().length_ms() <= DAY_MS;
        let days = self.days(curve);
        let counted = days.iter().filter(|day| day.closed || !short);
        (
            counted.map(|day| day.value).collect(),
            if short { self.days_per_year.into() } else { 365.0 },
        )
    }

    fn of_days(&self) -> BTreeMap<&'static str, Option<f64>> {
        let marks = self.marks(&self.ledger.curve);
        let last = marks[marks.len() - 1].equity;
        let hold = self.marks(self.hold);
        let calendar = count(&self.days(&self.ledger.curve));
        let (r, year) = self.returns(&self.ledger.curve);
        let b = self.returns(self.hold).0;
        let enough = |figure: f64| finite(figure).filter(|_| r.len() >= 30);
        let (mean_r, std) = (mean(&r), moment(&r, 2, 1.0).sqrt());
        let downside = (r.iter().map(|v| v.min(0.0).powi(2)).sum::<f64>() / count(&r)).sqrt();
        let mean_b = mean(&b);
        let products: f64 = r.iter().zip(&b).map(|(r, b)| (r - mean_r) * (b - mean_b)).sum();
        let beta = products / count(&b) / moment(&b, 2, 0.0);
        let (s, g3) = (mean_r / std, moment(&r, 3, 0.0) / moment(&r, 2, 0.0).powf(1.5));
        let g4 = moment(&r, 4, 0.0) / moment(&r, 2, 0.0).powi(2);
        let error = 1.0 - g3 * s + (g4 - 1.0) / 4.0 * s * s;
        let record = (1.0 + error * (1.644_853_626_951_472_3 / s).powi(2)).ceil();
        let mut sorted = r.clone();
        sorted.sort_by(f64::total_cmp);
        BTreeMap::from([
            ("final_equity", Some(last)),
            ("total_return", Some(last / self.balance - 1.0)),
            ("buy_and_hold_return", Some(hold[hold.len() - 1].equity / self.balance - 1.0)),
            (
                "cagr",
                Some((last / self.balance).powf(365.25 / calendar) - 1.0)
                    .filter(|_| calendar >= 30.0 && last > 0.0),
            ),
            ("volatility", enough(std * year.sqrt())),
            ("sharpe", enough(s * year.sqrt())),
            ("sortino", enough(mean_r / downside * year.sqrt())),
            ("alpha", enough((mean_r - beta * mean_b) * year)),
            ("beta", enough(beta)),
            ("psr", enough(cdf(s * (count(&r) - 1.0).sqrt() / error.sqrt()))),
            ("min_track_record_days", enough(record).filter(|_| s > 0.0)),
            ("skewness", enough(g3)),
            ("kurtosis", enough(g4 - 3.0)),
            ("worst_day", Some(sorted[0])),
            ("expected_shortfall_95", enough(mean(&sorted[..sorted.len().div_ceil(20)]))),
            ("candles", Some(count(&marks))),
            ("days", Some(count(&r))),
        ])
    }

    /// Equity at the adverse extreme of each candle that was held from open to close.
    fn inside(&self) -> BTreeMap<usize, f64> {
        let columns = self.candles.candles();
        let mut inside = BTreeMap::new();
        for (bars, stretch) in self.ledger.curve.stretches() {
            let from = bars.start + usize::from(stretch.entered_at_close);
            let until = bars.end + usize::from(stretch.left_at_close);
            if stretch.quantity.abs() > 0.0 {
                for bar in from..until {
                    let extreme =
                        if stretch.quantity > 0.0 { columns.low[bar] } else { columns.high[bar] };
                    let equity =
                        stretch.balance + stretch.quantity * (extreme - stretch.entry_price);
                    let lowest = inside.entry(bar).or_insert(equity);
                    *lowest = equity.min(*lowest);
                }
            }
        }
        inside
    }

    fn of_drawdown(&self, cagr: Option<f64>) -> BTreeMap<&'static str, Option<f64>> {
        let marks = self.marks(&self.ledger.curve);
        let inside = self.inside();
        let times = &self.candles.candles().time;
        let (mut peak, mut peak_bar) = (self.balance, None);
        let (mut deepest, mut money, mut intrabar, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0);
        let (mut start, mut trough, mut recovery) = (None, None, None);
        let (mut longest, mut of_deepest) = (0, false);
        let first = times[marks[0].bar] - self.candles.timeframe().length_ms();
        for mark in &marks {
            let since = peak_bar.map_or(first, |bar: usize| times[bar]);
            if let Some(equity) = inside.get(&mark.bar) {
                intrabar = intrabar.max(1.0 - equity / peak);
            }
            let drawdown = 1.0 - mark.equity / peak;
            if mark.equity < peak {
                longest = longest.max(times[mark.bar] - since);
                if drawdown > deepest {
                    (deepest, of_deepest) = (drawdown, true);
                    (start, trough, recovery) =
                        (Some(peak_bar.unwrap_or(marks[0].bar)), Some(mark.bar), None);
                }
            } else {
                if peak_bar != mark.bar.checked_sub(1) && mark.bar != marks[0].bar {
                    longest = longest.max(times[mark.bar] - since);
                }
                if of_deepest {
                    recovery = Some(mark.bar);
                }
                (peak, peak_bar, of_deepest) = (mark.equity, Some(mark.bar), false);
            }
            money = money.max(peak - mark.equity);
            intrabar = intrabar.max(drawdown);
            squares += drawdown.clamp(0.0, 1.0).powi(2);
        }
        let time = |bar: Option<usize>| bar.map(|bar| float(times[bar]));
        let profit = marks[marks.len() - 1].equity - self.balance;
        BTreeMap::from([
            ("max_drawdown", Some(deepest.min(1.0))),
            ("max_drawdown_money", Some(money)),
            ("max_drawdown_start", time(start)),
            ("max_drawdown_trough", time(trough)),
            ("max_drawdown_recovery", time(recovery)),
            ("max_drawdown_intrabar", Some(intrabar.min(1.0))),
            ("calmar", cagr.and_then(|cagr| finite(cagr / deepest.min(1.0)))),
            ("recovery_factor", finite(profit / money)),
            ("ulcer_index", Some((squares / count(&marks)).sqrt())),
            ("longest_underwater_days", Some(float(longest) / float(DAY_MS))),
        ])
    }

    fn of_trades(&self) -> BTreeMap<&'static str, Option<f64>> {
        let trades = &self.ledger.trades;
        let pnl: Vec<f64> = trades.iter().map(|trade| trade.pnl).collect();
        let where_pnl = |holds: fn(f64) -> bool| -> Vec<f64> {
            pnl.iter().copied().filter(|pnl| holds(*pnl)).collect()
        };
        let (won, lost) = (where_pnl(|pnl| pnl > 0.0), where_pnl(|pnl| pnl < 0.0));
        let closed: Vec<&Trade> =
            trades.iter().filter(|trade| trade.exit_reason != ExitReason::EndOfData).collect();
        let closed_won: Vec<bool> = closed.iter().map(|trade| trade.pnl > 0.0).collect();
        let closed_wins = float(closed_won.iter().map(|won| i64::from(*won)).sum());
        let streak = |wins: bool| {
            let runs = closed_won.split(|won| *won != wins).map(<[bool]>::len);
            Some(float(i64::try_from(runs.max().unwrap_or(0)).unwrap()))
        };
        let longs = trades.iter().filter(|trade| trade.direction == Side::Long).count();
        let longs = float(i64::try_from(longs).unwrap());
        let bars: Vec<f64> = trades
            .iter()
            .map(|trade| float(i64::try_from(trade.exit_bar - trade.entry_bar).unwrap()))
            .collect();
        let mae: Vec<f64> = trades.iter().map(|trade| trade.mae_pct).collect();
        let mfe: Vec<f64> = trades.iter().map(|trade| trade.mfe_pct).collect();
        let multiples: Vec<f64> = trades.iter().filter_map(|trade| trade.r).collect();
        let liquidated = trades.iter().filter(|trade| trade.exit_reason == ExitReason::Liquidation);
        let some = |value: f64| finite(value).filter(|_| !trades.is_empty());
        let quality = mean(&pnl) / moment(&pnl, 2, 1.0).sqrt();
        let payoff = some(mean(&won) / -mean(&lost));
        let share = count(&won) / count(trades);
        BTreeMap::from([
            ("trade_count", Some(count(trades))),
            ("long_count", Some(longs)),
            ("short_count", Some(count(trades) - longs)),
            ("win_rate", finite(closed_wins / count(&closed))),
            ("profit_factor", some(won.iter().sum::<f64>() / -lost.iter().sum::<f64>())),
            ("payoff", payoff),
            ("kelly", payoff.map(|payoff| share - (1.0 - share) / payoff)),
            ("expectancy", some(mean(&pnl))),
            ("expectancy_r", finite(mean(&multiples))),
            ("average_mae_pct", some(mean(&mae))),
            ("median_mae_pct", median(&mae)),
            ("average_mfe_pct", some(mean(&mfe))),
            ("median_mfe_pct", median(&mfe)),
            ("liquidation_count", Some(float(liquidated.map(|_| 1_i64).sum()))),
            ("sqn", finite(quality * count(trades).min(100.0).sqrt())),
            ("sqn_uncapped", finite(quality * count(trades).sqrt())),
            ("best_trade", pnl.iter().copied().reduce(f64::max)),
            ("worst_trade", pnl.iter().copied().reduce(f64::min)),
            ("average_duration_candles", some(mean(&bars))),
            ("median_duration_candles", median(&bars)),
            ("longest_winning_streak", streak(true)),
            ("longest_losing_streak", streak(false)),
        ])
    }

    fn of_costs(&self) -> BTreeMap<&'static str, Option<f64>> {
        let ledger = self.ledger;
        let marks = self.marks(&ledger.curve);
        let equity: f64 = marks.iter().map(|mark| mark.equity).sum();
        let notional: f64 = marks.iter().map(|mark| mark.notional).sum();
        let fees: f64 = ledger.trades.iter().map(|trade| trade.fees).sum();
        let profit: f64 = ledger.trades.iter().map(|trade| trade.pnl).sum();
        let number = |number: usize| Some(float(i64::try_from(number).unwrap()));
        let funding: f64 = ledger.trades.iter().map(|trade| trade.funding).sum();
        let costs = fees + ledger.slippage_cost + funding;
        let edge = (profit + fees + ledger.slippage_cost) / ledger.traded_notional;
        BTreeMap::from([
            ("exposure", number(ledger.bars_in_position).map(|bars| bars / count(&marks))),
            ("time_weighted_leverage", finite(notional / equity).filter(|_| equity > 0.0)),
            ("turnover", Some(ledger.traded_notional / self.balance)),
            ("fees", Some(fees)),
            ("slippage_cost", Some(ledger.slippage_cost)),
            ("funding", Some(funding)),
            ("edge_over_cost", finite((profit + costs) / costs).filter(|_| costs > 0.0)),
            ("break_even_cost_bps", finite(edge * 10_000.0).filter(|_| !ledger.trades.is_empty())),
            ("ambiguous_bars", number(ledger.ambiguous_bars)),
            ("rejected_entries", number(7)),
        ])
    }
}
