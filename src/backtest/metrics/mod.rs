//! The figures of a run, each with its exact definition. They are not comparable with other tools'
//! figures of the same name unless the definitions agree.
//!
//! Words used below: `E0` is the starting balance, `E[i]` the equity at the close of traded candle
//! i, `ET` the last one. `r = D[d] / D[d-1] - 1` are the daily returns, `D[d]` being the equity at
//! the last close within UTC day d, for every day from the one of the first candle to the one of
//! the last (`E0` stands before the first; a day without a close returns 0). n is the number of
//! these days, A = 365 the days of a year. mean and std are over r, std with n − 1.
//!
//! A figure without a meaning is `None`, with the reason under its name in [`Metrics::undefined`].

use std::collections::BTreeMap;

use serde::Serialize;

mod daily;
mod drawdown;
mod trades;

use daily::DailyReturns;
pub(super) use daily::daily_equity;
use drawdown::Drawdown;
use trades::TradeFigures;

use super::checked::CheckedCandles;
use super::simulation::Ledger;
use super::trade::Side;

/// Version of the definitions on this page.
pub const METRICS_VERSION: u32 = 1;

/// Fewer days than this say nothing about a year.
const MIN_DAYS: usize = 30;

/// Why a figure has no meaning in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// Less than 30 days were traded.
    FewerThan30Days,
    /// All daily returns are the same.
    ZeroDeviation,
    /// No day lost.
    NoDownDays,
    /// The equity never fell below an earlier close.
    NoDrawdown,
    /// Nothing was traded.
    NoTrades,
    /// Too few trades for a deviation.
    FewerThan2Trades,
    /// No trade was ended by the rules.
    NoClosedTrades,
    /// No trade won.
    NoWins,
    /// No trade lost.
    NoLosses,
    /// Nothing is left of the account.
    AccountUsedUp,
    /// There was no candle to enter at and another to leave at.
    FewerThan2Candles,
    /// What it is measured against did not gain.
    InSampleLoss,
    /// The figure is too large for a number.
    BeyondCounting,
}

pub(super) type Figure = Result<f64, Undefined>;

/// The figures of a run. Ratios and shares are plain numbers (0.1 is 10 %), money is in account
/// currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// `ET`, after an open position was closed at the last close.
    pub final_equity: f64,
    /// `ET / E0 - 1`.
    pub total_return: f64,
    /// Return of putting the whole balance in at the first possible fill and selling at the last
    /// close, with the same fees and slippage.
    pub buy_and_hold_return: Option<f64>,
    /// `(ET / E0)^(365.25 / n) - 1`; from 30 days on.
    pub cagr: Option<f64>,
    /// std · √A; from 30 days on.
    pub volatility: Option<f64>,
    /// mean / std · √A; the definition of the Python packages empyrical and quantstats, with A = 365.
    pub sharpe: Option<f64>,
    /// mean · √A / √(Σ min(r, 0)² / n); as empyrical and quantstats, with A = 365.
    pub sortino: Option<f64>,
    /// Largest `1 - E[i] / max(E0, E[j] of j ≤ i)`, at most 1.
    pub max_drawdown: f64,
    /// `cagr / max_drawdown`.
    pub calmar: Option<f64>,
    /// √ of the mean of the squared drawdowns at all closes (Peter Martin's Ulcer index, as a share).
    pub ulcer_index: f64,
    /// Longest time from a highest equity to the close that reaches it again, or to the end; days.
    pub longest_underwater_days: f64,
    /// Third central moment of r / (second central moment)^1.5; from 30 days on.
    pub skewness: Option<f64>,
    /// Excess kurtosis: fourth central moment of r / (second)² − 3; from 30 days on.
    pub kurtosis: Option<f64>,
    /// Smallest r.
    pub worst_day: f64,
    /// Mean of the ⌈n / 20⌉ smallest r; from 30 days on.
    pub expected_shortfall_95: Option<f64>,
    /// Trades, including one cut off by the end of the data.
    pub trade_count: usize,
    /// Long trades among them.
    pub long_count: usize,
    /// Short trades among them.
    pub short_count: usize,
    /// Trades with profit / trades, those cut off by the end of the data left out.
    pub win_rate: Option<f64>,
    /// Σ profits of winning trades / |Σ losses of losing trades|, net of fees.
    pub profit_factor: Option<f64>,
    /// Mean profit of winning trades / |mean loss of losing trades|.
    pub payoff: Option<f64>,
    /// Mean profit of a trade, money.
    pub expectancy: Option<f64>,
    /// System quality number (Van Tharp): √min(count, 100) · mean / std(count − 1) of trade profits.
    pub sqn: Option<f64>,
    /// Highest profit of a trade, money.
    pub best_trade: Option<f64>,
    /// Lowest profit of a trade, money.
    pub worst_trade: Option<f64>,
    /// Mean of exit candle − entry candle.
    pub average_duration_candles: Option<f64>,
    /// Median of the same; of an even count the mean of the two in the middle.
    pub median_duration_candles: Option<f64>,
    /// Most winning trades in a row, those cut off by the end of the data left out.
    pub longest_winning_streak: usize,
    /// Most trades without profit in a row, those cut off by the end of the data left out.
    pub longest_losing_streak: usize,
    /// Candles in which a position was held for at least a part / traded candles.
    pub exposure: f64,
    /// Notional of all fills / `E0`.
    pub turnover: f64,
    /// Fees of all fills, money.
    pub fees: f64,
    /// What slippage cost, money; already inside the prices of the trades.
    pub slippage_cost: f64,
    /// Exits in candles that held stop (or liquidation) and target, where the order of the two was
    /// assumed.
    pub ambiguous_bars: usize,
    /// Entries that were too small or not affordable.
    pub rejected_entries: usize,
    /// Traded candles, warm-up left out.
    pub candles: usize,
    /// n.
    pub days: usize,
    /// Why the figures of these names are `None`.
    pub undefined: BTreeMap<&'static str, Undefined>,
}

/// What the figures are made of.
#[derive(Debug)]
pub(super) struct Observed<'a> {
    /// What happened.
    pub(super) ledger: &'a Ledger,
    /// All candles, warm-up included.
    pub(super) candles: &'a CheckedCandles,
    /// `D[d]` of every day.
    pub(super) daily: &'a [f64],
    /// `E0`.
    pub(super) balance: f64,
    /// See [`Metrics::buy_and_hold_return`].
    pub(super) buy_and_hold: Option<f64>,
}

impl Metrics {
    pub(super) fn of(observed: &Observed<'_>) -> Self {
        let Observed { ledger, candles, balance, .. } = *observed;
        let curve = &ledger.curve;
        let traded = curve.bars().len();
        let mut undefined = BTreeMap::new();
        let mut known =
            |name, figure: Figure| figure.map_err(|reason| undefined.insert(name, reason)).ok();
        let final_equity = curve.last(candles).unwrap_or(balance);
        let daily = DailyReturns::new(balance, observed.daily);
        let drawdown = Drawdown::new(balance, curve, candles);
        let trades = TradeFigures::new(&ledger.trades);
        let cagr = daily.cagr(final_equity / balance);
        let calmar = match cagr {
            Ok(_) if drawdown.deepest <= 0.0 => Err(Undefined::NoDrawdown),
            other => other.map(|rate| rate / drawdown.deepest),
        };
        let long_count = ledger.trades.iter().filter(|trade| trade.direction == Side::Long).count();
        Self {
            final_equity,
            total_return: final_equity / balance - 1.0,
            buy_and_hold_return: known(
                "buy_and_hold_return",
                observed.buy_and_hold.ok_or(Undefined::FewerThan2Candles),
            ),
            cagr: known("cagr", cagr),
            volatility: known("volatility", daily.volatility()),
            sharpe: known("sharpe", daily.sharpe()),
            sortino: known("sortino", daily.sortino()),
            max_drawdown: drawdown.deepest,
            calmar: known("calmar", calmar),
            ulcer_index: drawdown.ulcer,
            longest_underwater_days: drawdown.longest_days,
            skewness: known("skewness", daily.skewness()),
            kurtosis: known("kurtosis", daily.kurtosis()),
            worst_day: daily.worst(),
            expected_shortfall_95: known("expected_shortfall_95", daily.expected_shortfall()),
            trade_count: ledger.trades.len(),
            long_count,
            short_count: ledger.trades.len() - long_count,
            win_rate: known("win_rate", trades.win_rate()),
            profit_factor: known("profit_factor", trades.profit_factor()),
            payoff: known("payoff", trades.payoff()),
            expectancy: known("expectancy", trades.expectancy()),
            sqn: known("sqn", trades.sqn()),
            best_trade: known("best_trade", trades.best()),
            worst_trade: known("worst_trade", trades.worst()),
            average_duration_candles: known("average_duration_candles", trades.mean_duration()),
            median_duration_candles: known("median_duration_candles", trades.median_duration()),
            longest_winning_streak: trades.streak(true),
            longest_losing_streak: trades.streak(false),
            exposure: ratio(ledger.bars_in_position, traded),
            turnover: ledger.traded_notional / balance,
            fees: ledger.trades.iter().map(|trade| trade.fees).fold(0.0, |sum, fee| sum + fee),
            slippage_cost: ledger.slippage_cost,
            ambiguous_bars: ledger.ambiguous_bars,
            rejected_entries: ledger.rejections.total(),
            candles: traded,
            days: observed.daily.len(),
            undefined,
        }
    }
}

/// [`Metrics::cagr`] and [`Metrics::sharpe`] of an account that began with `balance` and had these
/// marks at the ends of days that follow each other.
pub(super) fn annual_figures(balance: f64, marks: &[f64]) -> [Figure; 2] {
    let daily = DailyReturns::new(balance, marks);
    let last = marks.last().copied().unwrap_or(balance);
    [daily.cagr(last / balance), daily.sharpe()]
}

/// A count as a float; exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of candles, days and trades are far smaller"
)]
fn count(count: usize) -> f64 {
    count as f64
}

/// 0 of 0 is 0.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { count(part) / count(whole) }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value) / count(values.len())
}

/// Σ (v − mean)² / (count − `less`), square root of it.
fn deviation(values: &[f64], mean: f64, less: f64) -> f64 {
    let squares = values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
    (squares / (count(values.len()) - less)).sqrt()
}
