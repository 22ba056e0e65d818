//! Moments of a few values, and counts as floats.

/// A count as a float; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of days, variants and draws are smaller")]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}

/// The mean and the deviation with n − 1; the deviation of fewer than two values is 0.
pub(super) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let n = count(values.len());
    let mean = values.iter().fold(0.0, |sum, value| sum + value) / n;
    let squares = values.iter().fold(0.0, |sum, value| sum + (value - mean) * (value - mean));
    (mean, (squares / (n - 1.0).max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_divides_by_one_less() {
        // Deviations from 3: -2, 0, 2; squares 8; 8 / 2 = 4.
        assert_eq!(mean_and_deviation(&[1.0, 3.0, 5.0]), (3.0, 2.0));
        assert_eq!(mean_and_deviation(&[7.0]), (7.0, 0.0));
        assert_eq!(mean_and_deviation(&[]), (0.0, 0.0));
    }
}
