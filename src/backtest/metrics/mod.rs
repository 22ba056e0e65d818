//! The figures of a run, each with its exact definition. They are not comparable with other tools'
//! figures of the same name unless the definitions agree.
//!
//! Words used below: `E0` is the starting balance, `E[i]` the equity at the close of traded candle
//! i, `ET` the last one. `r = D[d] / D[d-1] - 1` are the daily returns, `D[d]` being the equity at
//! the last close within UTC day d, for every day from the one of the first candle to the one of
//! the last (`E0` stands before the first; a day without a close returns 0). n is the number of
//! these days, A = 365 the days of a year. mean and std are over r, std with n − 1.
//!
//! Where [`Config::days_per_year`] asks for fewer days than 365 (252 for shares), A is that number,
//! and days without a close are left out of r; candles longer than a day keep all days and A = 365.
//!
//! A figure without a meaning is `None`, with the reason under its name in [`Metrics::undefined`].
//!
//! Version 2 adds to version 1: alpha and beta, the probabilistic Sharpe ratio and the minimum track
//! record, the times and the money of the largest drawdown, its size inside candles, recovery factor,
//! Kelly's share, the system quality number without cap, figures of excursions and of risk, leverage,
//! funding, and what costs leave of the edge; and ratios of years of fewer than 365 days.
//!
//! [`Config::days_per_year`]: super::variant::Config::days_per_year

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

mod compute;
mod drawdown;
mod returns;
#[cfg(test)]
mod tests;
mod trades;
mod undefined;

pub(super) use compute::Observed;
pub(super) use returns::annual_figures;
pub use undefined::Undefined;
pub(super) use undefined::{Figure, finite};

use crate::domain::time::format_instant;

/// Version of the definitions on this page.
pub const METRICS_VERSION: u32 = 2;

/// The figures of a run. Ratios and shares are plain numbers (0.1 is 10 %), money is in account
/// currency, times are those at which candles open.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// `ET`, after an open position was closed at the last close.
    pub final_equity: f64,
    /// `ET / E0 - 1`.
    pub total_return: f64,
    /// Return of putting the whole balance in at the first possible fill and selling at the last
    /// close, with the same fees and slippage, without leverage and funding.
    pub buy_and_hold_return: Option<f64>,
    /// `(ET / E0)^(365.25 / calendar days) - 1`; from 30 days on.
    pub cagr: Option<f64>,
    /// std · √A; from 30 days on.
    pub volatility: Option<f64>,
    /// mean / std · √A; the definition of the Python packages empyrical and quantstats.
    pub sharpe: Option<f64>,
    /// mean · √A / √(Σ min(r, 0)² / n); as empyrical and quantstats.
    pub sortino: Option<f64>,
    /// `(mean - beta · mean(b)) · A`, b being the daily returns of buy-and-hold as above: the part of
    /// a year's return that it does not explain (Jensen, 1968, with a risk-free rate of 0); from 30
    /// days on.
    pub alpha: Option<f64>,
    /// Σ (r − mean)(b − mean(b)) / Σ (b − mean(b))²; from 30 days on.
    pub beta: Option<f64>,
    /// Probability that the true Sharpe ratio is above 0, by length, skewness and kurtosis of r:
    /// Φ(S √(n − 1) / √(1 − g3 S + (g4 − 1) / 4 · S²)), S = mean / std, g3 the skewness, g4 the
    /// kurtosis + 3 (PSR(0) of Bailey and López de Prado, "The Sharpe ratio efficient frontier",
    /// 2012, equation 11). It knows nothing of other variants tried.
    pub psr: Option<f64>,
    /// Days of returns like these from which on `psr` is at least 0.95, rounded up:
    /// 1 + (1 − g3 S + (g4 − 1) / 4 · S²) · (1.645 / S)² (ibid., equation 13).
    pub min_track_record_days: Option<u64>,
    /// Largest `1 - E[i] / max(E0, E[j] of j ≤ i)`, at most 1.
    pub max_drawdown: f64,
    /// The same in money: largest `max(E0, E[j] of j ≤ i) - E[i]`.
    pub max_drawdown_money: f64,
    /// Candle at whose close `max_drawdown` began: the last one at the peak; the first one if the
    /// peak is `E0`.
    #[serde(serialize_with = "optional_instant")]
    pub max_drawdown_start: Option<i64>,
    /// Candle of the lowest close of it.
    #[serde(serialize_with = "optional_instant")]
    pub max_drawdown_trough: Option<i64>,
    /// First candle at whose close the peak was reached again.
    #[serde(serialize_with = "optional_instant")]
    pub max_drawdown_recovery: Option<i64>,
    /// As `max_drawdown`, but with the equity at the low (long) or high (short) of each candle in
    /// which the position was held from open to close, against the closes before it.
    pub max_drawdown_intrabar: f64,
    /// `cagr / max_drawdown`.
    pub calmar: Option<f64>,
    /// `(ET - E0) / max_drawdown_money`.
    pub recovery_factor: Option<f64>,
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
    /// Σ profits of winning trades / |Σ losses of losing trades|, net of fees and funding.
    pub profit_factor: Option<f64>,
    /// Mean profit of winning trades / |mean loss of losing trades|.
    pub payoff: Option<f64>,
    /// Share of the account that maximises its growth (Kelly, 1956) for trades that win `payoff`
    /// times what they may lose: W − (1 − W) / payoff, W = winning trades / trades, one cut off by
    /// the end of the data included. Negative: better not at all.
    pub kelly: Option<f64>,
    /// Mean profit of a trade, money.
    pub expectancy: Option<f64>,
    /// Mean profit of a trade in multiples of what its first stop put at risk (R; Van Tharp), of the
    /// trades that had a stop.
    pub expectancy_r: Option<f64>,
    /// System quality number (Van Tharp): √min(count, 100) · mean / std(count − 1) of trade profits.
    pub sqn: Option<f64>,
    /// The same without the cap: √count · mean / std(count − 1).
    pub sqn_uncapped: Option<f64>,
    /// Highest profit of a trade, money.
    pub best_trade: Option<f64>,
    /// Lowest profit of a trade, money.
    pub worst_trade: Option<f64>,
    /// Mean maximum adverse excursion of a trade, percent of its entry price (Sweeney, 1996).
    pub average_mae_pct: Option<f64>,
    /// Median of the same; of an even count the mean of the two in the middle.
    pub median_mae_pct: Option<f64>,
    /// Mean maximum favourable excursion of a trade, percent of its entry price.
    pub average_mfe_pct: Option<f64>,
    /// Median of the same.
    pub median_mfe_pct: Option<f64>,
    /// Mean of exit candle − entry candle.
    pub average_duration_candles: Option<f64>,
    /// Median of the same.
    pub median_duration_candles: Option<f64>,
    /// Most winning trades in a row, those cut off by the end of the data left out.
    pub longest_winning_streak: usize,
    /// Most trades without profit in a row, those cut off by the end of the data left out.
    pub longest_losing_streak: usize,
    /// Trades that ended by liquidation.
    pub liquidation_count: usize,
    /// Candles in which a position was held for at least a part / traded candles.
    pub exposure: f64,
    /// Σ notional held / Σ `E[i]` over all closes: 1 is the whole account all the time.
    pub time_weighted_leverage: Option<f64>,
    /// Notional of all fills / `E0`.
    pub turnover: f64,
    /// Fees of all fills, money.
    pub fees: f64,
    /// What slippage cost, money; already inside the prices of the trades.
    pub slippage_cost: f64,
    /// Funding paid in all, money; negative if received.
    pub funding: f64,
    /// Edge per trade / cost per trade: profit before fees, slippage and funding / the three of them.
    /// Above 1 the edge pays for its costs. From costs above 0 on.
    pub edge_over_cost: Option<f64>,
    /// Profit before fees and slippage / notional of all fills, in basis points: the cost of a fill
    /// from which on the same trades earn nothing. Negative if they lose without any cost.
    pub break_even_cost_bps: Option<f64>,
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

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn optional_instant<S: Serializer>(
    time_ms: &Option<i64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time_ms.map(format_instant).serialize(serializer)
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
