//! `stc`: the Schaff trend cycle.

use ta_lib::Core;

use crate::backtest::params::{count_of, period, word};
use crate::backtest::rules::exponential;
use crate::backtest::series::Series;

use super::ema::exponential_average;
use super::library::recursion;
use super::stochastic::{smoothed, stochastic};
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// The words for how the line is made.
pub(in crate::backtest) const VARIANTS: &[&str] = &["schaff", "skender"];

/// Candles until halving leaves less than a millionth.
const HALVINGS: usize = 20;

/// Candles over which the other variant smooths.
const SMOOTH_CANDLES: i32 = 3;

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
        word("variant", VARIANTS),
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
    let series = match VARIANTS.get(count_of(variant)) {
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
        *value -= slow;
    }
    Ok(line)
}
