//! What is asked for beyond the backtests of a bundle: how far their figures can be trusted, and
//! which candles they may be run on.

use std::fmt;

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
    /// Gaps.
    pub gaps_max: Option<u32>,
    /// Missing candles in all gaps together.
    pub missing_candles_max: Option<u32>,
    /// Candles that were stored twice.
    pub duplicates_max: Option<u32>,
    /// Candles that open before the one before them ends.
    pub overlaps_max: Option<u32>,
    /// Stored rows that lack a price.
    pub incomplete_max: Option<u32>,
    /// Stored rows whose prices cannot be those of a candle.
    pub bad_bars_max: Option<u32>,
    /// Parts that are missing of candles made of shorter ones.
    pub parts_missing_max: Option<u32>,
    /// Candles in front of the range that the indicators would need and that are not there.
    pub warmup_missing_max: Option<u32>,
}

/// What was found of what [`DataLimits`] limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DataFound {
    /// What the check of the candles found.
    pub checked: CandleReport,
    /// Candles that were stored twice.
    pub duplicates: usize,
    /// Candles that open before the one before them ends.
    pub overlaps: usize,
    /// Stored rows that lack a price.
    pub incomplete: usize,
    /// Stored rows whose prices cannot be those of a candle.
    pub bad_bars: usize,
    /// Parts that are missing of candles made of shorter ones.
    pub parts_missing: u64,
    /// Candles of the warm-up that are not there.
    pub warmup_missing: usize,
}

/// Candles are worse than the request allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("candles: {}", exceeded.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct DataRefused {
    /// Every limit that is exceeded, at least one.
    pub exceeded: Vec<Exceeded>,
}

/// A limit on candles, and what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Which limit.
    pub key: &'static str,
    /// How many there are.
    pub found: u64,
    /// How many there may be.
    pub allowed: u32,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, found, allowed } = self;
        write!(f, "found {found}, allowed {allowed} by config.data.{key}")
    }
}

impl DataLimits {
    /// All limits by their keys.
    #[must_use]
    pub fn by_key(&self) -> [(&'static str, Option<u32>); 9] {
        [
            ("gap_candles_max", self.gap_candles_max),
            ("gaps_max", self.gaps_max),
            ("missing_candles_max", self.missing_candles_max),
            ("duplicates_max", self.duplicates_max),
            ("overlaps_max", self.overlaps_max),
            ("incomplete_max", self.incomplete_max),
            ("bad_bars_max", self.bad_bars_max),
            ("parts_missing_max", self.parts_missing_max),
            ("warmup_missing_max", self.warmup_missing_max),
        ]
    }

    /// Holds what was found against the limits.
    ///
    /// # Errors
    /// All limits that are exceeded.
    pub fn check(&self, found: &DataFound) -> Result<(), DataRefused> {
        let missing = |count: i64| u64::try_from(count).unwrap_or(0);
        let found = [
            missing(found.checked.longest_gap_candles),
            found.checked.gaps as u64,
            missing(found.checked.missing_candles),
            found.duplicates as u64,
            found.overlaps as u64,
            found.incomplete as u64,
            found.bad_bars as u64,
            found.parts_missing,
            found.warmup_missing as u64,
        ];
        let limits = self.by_key().into_iter().zip(found);
        let exceeded = limits.filter_map(|((key, allowed), found)| {
            let allowed = allowed.filter(|allowed| found > u64::from(*allowed))?;
            Some(Exceeded { key, found, allowed })
        });
        let exceeded: Vec<_> = exceeded.collect();
        if exceeded.is_empty() { Ok(()) } else { Err(DataRefused { exceeded }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_are_refused_above_each_limit_and_not_at_it() {
        let found = DataFound {
            checked: CandleReport {
                longest_gap_candles: 3,
                gaps: 1,
                missing_candles: 5,
                ..CandleReport::default()
            },
            duplicates: 2,
            overlaps: 4,
            incomplete: 6,
            bad_bars: 8,
            parts_missing: 9,
            warmup_missing: 7,
        };
        assert_eq!(DataLimits::default().check(&found), Ok(()));
        let at = DataLimits {
            gap_candles_max: Some(3),
            gaps_max: Some(1),
            missing_candles_max: Some(5),
            duplicates_max: Some(2),
            overlaps_max: Some(4),
            incomplete_max: Some(6),
            bad_bars_max: Some(8),
            parts_missing_max: Some(9),
            warmup_missing_max: Some(7),
        };
        assert_eq!(at.check(&found), Ok(()));
        let refused = |limits: DataLimits| limits.check(&found).unwrap_err().to_string();
        for (limits, key, found) in [
            (DataLimits { gap_candles_max: Some(2), ..at }, "gap_candles_max", 3),
            (DataLimits { gaps_max: Some(0), ..at }, "gaps_max", 1),
            (DataLimits { missing_candles_max: Some(4), ..at }, "missing_candles_max", 5),
            (DataLimits { duplicates_max: Some(1), ..at }, "duplicates_max", 2),
            (DataLimits { overlaps_max: Some(3), ..at }, "overlaps_max", 4),
            (DataLimits { incomplete_max: Some(5), ..at }, "incomplete_max", 6),
            (DataLimits { bad_bars_max: Some(7), ..at }, "bad_bars_max", 8),
            (DataLimits { parts_missing_max: Some(8), ..at }, "parts_missing_max", 9),
            (DataLimits { warmup_missing_max: Some(6), ..at }, "warmup_missing_max", 7),
        ] {
            let allowed = found - 1;
            let text = format!("candles: found {found}, allowed {allowed} by config.data.{key}");
            assert_eq!(refused(limits), text);
        }
        let two = DataLimits { gaps_max: Some(0), duplicates_max: Some(0), ..at };
        let text = "candles: found 1, allowed 0 by config.data.gaps_max; \
                    found 2, allowed 0 by config.data.duplicates_max";
        assert_eq!(refused(two), text);
    }
}
