//! The first four moments of daily returns.

use super::sample::count;
use super::{Figure, MIN_DAYS, Undefined};

/// A deviation this small beside the mean is rounding.
const ROUNDING: f64 = 1e-12;

/// The moments of a series of daily returns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Number of days, n.
    pub days: usize,
    /// Mean return of a day.
    pub mean: f64,
    /// Standard deviation with n − 1; positive.
    pub deviation: f64,
    /// Third central moment / (second)^1.5.
    pub skewness: f64,
    /// Fourth central moment / (second)²; 3 for a normal distribution.
    pub kurtosis: f64,
}

impl Moments {
    /// The moments of `returns` (0.01 is 1 %), from 30 days on.
    ///
    /// # Errors
    /// [`Undefined::FewerThan30Days`], and [`Undefined::ZeroDeviation`] if all returns are the same.
    pub fn of(returns: &[f32]) -> Figure<Self> {
        if returns.len() < MIN_DAYS {
            return Err(Undefined::FewerThan30Days);
        }
        let days = count(returns.len());
        let values = || returns.iter().map(|&value| f64::from(value));
        let mean = values().fold(0.0, |sum, value| sum + value) / days;
        let squares = values().fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
        let spread = (squares / days).sqrt();
        if spread <= ROUNDING * mean.abs() {
            return Err(Undefined::ZeroDeviation);
        }
        // Standardised first: the fourth power of a wild return would overflow.
        let (cubes, fourths) = values().fold((0.0, 0.0), |(cubes, fourths), value| {
            let score = (value - mean) / spread;
            let square = score * score;
            (cubes + square * score, fourths + square * square)
        });
        Ok(Self {
            days: returns.len(),
            mean,
            deviation: (squares / (days - 1.0)).sqrt(),
            skewness: cubes / days,
            kurtosis: fourths / days,
        })
    }

    /// mean / deviation: the Sharpe ratio of a day, not annualised.
    #[must_use]
    pub fn sharpe(&self) -> f64 {
        self.mean / self.deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_agree_with_hand_calculation() {
        // 30 days of 3 and 10 of -1 (exact in f32): mean 2; second central moment
        // (30 * 1 + 10 * 9) / 40 = 3, third (30 * 1 - 10 * 27) / 40 = -6, fourth (30 + 810) / 40 = 21.
        let mut returns = vec![3.0_f32; 30];
        returns.extend([-1.0; 10]);
        let found = Moments::of(&returns).unwrap();
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-14 * expected.abs(), "{found} {expected}");
        };
        assert_eq!(found.days, 40);
        close(found.mean, 2.0);
        close(found.deviation, (120.0_f64 / 39.0).sqrt());
        close(found.skewness, -6.0 / 27.0_f64.sqrt());
        close(found.kurtosis, 21.0 / 9.0);
        close(found.sharpe(), 2.0 / (120.0_f64 / 39.0).sqrt());
    }

    #[test]
    fn too_few_days_and_equal_returns_have_no_moments() {
        assert_eq!(Moments::of(&[0.1, 0.2]), Err(Undefined::FewerThan30Days));
        assert_eq!(Moments::of(&[0.0; 30]), Err(Undefined::ZeroDeviation));
        assert_eq!(Moments::of(&[0.013; 97]), Err(Undefined::ZeroDeviation));
    }

    #[test]
    fn wild_returns_stay_finite() {
        let mut returns = [0.0_f32; 50];
        returns[3] = f32::MAX;
        let found = Moments::of(&returns).unwrap();
        assert!(found.deviation.is_finite() && found.kurtosis.is_finite());
    }
}
