//! `macd`: the difference of two exponential averages, and its own average.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::{exponential, rounding};
use crate::backtest::series::Series;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// line: EMA(fast) − EMA(slow); signal: EMA(signal) of it; histogram: line − signal (G. Appel, 1979;
/// T. Aspray, 1986). All three begin where the signal line does.
pub(in crate::backtest) static MACD: IndicatorDefinition = IndicatorDefinition {
    name: "macd",
    params: &[period("fast", 12.0, 2.0), period("slow", 26.0, 2.0), period("signal", 9.0, 1.0)],
    fields: &["line", "signal", "histogram"],
    input: Input::Source,
    warmup,
    compute,
};

/// The signal line is an average of averages: first the slow one settles, then the signal's.
fn warmup(params: &[f64]) -> usize {
    match params {
        [fast, slow, signal] => exponential(fast.max(*slow)) + exponential(*signal),
        _ => 0,
    }
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [fast, slow, signal] = periods(values)?;
    let core = Core::new();
    let first = core.macd_lookback(fast, slow, signal)?;
    let call = |start, end, [line, smoothed, histogram]: [&mut [f64]; 3]| {
        core.macd(start, end, inputs.source, fast, slow, signal, line, smoothed, histogram)
    };
    let mut lines = recursion(inputs.source.len(), first, call)?;
    for line in &mut lines {
        for (distance, price) in line.values.iter_mut().zip(inputs.source.iter().skip(line.first)) {
            // What is left of equal averages is rounding: it is above or below by chance.
            *distance = if distance.abs() <= rounding(*price, 0.0) { 0.0 } else { *distance };
        }
    }
    Ok(Vec::from(lines))
}
