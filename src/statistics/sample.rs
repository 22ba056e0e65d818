//! Order statistics and counts as floats.

/// A count as a float; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of days, variants and draws are smaller")]
pub(super) fn count(count: usize) -> f64 {
    count as f64
}

/// The next whole number; 2^64 − 1 for what is beyond it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast stops at the bounds"
)]
pub(super) fn ceiling(value: f64) -> u64 {
    value.ceil() as u64
}

/// The percentile of values in ascending order, between two of them on the straight line (type 7 of
/// Hyndman and Fan, 1996). `None` of no values.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = last * percent;
    let (index, rest) = (position / 100, position % 100);
    let low = *sorted.get(index)?;
    if rest == 0 {
        return Some(low);
    }
    let high = *sorted.get(index + 1)?;
    Some(low + (high - low) * count(rest) / 100.0)
}

/// The value in the middle, or the mean of the two in the middle. `None` of no values.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    percentile(&values, 50)
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
    fn percentiles_lie_between_the_values_around_them() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(percentile(&sorted, 0), Some(1.0));
        assert_eq!(percentile(&sorted, 50), Some(4.0));
        // Position 4 * 0.9 = 3.6.
        assert!((percentile(&sorted, 90).unwrap() - (8.0 + 0.6 * 8.0)).abs() < 1e-12);
        assert_eq!(percentile(&sorted, 100), Some(16.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn the_ceiling_stops_at_the_bounds() {
        assert_eq!((ceiling(2.0), ceiling(2.1), ceiling(-3.0)), (2, 3, 0));
        assert_eq!(ceiling(1e300), u64::MAX);
    }

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_two_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 4.0, 2.0]), Some(3.0));
        assert_eq!(median(vec![5.0]), Some(5.0));
    }

    #[test]
    fn the_deviation_divides_by_one_less() {
        // Deviations from 3: -2, 0, 2; squares 8; 8 / 2 = 4.
        assert_eq!(mean_and_deviation(&[1.0, 3.0, 5.0]), (3.0, 2.0));
        assert_eq!(mean_and_deviation(&[7.0]), (7.0, 0.0));
        assert_eq!(mean_and_deviation(&[]), (0.0, 0.0));
    }
}
