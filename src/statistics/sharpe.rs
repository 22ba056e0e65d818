//! How much of a Sharpe ratio is left once its error and the number of trials are counted: Bailey
//! and López de Prado, "The Sharpe ratio efficient frontier" (2012) and "The deflated Sharpe ratio"
//! (2014).
//!
//! All Sharpe ratios here are those of a day, not annualised. n is the number of days, S the ratio,
//! g3 the skewness and g4 the kurtosis (3 for a normal distribution) of the daily returns.

use std::f64::consts::E;

use super::moments::Moments;
use super::normal::{cdf, quantile};
use super::sample::count;
use super::{Figure, Undefined};

/// The Euler-Mascheroni constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Probabilistic Sharpe ratio: the probability that the true ratio is above `threshold`,
/// PSR(S*) = Φ((S − S*) √(n − 1) / √(1 − g3 S + (g4 − 1) / 4 S²)) (2012, equation 11).
///
/// # Errors
/// [`Undefined::NoEstimationError`] if the root is of 0.
pub fn probabilistic(moments: &Moments, threshold: f64) -> Figure {
    let error = (squared_error(moments)? / (count(moments.days) - 1.0)).sqrt();
    Ok(cdf((moments.sharpe() - threshold) / error))
}

/// The Sharpe ratio to expect of the best of `trials` useless ones whose ratios have `variance`:
/// S0 = √variance ((1 − γ) z(1 − 1/N) + γ z(1 − 1/(N e))), γ the Euler-Mascheroni constant (2014,
/// equation 1).
///
/// Of a single one it is 0, the expectation itself, where the approximation does not hold.
#[must_use]
pub fn expected_maximum(trials: usize, variance: f64) -> f64 {
    if trials < 2 {
        return 0.0;
    }
    let n = count(trials);
    let normal_maximum =
        (1.0 - EULER) * quantile(1.0 - 1.0 / n) + EULER * quantile(1.0 - 1.0 / (n * E));
    variance.sqrt() * normal_maximum
}

/// Deflated Sharpe ratio: PSR(S0), the probability that the true ratio of the best of `trials` is
/// above what the best of as many useless ones would show (2014, equation 2). `variance` is that of
/// the ratios of all trials.
///
/// # Errors
/// As [`probabilistic`].
pub fn deflated(moments: &Moments, trials: usize, variance: f64) -> Figure {
    probabilistic(moments, expected_maximum(trials, variance))
}

/// Minimum track record length: the days from which on a ratio like this is above `threshold` with
/// probability `confidence`, 1 + (1 − g3 S + (g4 − 1) / 4 S²) (z(confidence) / (S − S*))² (2012,
/// equation 13).
///
/// # Errors
/// [`Undefined::NotAboveThreshold`], and as [`probabilistic`].
pub fn minimum_track_record_days(moments: &Moments, threshold: f64, confidence: f64) -> Figure {
    let above = moments.sharpe() - threshold;
    let squared_error = squared_error(moments)?;
    let days = 1.0 + squared_error * (quantile(confidence) / above).powi(2);
    // So little above that the days cannot be told counts as not above.
    if above > 0.0 && days.is_finite() { Ok(days) } else { Err(Undefined::NotAboveThreshold) }
}

/// 1 − g3 S + (g4 − 1) / 4 S²: n − 1 times the variance of the estimated ratio. Never negative, as
/// g4 ≥ 1 + g3²; 0 for returns of two values whose ratio is 2 / g3.
fn squared_error(moments: &Moments) -> Figure {
    let sharpe = moments.sharpe();
    let squared =
        1.0 - moments.skewness * sharpe + (moments.kurtosis - 1.0) / 4.0 * sharpe * sharpe;
    // What rounding leaves of 0.
    if squared > 1e-12 { Ok(squared) } else { Err(Undefined::NoEstimationError) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::close;
    use super::*;

    /// Bailey and López de Prado (2014), the numerical example: an annual ratio of 2.5 over 250
    /// days a year.
    fn example() -> Moments {
        Moments {
            days: 1250,
            mean: 2.5,
            deviation: 250.0_f64.sqrt(),
            skewness: -3.0,
            kurtosis: 10.0,
        }
    }

    #[test]
    fn the_worked_example_of_the_paper_comes_out() {
        let variance = 0.5 / 250.0;
        close(expected_maximum(100, variance), 0.1132, 5e-5);
        close(deflated(&example(), 100, variance).unwrap(), 0.9004, 5e-5);
    }

    #[test]
    fn the_probabilistic_ratio_agrees_with_hand_calculation() {
        // S = 0.1, n − 1 = 100, normal moments: 0.1 * 10 / √(1 + 0.005) = 0.997509.
        let moments =
            Moments { days: 101, mean: 0.1, deviation: 1.0, skewness: 0.0, kurtosis: 3.0 };
        close(probabilistic(&moments, 0.0).unwrap(), 0.840_742, 1e-6);
        close(probabilistic(&moments, 0.1).unwrap(), 0.5, 1e-15);
        // Fat left tails make the same ratio less certain.
        let fat = Moments { skewness: -2.0, kurtosis: 12.0, ..moments };
        assert!(probabilistic(&fat, 0.0).unwrap() < probabilistic(&moments, 0.0).unwrap());
    }

    #[test]
    fn the_minimum_track_record_is_where_the_probability_is_reached() {
        // 1 + 1.005 * (1.6448536 / 0.1)² = 272.9074.
        let moments = Moments { days: 40, mean: 0.1, deviation: 1.0, skewness: 0.0, kurtosis: 3.0 };
        let days = minimum_track_record_days(&moments, 0.0, 0.95).unwrap();
        close(days, 272.907, 1e-3);
        let before = Moments { days: 272, ..moments };
        let after = Moments { days: 273, ..moments };
        assert!(probabilistic(&before, 0.0).unwrap() < 0.95);
        assert!(probabilistic(&after, 0.0).unwrap() >= 0.95);
        for threshold in [0.1, 0.2, 0.1 - f64::EPSILON / 1e200] {
            assert_eq!(
                minimum_track_record_days(&moments, threshold, 0.95),
                Err(Undefined::NotAboveThreshold)
            );
        }
    }

    #[test]
    fn the_expected_maximum_grows_with_trials_from_zero() {
        close(expected_maximum(1, 1.0), 0.0, 0.0);
        // z(1/2) = 0; 0.5772157 * z(1 − 1 / 2e = 0.8160603) = 0.5772157 * 0.9004472.
        close(expected_maximum(2, 1.0), 0.519_753, 2e-5);
        // The exact expectation of the best of 10 and of 1000 normal numbers is 1.53875 and 3.24144.
        close(expected_maximum(10, 1.0), 1.538_75, 0.04);
        close(expected_maximum(1000, 1.0), 3.241_44, 0.02);
        close(expected_maximum(10, 4.0), 2.0 * expected_maximum(10, 1.0), 1e-15);
    }

    #[test]
    fn two_values_at_the_wrong_place_have_no_estimation_error() {
        // Two values with probability p of the higher one: g3 = (1 − 2p) / √(p (1 − p)), g4 = 1 +
        // g3². With p = 0.2 g3 is 1.5, so S = 2 / 1.5 leaves nothing.
        let moments =
            Moments { days: 100, mean: 4.0, deviation: 3.0, skewness: 1.5, kurtosis: 3.25 };
        assert_eq!(probabilistic(&moments, 0.0), Err(Undefined::NoEstimationError));
    }
}
