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

pub use self::folds::{Fold, Windows};
pub use self::stitch::{FoldRun, Stitched, Test, Train, stitch};

/// A figure by which variants are ranked on a train window; the highest is best.
#[derive(Debug)]
pub struct Objective {
    /// The name users write, that of the figure.
    pub name: &'static str,
    /// The figure; none where it has no meaning.
    pub of: fn(&Metrics) -> Option<f64>,
}

/// All objectives, the one that holds where the user says nothing first.
pub static OBJECTIVES: [Objective; 9] = [
    Objective { name: "sharpe", of: |metrics| metrics.sharpe },
    Objective { name: "total_return", of: |metrics| Some(metrics.total_return) },
    Objective { name: "cagr", of: |metrics| metrics.cagr },
    Objective { name: "sortino", of: |metrics| metrics.sortino },
    Objective { name: "calmar", of: |metrics| metrics.calmar },
    Objective { name: "profit_factor", of: |metrics| metrics.profit_factor },
    Objective { name: "expectancy", of: |metrics| metrics.expectancy },
    Objective { name: "sqn", of: |metrics| metrics.sqn },
    Objective { name: "win_rate", of: |metrics| metrics.win_rate },
];

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
