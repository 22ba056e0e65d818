//! Where a value lies between the lowest and the highest of the last ones.

use ta_lib::Core;

use crate::backtest::rules::rounding;
use crate::backtest::series::Series;

use super::IndicatorError;
use super::library::windows;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_placed_between_the_extremes_and_noise_is_flat() {
        let noise = f64::from_bits(50.0_f64.to_bits() + 3);
        let found = stochastic(&[10.0, 20.0, 14.0, 12.0, 50.0, noise, 50.0], 3).unwrap();
        assert_eq!(found.first, 2);
        assert_eq!(found.values[..2], [40.0, 0.0]);
        assert_eq!(found.values[4..], [0.0]);
    }
}
