//! `ema`: the exponential moving average, without waiting for one value to compute the next.

use crate::backtest::params::period;
use crate::backtest::rules::exponential;
use crate::backtest::series::Series;

use super::sma::padded;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// Candles computed side by side: their own part first, then what was before, by powers of the
/// decay. A plain loop waits for a product and a sum at every candle.
const STEP: usize = 8;

pub(in crate::backtest) static EMA: IndicatorDefinition = IndicatorDefinition {
    name: "ema",
    params: &[period("period", 50.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().copied().map(exponential).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = params(values)?;
    Ok(vec![exponential_average(inputs.source, period)?])
}

/// Weight 2 / (period + 1), seeded with the simple average of the first `period` values, as TA-Lib
/// does it; equal to it but for the last bits.
pub(super) fn exponential_average(source: &[f64], period: f64) -> Result<Series, IndicatorError> {
    let count = usize::try_from(whole_period(period)?).unwrap_or(1);
    let (seeds, rest) = source.split_at(count.min(source.len()));
    let mut values = Vec::with_capacity(source.len().saturating_sub(count - 1));
    if seeds.len() == count {
        let seed = seeds.iter().fold(0.0, |sum, value| sum + value) / period;
        values.push(seed);
        smooth(seed, 2.0 / (period + 1.0), rest, &mut values);
    }
    Ok(Series { first: count - 1, values })
}

/// `e[i] = weight · x[i] + (1 − weight) · e[i−1]`, with `before` as `e[−1]`.
///
/// A value is computed in the same way whatever follows it, so it never depends on later candles.
fn smooth(mut before: f64, weight: f64, input: &[f64], averages: &mut Vec<f64>) {
    let decay = 1.0 - weight;
    let mut powers = [1.0; STEP];
    let mut power = 1.0;
    for slot in &mut powers {
        power *= decay;
        *slot = power;
    }
    let (steps, rest) = input.as_chunks::<STEP>();
    for step in steps {
        let own = smooth_step(weight, decay, step);
        let mut whole = [0.0; STEP];
        for ((average, own), power) in whole.iter_mut().zip(own).zip(&powers) {
            *average = own + power * before;
        }
        [.., before] = whole;
        averages.extend_from_slice(&whole);
    }
    let own = smooth_step(weight, decay, &padded(rest));
    let whole = own.into_iter().zip(&powers).map(|(own, power)| own + power * before);
    averages.extend(whole.take(rest.len()));
}

/// The part of each average that the values of this step make.
fn smooth_step(weight: f64, decay: f64, input: &[f64; STEP]) -> [f64; STEP] {
    let mut own = 0.0;
    input.map(|value| {
        own = weight * value + decay * own;
        own
    })
}

#[cfg(test)]
mod tests {
    use super::super::over;
    use super::*;

    #[test]
    fn an_average_of_one_candle_is_the_candle() {
        let input = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(over(&EMA, &input, &[1.0]).unwrap()[0].values, input);
    }

    #[test]
    fn it_equals_the_plain_recursion() {
        let input: Vec<f64> = (0..1_000).map(|i| 100.0 + f64::from(i * 37 % 101)).collect();
        for period in [2.0, 3.0, 9.0, 200.0] {
            let found = &over(&EMA, &input, &[period]).unwrap()[0];
            let mut expected = input[..found.first + 1].iter().sum::<f64>() / period;
            for (bar, value) in (found.first..).zip(&found.values) {
                if bar > found.first {
                    expected += 2.0 / (period + 1.0) * (input[bar] - expected);
                }
                assert!((value / expected - 1.0).abs() < 1e-13, "{bar}: {value} {expected}");
            }
        }
    }
}
