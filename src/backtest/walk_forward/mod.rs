//! Walk-forward: what would have been chosen on the past, and how it did on what came after.
//!
//! The range is cut into folds of a train window and the test window that follows it. On each train
//! window every variant runs and the best by one figure is chosen; only the chosen one runs on the
//! test window, flat at its start. The test windows follow each other without overlap, so their
//! results make one record that no choice has seen.

mod folds;
mod stitch;
#[cfg(test)]
mod tests;

use super::metrics::Metrics;

pub use self::folds::Fold;
pub use self::stitch::{FoldRun, Stitched, Test, Train, stitch};

/// Choosing on one stretch of time and testing on the next, over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkForward {
    /// Length of a train window, milliseconds, above 0; of an anchored walk, of the first one.
    pub train_ms: i64,
    /// Length of a test window, and how far each fold lies after the one before; milliseconds,
    /// above 0.
    pub test_ms: i64,
    /// Whether all train windows begin where the range does.
    pub anchored: bool,
    /// What the best is chosen by.
    pub metric: Objective,
}

/// The figure that the best variant has most of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Objective {
    /// Sharpe ratio.
    #[default]
    Sharpe,
    /// Sortino ratio.
    Sortino,
    /// Calmar ratio.
    Calmar,
    /// Total return.
    TotalReturn,
    /// Annual growth.
    Cagr,
    /// Gross profit by gross loss.
    ProfitFactor,
    /// Mean profit of a trade.
    Expectancy,
    /// System quality number.
    Sqn,
    /// Share of trades that won.
    WinRate,
}

impl Objective {
    /// The words users write: the names of the figures.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("sharpe", Self::Sharpe),
        ("sortino", Self::Sortino),
        ("calmar", Self::Calmar),
        ("total_return", Self::TotalReturn),
        ("cagr", Self::Cagr),
        ("profit_factor", Self::ProfitFactor),
        ("expectancy", Self::Expectancy),
        ("sqn", Self::Sqn),
        ("win_rate", Self::WinRate),
    ];

    /// The word users write.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, objective)| *objective == self).map_or("", |(name, _)| name)
    }

    /// The figure of a run; none where it has no meaning.
    #[must_use]
    pub fn figure(self, metrics: &Metrics) -> Option<f64> {
        match self {
            Self::Sharpe => metrics.sharpe,
            Self::Sortino => metrics.sortino,
            Self::Calmar => metrics.calmar,
            Self::TotalReturn => Some(metrics.total_return),
            Self::Cagr => metrics.cagr,
            Self::ProfitFactor => metrics.profit_factor,
            Self::Expectancy => metrics.expectancy,
            Self::Sqn => metrics.sqn,
            Self::WinRate => metrics.win_rate,
        }
    }
}

/// Whether a figure beats the best one so far: the earlier of two equal ones stays, and a figure
/// without a meaning beats nothing.
#[must_use]
pub fn beats(figure: Option<f64>, best: Option<f64>) -> bool {
    match (figure, best) {
        (Some(figure), Some(best)) => figure > best,
        (Some(_), None) => true,
        (None, _) => false,
    }
}
