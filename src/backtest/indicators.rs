//! Indicator series over a column of prices. The only place that knows the indicator library.

use ta_lib::{Core, OutRange, RetCode};

/// Rolling sums start afresh this often, so that rounding cannot add up over a long series.
const RESUM_CANDLES: usize = 4_096;

/// The values of one indicator, from the first candle that has one to the last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Position of the candle the first value belongs to.
    pub first: usize,
    /// One value per candle from there on; never NaN.
    pub values: Vec<f64>,
}

/// A parameter the indicator has no meaning for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IndicatorError {
    /// A period that is no whole number of candles from 1 to 100,000.
    #[error("period {0} is not a whole number from 1 to 100000")]
    Period(f64),
    /// The library refused the call.
    #[error("indicator refused its parameters: {0:?}")]
    Refused(RetCode),
}

/// Simple moving average of `period` candles.
///
/// # Errors
/// [`IndicatorError`] if the period is out of range.
pub fn sma(input: &[f64], period: f64) -> Result<Series, IndicatorError> {
    let core = Core::new();
    let period = whole_period(period)?;
    let first = core.sma_lookback(period).map_err(IndicatorError::Refused)?;
    let mut values = room(input, first);
    for (block, out) in values.chunks_mut(RESUM_CANDLES).enumerate() {
        let start = first + block * RESUM_CANDLES;
        core.sma(start, start + out.len() - 1, input, period, out)
            .map_err(IndicatorError::Refused)?;
    }
    Ok(Series { first, values })
}

/// Exponential moving average with weight 2 / (`period` + 1), seeded with the simple average of the
/// first `period` candles.
///
/// # Errors
/// [`IndicatorError`] if the period is out of range.
pub fn ema(input: &[f64], period: f64) -> Result<Series, IndicatorError> {
    let core = Core::new();
    let period = whole_period(period)?;
    let first = core.ema_lookback(period).map_err(IndicatorError::Refused)?;
    let mut values = room(input, first);
    if let Some(last) = last_index(&values, first) {
        let range = core.ema(0, last, input, period, &mut values);
        expect_range(range, first, values.len())?;
    }
    Ok(Series { first, values })
}

/// MACD line (fast less slow exponential average) and its signal line (exponential average of the
/// line), both from the first candle of the signal line on.
///
/// # Errors
/// [`IndicatorError`] if a period is out of range; fast and slow start at 2.
pub fn macd(
    input: &[f64],
    fast: f64,
    slow: f64,
    signal: f64,
) -> Result<(Series, Series), IndicatorError> {
    let core = Core::new();
    let (fast, slow, signal) = (whole_period(fast)?, whole_period(slow)?, whole_period(signal)?);
    let first = core.macd_lookback(fast, slow, signal).map_err(IndicatorError::Refused)?;
    let mut line = room(input, first);
    let mut smoothed = room(input, first);
    let mut histogram = room(input, first);
    if let Some(last) = last_index(&line, first) {
        let outputs = (&mut line, &mut smoothed, &mut histogram);
        let range = core.macd(0, last, input, fast, slow, signal, outputs.0, outputs.1, outputs.2);
        expect_range(range, first, line.len())?;
    }
    Ok((Series { first, values: line }, Series { first, values: smoothed }))
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
fn whole_period(period: f64) -> Result<i32, IndicatorError> {
    let whole = (1.0..=100_000.0).contains(&period) && period.fract() == 0.0;
    if whole { Ok(period as i32) } else { Err(IndicatorError::Period(period)) }
}

/// Zeros for the values of a series that starts at `first`; empty if the input ends before.
fn room(input: &[f64], first: usize) -> Vec<f64> {
    vec![0.0; input.len().saturating_sub(first)]
}

fn last_index(values: &[f64], first: usize) -> Option<usize> {
    (first + values.len()).checked_sub(1).filter(|_| !values.is_empty())
}

/// The library must have filled exactly the room made for it, else values would be misplaced.
fn expect_range(
    range: Result<OutRange, RetCode>,
    first: usize,
    count: usize,
) -> Result<(), IndicatorError> {
    let range = range.map_err(IndicatorError::Refused)?;
    if range == (OutRange { beg_idx: first, count }) {
        Ok(())
    } else {
        Err(IndicatorError::Refused(RetCode::InternalError))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_starts_where_its_window_is_full() {
        let input = [1.0, 2.0, 3.0, 4.0];
        let average = sma(&input, 3.0).unwrap();
        assert_eq!(average, Series { first: 2, values: vec![2.0, 3.0] });
        assert_eq!(ema(&input, 1.0).unwrap().values, input);
    }

    #[test]
    fn a_series_longer_than_its_input_is_empty() {
        assert!(sma(&[1.0, 2.0], 3.0).unwrap().values.is_empty());
        assert!(ema(&[], 3.0).unwrap().values.is_empty());
        assert!(macd(&[1.0; 10], 12.0, 26.0, 9.0).unwrap().0.values.is_empty());
    }

    #[test]
    fn a_long_simple_average_is_as_exact_at_its_end_as_at_its_start() {
        let input: Vec<f64> = (0..100_000).map(|i| 1e6 + f64::from(i % 97) * 0.01).collect();
        let average = sma(&input, 20.0).unwrap();
        let exact = input[input.len() - 20..].iter().sum::<f64>() / 20.0;
        let found = *average.values.last().unwrap();
        assert!((found / exact - 1.0).abs() < 1e-13, "{found} {exact}");
    }

    #[test]
    fn a_broken_period_is_refused() {
        for period in [0.0, 1.5, -3.0, f64::NAN, 1e9] {
            assert!(sma(&[1.0; 5], period).is_err(), "{period}");
        }
        assert!(macd(&[1.0; 99], 1.0, 26.0, 9.0).is_err());
    }
}
