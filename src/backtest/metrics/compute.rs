//! From what happened in a run to its figures.

use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::Curve;
use crate::backtest::daily::DailyEquity;
use crate::backtest::simulation::Ledger;
use crate::backtest::trade::{ExitReason, Side, Trade};

use super::drawdown::Drawdown;
use super::returns::{Returns, Year};
use super::trades::{SQN_CAP, TradeFigures};
use super::undefined::{Figure, Undefined, finite};
use super::{Metrics, count, ratio};

/// What the figures are made of.
#[derive(Debug)]
pub(in crate::backtest) struct Observed<'a> {
    /// What happened.
    pub(in crate::backtest) ledger: &'a Ledger,
    /// All candles, warm-up included.
    pub(in crate::backtest) candles: &'a CheckedCandles,
    /// Equity at each day's end.
    pub(in crate::backtest) daily: &'a DailyEquity,
    /// The same of buy-and-hold, if there is one.
    pub(in crate::backtest) hold: Option<&'a DailyEquity>,
    /// Days of a year.
    pub(in crate::backtest) days_per_year: u16,
}

/// Takes figures into the fields of their names: the value, or `None` and the reason.
macro_rules! take {
    ($metrics:ident, { $($name:ident: $figure:expr),* $(,)? }) => {
        $($metrics.$name = $metrics.known(stringify!($name), $figure.and_then(finite));)*
    };
}

impl Metrics {
    /// All figures of a run.
    pub(in crate::backtest) fn of(observed: &Observed<'_>) -> Self {
        let Observed { ledger, candles, daily, .. } = *observed;
        let final_equity = ledger.curve.last(candles).unwrap_or(daily.balance);
        let mut metrics = Self {
            final_equity,
            total_return: final_equity / daily.balance - 1.0,
            candles: ledger.curve.bars().len(),
            ..Self::default()
        };
        let year = Year::new(observed.days_per_year, candles.timeframe(), daily);
        let returns = Returns::new(daily, &year);
        metrics.take_returns(&returns);
        metrics.take_benchmark(&returns, observed.hold);
        metrics.take_drawdown(observed, returns.cagr());
        metrics.take_trades(&ledger.trades);
        metrics.take_costs(observed);
        metrics
    }

    fn take_returns(&mut self, returns: &Returns<'_>) {
        self.days = returns.days();
        self.worst_day = returns.worst();
        let days = returns.min_track_record_days();
        self.min_track_record_days = self.known("min_track_record_days", days);
        take!(self, {
            cagr: returns.cagr(),
            volatility: returns.volatility(),
            sharpe: returns.sharpe(),
            sortino: returns.sortino(),
            psr: returns.psr(),
            skewness: returns.skewness(),
            kurtosis: returns.kurtosis(),
            expected_shortfall_95: returns.expected_shortfall(),
        });
    }

    fn take_benchmark(&mut self, returns: &Returns<'_>, hold: Option<&DailyEquity>) {
        let hold = hold.ok_or(Undefined::FewerThan2Candles);
        let against = hold.and_then(|hold| returns.alpha_and_beta(hold));
        take!(self, {
            buy_and_hold_return: hold.map(|hold| hold.growth() - 1.0),
            alpha: against.map(|(alpha, _)| alpha),
            beta: against.map(|(_, beta)| beta),
        });
    }

    fn take_drawdown(&mut self, observed: &Observed<'_>, cagr: Figure) {
        let Observed { ledger, candles, daily, .. } = *observed;
        let drawdown = Drawdown::new(daily.balance, &ledger.curve, candles);
        let times = drawdown.times.ok_or(Undefined::NoDrawdown);
        self.max_drawdown = drawdown.deepest;
        self.max_drawdown_money = drawdown.money;
        self.max_drawdown_intrabar = drawdown.intrabar;
        self.ulcer_index = drawdown.ulcer;
        self.longest_underwater_days = drawdown.longest_days;
        let recovery = times.and_then(|times| times.recovery.ok_or(Undefined::NotRecovered));
        let [start, trough] = [times.map(|times| times.start), times.map(|times| times.trough)];
        self.max_drawdown_start = self.known("max_drawdown_start", start);
        self.max_drawdown_trough = self.known("max_drawdown_trough", trough);
        self.max_drawdown_recovery = self.known("max_drawdown_recovery", recovery);
        take!(self, {
            calmar: cagr.and_then(|cagr| times.map(|_| cagr / drawdown.deepest)),
            recovery_factor: times.map(|_| (self.final_equity - daily.balance) / drawdown.money),
        });
    }

    fn take_trades(&mut self, trades: &[Trade]) {
        let figures = TradeFigures::new(trades);
        let counted =
            |holds: fn(&Trade) -> bool| trades.iter().filter(|trade| holds(trade)).count();
        self.trade_count = trades.len();
        self.long_count = counted(|trade| trade.direction == Side::Long);
        self.short_count = counted(|trade| trade.direction == Side::Short);
        self.liquidation_count = counted(|trade| trade.exit_reason == ExitReason::Liquidation);
        self.longest_winning_streak = figures.streak(true);
        self.longest_losing_streak = figures.streak(false);
        take!(self, {
            win_rate: figures.win_rate(),
            profit_factor: figures.profit_factor(),
            payoff: figures.payoff(),
            kelly: figures.kelly(),
            expectancy: figures.expectancy(),
            expectancy_r: figures.expectancy_r(),
            sqn: figures.sqn(SQN_CAP),
            sqn_uncapped: figures.sqn(usize::MAX),
            best_trade: figures.best(),
            worst_trade: figures.worst(),
            average_mae_pct: figures.mean_of(|trade| trade.mae_pct),
            median_mae_pct: figures.median_of(|trade| trade.mae_pct),
            average_mfe_pct: figures.mean_of(|trade| trade.mfe_pct),
            median_mfe_pct: figures.median_of(|trade| trade.mfe_pct),
            average_duration_candles: figures.mean_of(|trade| count(trade.bars)),
            median_duration_candles: figures.median_of(|trade| count(trade.bars)),
        });
    }

    fn take_costs(&mut self, observed: &Observed<'_>) {
        let Observed { ledger, candles, daily, .. } = *observed;
        let trades = TradeFigures::new(&ledger.trades);
        self.exposure = ratio(ledger.bars_in_position, self.candles);
        self.turnover = ledger.traded_notional / daily.balance;
        self.fees = trades.sum_of(|trade| trade.fees);
        self.slippage_cost = ledger.slippage_cost;
        self.funding = trades.sum_of(|trade| trade.funding);
        self.ambiguous_bars = ledger.ambiguous_bars;
        self.rejected_entries = ledger.rejections.total();
        let profit = trades.sum_of(|trade| trade.pnl);
        let costs = self.fees + self.slippage_cost + self.funding;
        let before_fills = profit + self.fees + self.slippage_cost;
        let over = |whole: f64, part: f64, reason| {
            if part > 0.0 { Ok(whole / part) } else { Err(reason) }
        };
        take!(self, {
            time_weighted_leverage: leverage(&ledger.curve, candles),
            edge_over_cost: over(profit + costs, costs, Undefined::NoCosts),
            break_even_cost_bps:
                over(10_000.0 * before_fills, ledger.traded_notional, Undefined::NoTrades),
        });
    }

    /// The value, or `None` and the reason under the name.
    fn known<T>(&mut self, name: &'static str, figure: Figure<T>) -> Option<T> {
        figure.map_err(|reason| self.undefined.insert(name, reason)).ok()
    }
}

/// Σ notional / Σ equity over all closes.
fn leverage(curve: &Curve, candles: &CheckedCandles) -> Figure {
    let (mut notional, mut equity) = (0.0, 0.0);
    for (bars, stretch) in curve.stretches() {
        equity += count(bars.len()) * stretch.equity(stretch.entry_price);
        if !stretch.is_flat() {
            let prices = candles.sum_of_closes(bars.clone());
            notional += stretch.quantity.abs() * prices;
            equity += stretch.quantity * (prices - count(bars.len()) * stretch.entry_price);
        }
    }
    if equity > 0.0 { Ok(notional / equity) } else { Err(Undefined::AccountUsedUp) }
}
