//! Counts since the epoch, whose unit their magnitude tells.

use std::fmt;

/// The unit of the epochs in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EpochUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl EpochUnit {
    /// The unit a count is in by its magnitude: each covers 1973 to 5138 without touching the next.
    fn of(count: i64) -> Self {
        match count.unsigned_abs() {
            0..100_000_000_000 => Self::Seconds,
            100_000_000_000..100_000_000_000_000 => Self::Milliseconds,
            100_000_000_000_000..100_000_000_000_000_000 => Self::Microseconds,
            _ => Self::Nanoseconds,
        }
    }

    /// Milliseconds; fractions of one are cut off.
    pub(super) fn to_ms(self, count: i64) -> i64 {
        match self {
            Self::Seconds => count.saturating_mul(1_000),
            Self::Milliseconds => count,
            Self::Microseconds => count.div_euclid(1_000),
            Self::Nanoseconds => count.div_euclid(1_000_000),
        }
    }
}

impl fmt::Display for EpochUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        })
    }
}

/// Turns the counts of one file into milliseconds; the units they were in, smallest first.
///
/// Each count goes by its magnitude, for files are put together of parts with different units. But
/// counts too small for the unit of others are instants near 1970 in a file that goes through it:
/// then the unit of the largest holds for all.
pub(super) fn epochs_to_ms(counts: &mut [i64]) -> Vec<EpochUnit> {
    let mut units: Vec<EpochUnit> = Vec::new();
    for count in &*counts {
        let unit = EpochUnit::of(*count);
        if units.last() != Some(&unit) && !units.contains(&unit) {
            units.push(unit);
        }
    }
    units.sort_unstable();
    if units.first() == Some(&EpochUnit::Seconds) && units.len() > 1 {
        units.drain(..units.len() - 1);
    }
    let only = units.first().copied().filter(|_| units.len() == 1);
    for count in counts {
        *count = only.unwrap_or_else(|| EpochUnit::of(*count)).to_ms(*count);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_go_by_their_magnitude_each() {
        let mut counts = [1_735_603_200_000, 1_735_689_600_000_000];
        let units = epochs_to_ms(&mut counts);
        assert_eq!(units, [EpochUnit::Milliseconds, EpochUnit::Microseconds]);
        assert_eq!(counts, [1_735_603_200_000, 1_735_689_600_000]);
    }

    #[test]
    fn a_file_that_goes_through_1970_has_one_unit() {
        let mut counts = [-200_000_000_000, -86_400_000, 0, 86_400_000, 1_704_067_200_000];
        assert_eq!(epochs_to_ms(&mut counts), [EpochUnit::Milliseconds]);
        assert_eq!(counts, [-200_000_000_000, -86_400_000, 0, 86_400_000, 1_704_067_200_000]);
    }
}
