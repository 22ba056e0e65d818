//! Curves with fewer points that keep their extremes.

use super::figures::{float, floor};

/// A value at a time, milliseconds since the epoch.
pub(super) type Point = (i64, f64);

/// At most about twice `parts` points: the first, the last, and the lowest and highest of equal parts.
pub(super) fn thin(points: &[Point], parts: usize) -> Vec<Point> {
    if points.len() <= 2 * parts || parts == 0 {
        return points.to_vec();
    }
    let size = points.len().div_ceil(parts);
    let mut kept = Vec::with_capacity(2 * parts + 2);
    kept.extend(points.first().copied());
    for part in points.chunks(size) {
        let lowest = part.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = part.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let (Some(lowest), Some(highest)) = (lowest, highest) else { continue };
        let (first, second) =
            if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
        kept.extend([*first, *second]);
    }
    kept.extend(points.last().copied());
    kept.dedup_by_key(|point| point.0);
    kept
}

/// How far each point lies below the highest one before it, 0 or less; the curve began at `start`.
pub(super) fn drawdown(points: &[Point], start: f64) -> Vec<Point> {
    let mut peak = start;
    let below = |(time, value): &Point| {
        peak = peak.max(*value);
        (*time, if peak > 0.0 { value / peak - 1.0 } else { 0.0 })
    };
    points.iter().map(below).collect()
}

/// The values at these shares (0 to 1) of the sorted `values`; between two the nearer.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(floor(share.mul_add(float(last), 0.5)).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_extremes() {
        let points: Vec<Point> = (0..10_000)
            .map(|at| (at, f64::from(i32::try_from(at * 37 % 10_007).unwrap())))
            .collect();
        let few = thin(&points, 50);
        assert!(few.len() <= 102, "{}", few.len());
        assert_eq!((few.first(), few.last()), (points.first(), points.last()));
        let extremes = |points: &[Point]| {
            let values = points.iter().map(|point| point.1);
            values
                .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
        };
        assert_eq!(extremes(&few), extremes(&points));
        assert!(few.is_sorted_by_key(|point| point.0));
        assert_eq!(thin(&few, 500), few);
    }

    #[test]
    fn a_drawdown_is_measured_from_the_peak_before_it() {
        let points = [(0, 0.5), (1, 2.0), (2, 1.0), (3, 4.0)];
        assert_eq!(drawdown(&points, 1.0), [(0, -0.5), (1, 0.0), (2, -0.5), (3, 0.0)]);
    }

    #[test]
    fn quantiles_of_an_odd_count_are_among_its_values() {
        let sorted = [1.0, 2.0, 3.0];
        assert_eq!(
            [0.0, 0.5, 1.0].map(|share| quantile(&sorted, share)),
            [1.0, 2.0, 3.0].map(Some)
        );
        assert_eq!(quantile(&[], 0.5), None);
    }
}
