//! `stc`: the Schaff trend cycle.

use ta_lib::Core;

use crate::backtest::params::{count_of, period, word};
use crate::backtest::rules::{exponential, rounding};
use crate::backtest::series::Series;

use super::ema::exponential_average;
use super::library::recursion;
use super::stochastic::{smoothed, stochastic};
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// The words for how the line is made.
pub(in crate::backtest) const STC_VARIANTS: &[&str] = &["schaff", "skender"];

/// Candles until halving leaves less than a millionth.
const HALVINGS: usize = 20;

/// Candles over which the other variant smooths.
const SMOOTH_CANDLES: f64 = 3.0;

/// A stochastic of EMA(fast) − EMA(slow), from 0 to 100.
///
/// `schaff`: over `cycle` values, halfway smoothed, and the same once more of the result; where all
/// are equal the value before is kept (D. Schaff, 1999). `skender`: over `cycle` values, once, its
/// simple average over 3, as the library Skender.Stock.Indicators has it.
pub(in crate::backtest) static STC: IndicatorDefinition = IndicatorDefinition {
    name: "stc",
    params: &[
        period("fast", 23.0, 2.0),
        period("slow", 50.0, 2.0),
        period("cycle", 10.0, 2.0),
        word("variant", STC_VARIANTS),
    ],
    fields: &["value"],
    input: Input::Source,
    warmup,
    compute,
};

fn warmup(params: &[f64]) -> usize {
    match params {
        [fast, slow, cycle, _] => exponential(fast.max(*slow)) + 2 * (count_of(*cycle) + HALVINGS),
        _ => 0,
    }
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [fast, slow, cycle, variant] = params(values)?;
    let cycle = whole_period(cycle)?;
    let series = match STC_VARIANTS.get(count_of(variant)) {
        Some(&"skender") => average_distance(inputs.source, fast, slow)?
            .then(|line| stochastic(line, cycle))?
            .then(|positions| smoothed(positions, SMOOTH_CANDLES))?,
        _ => {
            let (fast, slow, core) = (whole_period(fast)?, whole_period(slow)?, Core::new());
            let first = core.stc_lookback(fast, slow, cycle)?;
            let call = |start, end, [out]: [&mut [f64]; 1]| {
                core.stc(start, end, inputs.source, fast, slow, cycle, out)
            };
            let [series] = recursion(inputs.source.len(), first, call)?;
            series
        }
    };
    Ok(vec![series])
}

/// EMA(fast) − EMA(slow), each seeded with its own first values.
fn average_distance(source: &[f64], fast: f64, slow: f64) -> Result<Series, IndicatorError> {
    let (fast, slow) = (exponential_average(source, fast)?, exponential_average(source, slow)?);
    let first = fast.first.max(slow.first);
    let (mut line, slow) = (fast.since(first), slow.since(first));
    for (value, slow) in line.values.iter_mut().zip(&slow.values) {
        let distance = *value - slow;
        // What is left of equal averages is rounding, which a stochastic would blow up.
        let equal = distance.abs() <= rounding(*value, *slow);
        *value = if equal { 0.0 } else { distance };
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::super::over;
    use super::*;

    /// With 2, 3 and 3 candles: the averages over two from the third value on are 5, 3, 19/3, 67/9,
    /// 103/27, 319/81 (…), those over three 4, 3, 11/2, 27/4, 35/8, 67/16 (…), their differences
    /// 1, 0, 5/6, 25/36, −121/216, −323/1296, 0.719007, −0.359289, and these lie between the extremes
    /// of three at 5/6, 5/6, 0, 403/1626, 1, 0.
    const SOURCE: [f64; 10] = [2.0, 4.0, 6.0, 2.0, 8.0, 8.0, 2.0, 4.0, 9.0, 3.0];

    #[track_caller]
    fn assert_cycle(variant: f64, expected: [f64; 4]) {
        let found = over(&STC, &SOURCE, &[2.0, 3.0, 3.0, variant]).unwrap();
        assert_eq!((found[0].first, found[0].values.len()), (6, 4));
        for (value, expected) in found[0].values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        }
    }

    #[test]
    fn the_variant_of_skender_is_one_stochastic_and_a_simple_average() {
        let place = [250.0 / 3.0, 250.0 / 3.0, 0.0, 40_300.0 / 1_626.0, 100.0, 0.0];
        let mean = |at: usize| place[at..at + 3].iter().sum::<f64>() / 3.0;
        assert_cycle(1.0, [mean(0), mean(1), mean(2), mean(3)]);
    }

    #[test]
    fn the_variant_of_schaff_is_two_stochastics_each_smoothed_by_half() {
        let smooth = |before: f64, place: f64| f64::midpoint(before, place);
        let fourth = smooth(250.0 / 6.0, 40_300.0 / 1_626.0);
        let fifth = smooth(fourth, 100.0);
        let sixth = smooth(fifth, 0.0);
        // The third and fourth smoothed places are the lowest of their windows, the fifth the highest.
        let last = 100.0 * (sixth - fourth) / (fifth - fourth);
        assert_cycle(0.0, [0.0, 0.0, 50.0, smooth(50.0, last)]);
    }
}
