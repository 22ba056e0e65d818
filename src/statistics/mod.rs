//! What the results of a bundle are worth together: how much of the best variant's figures is the
//! luck of having tried many. Pure and deterministic: no I/O, no clock, the same bits twice.
//!
//! Random numbers come from [`random`] only, keyed by what they are for. Every work is bounded; a
//! bound that was reached is told in the result. A figure without a meaning is an [`Undefined`].

use serde::Serialize;

pub mod bootstrap;
pub mod bundle;
pub mod clusters;
pub mod cscv;
pub mod moments;
pub mod normal;
pub mod random;
pub mod random_entry;
pub mod reality_check;
mod sample;
pub mod sharpe;
pub mod surface;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod trials;
pub mod verdict;

pub use bundle::{BundleStatistics, STATISTICS_VERSION};
pub use trials::{Trial, Trials, TrialsError};
pub use verdict::{HoldOut, verdict};

/// Why a figure has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undefined {
    /// Less than 30 days of returns.
    FewerThan30Days,
    /// All daily returns are the same.
    ZeroDeviation,
    /// No variant traded.
    NoVariants,
    /// Nothing was selected: selection takes two variants that traded.
    FewerThan2Variants,
    /// Half of the days are less than 30.
    FewerThan30DaysInHalf,
    /// Nothing was traded.
    NoTrades,
    /// Nothing to put in another order.
    FewerThan2Trades,
    /// The trades overlap, are out of order, or end after the last candle.
    TradesDoNotFit,
    /// There is no score at this place.
    NoScore,
    /// No neighbour has a score.
    NoNeighbours,
    /// A share of a score that is not positive says nothing.
    ScoreNotPositive,
    /// Beyond what a number can tell.
    TooLarge,
    /// From so few draws no percentile and no p-value can be told.
    FewerThan100Draws,
    /// More trades, or days and variants, than can be gone through often enough.
    TooMuchWork,
    /// The returns take two values only, placed so that the Sharpe ratio has no estimated error.
    NoEstimationError,
    /// The Sharpe ratio is not above the one it is to be told from, however long the record.
    NotAboveThreshold,
}

/// A figure, or why there is none.
pub type Figure<T = f64> = Result<T, Undefined>;

/// Fewer days than this say nothing: the engine's ratios begin there, too.
const MIN_DAYS: usize = 30;
