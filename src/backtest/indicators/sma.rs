//! `sma`: the simple moving average, several candles at once.

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::RESUM_CANDLES;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// Candles computed side by side: first how the sum changes within them, then what it was before. A
/// plain loop waits for two sums at every candle.
const STEP: usize = 8;

/// The mean of the last `period` values.
pub(in crate::backtest) static SMA: IndicatorDefinition = IndicatorDefinition {
    name: "sma",
    params: &[period("period", 30.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = params(values)?;
    Ok(vec![simple_average(inputs.source, period)?])
}

/// The mean over any series, by a rolling sum that begins afresh every so often.
pub(super) fn simple_average(source: &[f64], period: f64) -> Result<Series, IndicatorError> {
    let count = usize::try_from(whole_period(period)?).unwrap_or(1);
    let mut values = Vec::with_capacity(source.len().saturating_sub(count - 1));
    let mut rest = source;
    while rest.len() >= count {
        let block = rest.split_at(rest.len().min(count - 1 + RESUM_CANDLES)).0;
        average_block(block, count, 1.0 / period, &mut values);
        rest = rest.split_at((block.len() + 1) - count).1;
    }
    Ok(Series { first: count - 1, values })
}

/// The means of all windows of `count` values in a block.
fn average_block(block: &[f64], count: usize, share: f64, averages: &mut Vec<f64>) {
    let (seed, entering) = block.split_at(count);
    let mut sum: f64 = seed.iter().sum();
    averages.push(sum * share);
    let (entering, last_entering) = entering.as_chunks::<STEP>();
    let (leaving, last_leaving) = block.split_at(block.len() - count).0.as_chunks::<STEP>();
    for (entering, leaving) in entering.iter().zip(leaving) {
        let changes = changes(entering, leaving);
        averages.extend_from_slice(&changes.map(|change| (sum + change) * share));
        let [.., change] = changes;
        sum += change;
    }
    let changes = changes(&padded(last_entering), &padded(last_leaving));
    let last = changes.iter().map(|change| (sum + change) * share);
    averages.extend(last.take(last_entering.len()));
}

/// How far the sum is from what it was before, after each candle of a step.
fn changes(entering: &[f64; STEP], leaving: &[f64; STEP]) -> [f64; STEP] {
    let mut change = 0.0;
    let mut changes = [0.0; STEP];
    for ((slot, entering), leaving) in changes.iter_mut().zip(entering).zip(leaving) {
        change += entering - leaving;
        *slot = change;
    }
    changes
}

/// What is left over, as a whole step.
pub(super) fn padded<const N: usize>(rest: &[f64]) -> [f64; N] {
    let mut step = [0.0; N];
    for (slot, value) in step.iter_mut().zip(rest) {
        *slot = *value;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::super::over;
    use super::*;

    #[test]
    fn a_series_starts_where_its_window_is_full() {
        let average = over(&SMA, &[1.0, 2.0, 3.0, 4.0], &[3.0]).unwrap();
        assert_eq!(average, [Series { first: 2, values: vec![2.0, 3.0] }]);
    }

    #[test]
    fn it_equals_the_mean_of_every_window() {
        let input: Vec<f64> = (0..9_000).map(|i| 100.0 + f64::from(i * 37 % 101)).collect();
        for (count, period) in [(1, 1.0), (2, 2.0), (7, 7.0), (200, 200.0), (5_000, 5_000.0)] {
            let found = over(&SMA, &input, &[period]).unwrap();
            let windows: Vec<_> = input.windows(count).collect();
            assert_eq!(found[0].values.len(), windows.len());
            for (value, window) in found[0].values.iter().zip(windows) {
                let exact = window.iter().sum::<f64>() / period;
                assert!((value / exact - 1.0).abs() < 1e-13, "{value} {exact}");
            }
        }
    }

    #[test]
    fn a_long_simple_average_is_as_exact_at_its_end_as_at_its_start() {
        let input: Vec<f64> = (0..100_000).map(|i| 1e6 + f64::from(i % 97) * 0.01).collect();
        let average = over(&SMA, &input, &[20.0]).unwrap();
        let exact = input[input.len() - 20..].iter().sum::<f64>() / 20.0;
        let found = *average[0].values.last().unwrap();
        assert!((found / exact - 1.0).abs() < 1e-13, "{found} {exact}");
    }
}
