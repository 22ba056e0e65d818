//! `macd`: the difference of two exponential averages, and its own average.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::exponential;
use crate::backtest::series::Series;

use super::{
    IndicatorDefinition, IndicatorError, Input, Inputs, expect_range, last_index, params, room,
    whole_period,
};

/// All three fields begin where the signal line does.
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
    let [fast, slow, signal] = params(values)?;
    let core = Core::new();
    let (fast, slow, signal) = (whole_period(fast)?, whole_period(slow)?, whole_period(signal)?);
    let first = core.macd_lookback(fast, slow, signal)?;
    let [mut line, mut smoothed, mut histogram] = [(); 3].map(|()| room(inputs.source, first));
    if let Some(last) = last_index(&line, first) {
        let outs = (&mut line, &mut smoothed, &mut histogram);
        let range = core.macd(0, last, inputs.source, fast, slow, signal, outs.0, outs.1, outs.2);
        expect_range(range, first, line.len())?;
    }
    Ok([line, smoothed, histogram].map(|values| Series { first, values }).into())
}
