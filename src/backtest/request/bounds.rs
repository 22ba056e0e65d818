//! The numbers a key allows.

use std::fmt;
use std::ops::{Bound, RangeBounds};

/// The lowest and highest allowed number, and whether it must be whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: Bound<f64>,
    pub(super) high: Bound<f64>,
    pub(super) whole: bool,
}

impl Bounds {
    /// Any number at all.
    pub(super) const ANY: Self = Self::new(Bound::Unbounded, Bound::Unbounded);

    pub(super) const fn new(low: Bound<f64>, high: Bound<f64>) -> Self {
        Self { low, high, whole: false }
    }

    /// Whether the number lies within; it may still be a fraction where a whole one is needed.
    pub(super) fn contain(&self, number: f64) -> bool {
        (self.low, self.high).contains(&number)
    }

    /// The same kind of number, above zero: what a step may be.
    pub(super) fn steps(&self) -> Self {
        Self { low: Bound::Excluded(0.0), high: Bound::Unbounded, whole: self.whole }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.low {
            Bound::Included(low) if self.high == Bound::Included(low) => return write!(f, "{low}"),
            Bound::Included(low) => write!(f, "{low}")?,
            Bound::Excluded(low) => write!(f, "above {low}")?,
            Bound::Unbounded => f.write_str("any number")?,
        }
        match self.high {
            Bound::Included(high) => write!(f, " to {high}"),
            Bound::Excluded(high) => write!(f, " to below {high}"),
            Bound::Unbounded => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound::{Excluded, Included, Unbounded};

    use super::*;

    #[test]
    fn bounds_read_as_words() {
        for (low, high, words) in [
            (Included(1.0), Included(10_000.0), "1 to 10000"),
            (Excluded(0.0), Excluded(100.0), "above 0 to below 100"),
            (Excluded(0.0), Unbounded, "above 0"),
            (Included(1.0), Included(1.0), "1"),
            (Unbounded, Unbounded, "any number"),
        ] {
            assert_eq!(Bounds::new(low, high).to_string(), words);
        }
    }

    #[test]
    fn what_is_not_a_number_is_never_within() {
        assert!(!Bounds::new(Included(0.0), Included(1.0)).contain(f64::NAN));
    }
}
