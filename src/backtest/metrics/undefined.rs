//! Why a figure may have no meaning.

use serde::Serialize;

/// Why a figure has no meaning in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// Less than 30 days were traded.
    FewerThan30Days,
    /// All daily returns, or the profits of all trades, are the same.
    ZeroDeviation,
    /// All daily returns of buy-and-hold are the same.
    FlatBenchmark,
    /// The daily returns take two values only, placed so that the Sharpe ratio has no estimated
    /// error.
    NoEstimationError,
    /// The Sharpe ratio is not above 0, however long the record.
    SharpeNotAboveZero,
    /// No day lost.
    NoDownDays,
    /// The equity never fell below an earlier close.
    NoDrawdown,
    /// The equity did not come back to the peak.
    NotRecovered,
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
    /// No trade had a stop to measure its risk by.
    NoStops,
    /// Fees, slippage and funding cost nothing, or brought something in.
    NoCosts,
    /// Nothing is left of the account.
    AccountUsedUp,
    /// There was no candle to enter at and another to leave at.
    FewerThan2Candles,
    /// What it is measured against did not gain.
    InSampleLoss,
    /// The figure is too large for a number.
    BeyondCounting,
}

/// A figure, or why there is none.
pub(in crate::backtest) type Figure<T = f64> = Result<T, Undefined>;

/// What is no number, or too large for one, is no figure.
pub(in crate::backtest) fn finite(figure: f64) -> Figure {
    if figure.is_finite() { Ok(figure) } else { Err(Undefined::BeyondCounting) }
}
