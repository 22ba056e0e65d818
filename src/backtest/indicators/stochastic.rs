//! Where a value lies between the lowest and the highest of the last ones.

use ta_lib::Core;

use crate::backtest::rules::rounding;
use crate::backtest::series::Series;

use super::IndicatorError;
use super::library::windows;
use super::sma::simple_average;

/// 100 · (value − lowest) / (highest − lowest) over `period` values; 0 where these two are equal but
/// for rounding, which must not be blown up to a signal.
pub(super) fn stochastic(source: &[f64], period: i32) -> Result<Series, IndicatorError> {
    let core = Core::new();
    let first = core.max_lookback(period)?;
    let highest = |start, end, [out]: [&mut [f64]; 1]| core.max(start, end, source, period, out);
    let lowest = |start, end, [out]: [&mut [f64]; 1]| core.min(start, end, source, period, out);
    let [mut series] = windows(source.len(), first, highest)?;
    let [lowest] = windows(source.len(), first, lowest)?;
    let values = series.values.iter_mut().zip(&lowest.values);
    for ((position, low), value) in values.zip(source.iter().skip(first)) {
        let range = *position - low;
        let equal = range <= rounding(*position, *low);
        *position = if equal { 0.0 } else { 100.0 * (value - low) / range };
    }
    Ok(series)
}

/// The simple average of such places; one of zeros is zero.
pub(super) fn smoothed(places: &[f64], period: f64) -> Result<Series, IndicatorError> {
    let mut series = simple_average(places, period)?;
    without_noise(&mut series.values);
    Ok(series)
}

/// What of values in percent is zero but for rounding is made zero: a rolling sum that has come back to
/// zero is off by a little, and beside another one it would be above or below by chance.
pub(super) fn without_noise(values: &mut [f64]) {
    for value in values {
        *value = if value.abs() <= rounding(100.0, 0.0) { 0.0 } else { *value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_of_zeros_is_zero_whatever_came_before() {
        let places: Vec<f64> =
            (0..400).map(|i| if i % 40 < 20 { f64::from(i) / 7.0 } else { 0.0 }).collect();
        for count in [1, 3, 14] {
            let found = smoothed(&places, f64::from(u32::try_from(count).unwrap())).unwrap();
            for (value, window) in found.values.iter().zip(places.windows(count)) {
                assert_eq!(*value == 0.0, window.iter().all(|place| *place == 0.0));
            }
        }
    }

    #[test]
    fn a_value_is_placed_between_the_extremes_and_noise_is_flat() {
        let noise = f64::from_bits(50.0_f64.to_bits() + 3);
        let found = stochastic(&[10.0, 20.0, 14.0, 12.0, 50.0, noise, 50.0], 3).unwrap();
        assert_eq!(found.first, 2);
        assert_eq!(found.values[..2], [40.0, 0.0]);
        assert_eq!(found.values[4..], [0.0]);
    }
}
