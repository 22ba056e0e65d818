//! What is asked for beyond the backtests of a bundle: how far their figures can be trusted, and
//! which candles they may be run on.

use super::checked::CandleReport;
use super::walk_forward::WalkForward;

/// Checks of a bundle's results against luck and overfitting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    /// Share at the end of each range that is kept for the best variants only, percent.
    pub holdout_pct: Option<f64>,
    /// Blocks of combinatorially symmetric cross-validation, an even number.
    pub cscv_blocks: u32,
    /// Choosing on one stretch of time and testing on the next.
    pub walk_forward: Option<WalkForward>,
    /// Resampled runs of each variant that is kept.
    pub monte_carlo: u32,
    /// Runs with entries at random that each variant that is kept is held against.
    pub random_entries: u32,
}

impl Default for Validation {
    fn default() -> Self {
        Self {
            holdout_pct: None,
            cscv_blocks: 16,
            walk_forward: None,
            monte_carlo: 0,
            random_entries: 0,
        }
    }
}

/// The worst candles a run is done on; none means that anything goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DataLimits {
    /// Missing candles in the longest gap.
    pub gap_candles_max: Option<u32>,
    /// Missing candles in all gaps together.
    pub missing_candles_max: Option<u32>,
    /// Candles that were stored twice.
    pub duplicates_max: Option<u32>,
    /// Candles in front of the range that the indicators would need and that are not there.
    pub warmup_missing_max: Option<u32>,
}

/// What was found of what [`DataLimits`] limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFound {
    /// What the check of the candles found.
    pub checked: CandleReport,
    /// Candles that were stored twice.
    pub duplicates: usize,
    /// Candles of the warm-up that are not there.
    pub warmup_missing: usize,
}

/// Candles are worse than the request allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("candles: found {found}, allowed {allowed} by config.data.{key}")]
pub struct DataRefused {
    /// Which limit.
    pub key: &'static str,
    /// How many there are.
    pub found: u64,
    /// How many there may be.
    pub allowed: u32,
}

impl DataLimits {
    /// Holds what was found against the limits.
    ///
    /// # Errors
    /// The first limit that is exceeded.
    pub fn check(&self, found: &DataFound) -> Result<(), DataRefused> {
        let missing = |count: i64| u64::try_from(count).unwrap_or(0);
        let limits = [
            ("gap_candles_max", self.gap_candles_max, missing(found.checked.longest_gap_candles)),
            (
                "missing_candles_max",
                self.missing_candles_max,
                missing(found.checked.missing_candles),
            ),
            ("duplicates_max", self.duplicates_max, found.duplicates as u64),
            ("warmup_missing_max", self.warmup_missing_max, found.warmup_missing as u64),
        ];
        let exceeded = limits.into_iter().find_map(|(key, allowed, found)| {
            let allowed = allowed.filter(|allowed| found > u64::from(*allowed))?;
            Some(DataRefused { key, found, allowed })
        });
        exceeded.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_are_refused_above_each_limit_and_not_at_it() {
        let report =
            CandleReport { longest_gap_candles: 3, missing_candles: 5, ..Default::default() };
        let found = DataFound { checked: report, duplicates: 2, warmup_missing: 7 };
        assert_eq!(DataLimits::default().check(&found), Ok(()));
        let at = DataLimits {
            gap_candles_max: Some(3),
            missing_candles_max: Some(5),
            duplicates_max: Some(2),
            warmup_missing_max: Some(7),
        };
        assert_eq!(at.check(&found), Ok(()));
        for (limits, complaint) in [
            (
                DataLimits { gap_candles_max: Some(2), ..at },
                "found 3, allowed 2 by config.data.gap_candles_max",
            ),
            (
                DataLimits { missing_candles_max: Some(4), ..at },
                "found 5, allowed 4 by config.data.missing_candles_max",
            ),
            (
                DataLimits { duplicates_max: Some(1), ..at },
                "found 2, allowed 1 by config.data.duplicates_max",
            ),
            (
                DataLimits { warmup_missing_max: Some(0), ..at },
                "found 7, allowed 0 by config.data.warmup_missing_max",
            ),
        ] {
            assert_eq!(
                limits.check(&found).unwrap_err().to_string(),
                format!("candles: {complaint}")
            );
        }
    }
}
