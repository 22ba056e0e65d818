//! The variants of a bundle as statistics see them: daily returns over one calendar.

use super::cscv::BLOCKS;

/// One variant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial<'a> {
    /// The id by which results name it. Among equally good variants the lowest counts as best.
    pub id: i64,
    /// What its random numbers depend on, beside the seed: the hash of the variant.
    pub key: &'a [u8],
    /// Return of each day, 0.01 is 1 %; 0 on days without a position.
    pub daily_returns: &'a [f32],
}

/// The variants of a bundle, or of a part of it with the same days, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials<'a> {
    trials: Vec<Trial<'a>>,
    benchmark: Option<&'a [f32]>,
    seed: u64,
    blocks: usize,
}

/// The variants cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialsError {
    /// Another number of days than the first variant.
    #[error("variant {id} has {found} days, the first has {expected}")]
    Days {
        /// The variant.
        id: i64,
        /// Its days.
        found: usize,
        /// Those of the first.
        expected: usize,
    },
    /// The benchmark has another number of days than the variants.
    #[error("the benchmark has {found} days, the variants have {expected}")]
    BenchmarkDays {
        /// Days of the benchmark.
        found: usize,
        /// Those of the variants.
        expected: usize,
    },
    /// A return that is infinite or no number.
    #[error("variant {0} has a return that is not finite")]
    NotFinite(i64),
    /// The benchmark has such a return.
    #[error("the benchmark has a return that is not finite")]
    BenchmarkNotFinite,
    /// Two variants of one id.
    #[error("variant {0} is given twice")]
    Twice(i64),
}

impl<'a> Trials<'a> {
    /// Takes `trials` in any order; `seed` is that of the bundle.
    ///
    /// # Errors
    /// Variants of different numbers of days, of one id, or with returns that are not finite.
    pub fn new(mut trials: Vec<Trial<'a>>, seed: u64) -> Result<Self, TrialsError> {
        trials.sort_by_key(|trial| trial.id);
        let expected = trials.first().map_or(0, |trial| trial.daily_returns.len());
        let mut before = None;
        for &Trial { id, daily_returns, .. } in &trials {
            if before.replace(id) == Some(id) {
                return Err(TrialsError::Twice(id));
            }
            if daily_returns.len() != expected {
                return Err(TrialsError::Days { id, found: daily_returns.len(), expected });
            }
            if !daily_returns.iter().all(|day| day.is_finite()) {
                return Err(TrialsError::NotFinite(id));
            }
        }
        Ok(Self { trials, benchmark: None, seed, blocks: BLOCKS })
    }

    /// Compares the variants with a benchmark over the same days instead of with 0, where that is
    /// meant to be beaten.
    ///
    /// # Errors
    /// Another number of days than the variants have, or returns that are not finite.
    pub fn against(mut self, benchmark: &'a [f32]) -> Result<Self, TrialsError> {
        let (found, expected) = (benchmark.len(), self.days());
        if found != expected {
            return Err(TrialsError::BenchmarkDays { found, expected });
        }
        if !benchmark.iter().all(|day| day.is_finite()) {
            return Err(TrialsError::BenchmarkNotFinite);
        }
        self.benchmark = Some(benchmark);
        Ok(self)
    }

    /// Cross-validates over so many blocks instead of [`BLOCKS`].
    #[must_use]
    pub fn with_blocks(mut self, blocks: usize) -> Self {
        self.blocks = blocks;
        self
    }

    /// All variants, lowest id first.
    pub(super) fn all(&self) -> &[Trial<'a>] {
        &self.trials
    }

    /// Number of days.
    pub(super) fn days(&self) -> usize {
        self.trials.first().map_or(0, |trial| trial.daily_returns.len())
    }

    /// See [`Self::against`].
    pub(super) fn benchmark(&self) -> Option<&'a [f32]> {
        self.benchmark
    }

    /// The seed of the bundle.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Blocks of the cross-validation.
    pub(super) fn blocks(&self) -> usize {
        self.blocks
    }
}

impl Trial<'_> {
    /// Whether it ever traded: returns that are all the same are those of no position.
    pub(super) fn traded(&self) -> bool {
        let first = self.daily_returns.first().copied().unwrap_or_default();
        self.daily_returns.iter().any(|day| (day - first).abs() > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(id: i64, daily_returns: &[f32]) -> Trial<'_> {
        Trial { id, key: b"", daily_returns }
    }

    #[test]
    fn variants_are_sorted_and_compared_before_they_are_taken() {
        let trials = Trials::new(vec![trial(2, &[0.1]), trial(1, &[0.2])], 1).unwrap();
        assert_eq!(trials.all()[0].id, 1);
        let refused = |trials| Trials::new(trials, 1).unwrap_err().to_string();
        assert_eq!(
            refused(vec![trial(1, &[0.1, 0.2]), trial(7, &[0.1])]),
            "variant 7 has 1 days, the first has 2"
        );
        assert_eq!(refused(vec![trial(1, &[0.1]), trial(1, &[0.2])]), "variant 1 is given twice");
        assert_eq!(
            refused(vec![trial(3, &[f32::NAN])]),
            "variant 3 has a return that is not finite"
        );
        assert_eq!(
            trials.clone().against(&[0.1, 0.2]),
            Err(TrialsError::BenchmarkDays { found: 2, expected: 1 })
        );
        assert_eq!(trials.against(&[f32::INFINITY]), Err(TrialsError::BenchmarkNotFinite));
    }

    #[test]
    fn a_variant_traded_if_its_days_differ() {
        assert!(trial(1, &[0.0, 0.0, 1e-30]).traded());
        assert!(!trial(1, &[0.0, -0.0]).traded());
        assert!(!trial(1, &[]).traded());
    }
}
