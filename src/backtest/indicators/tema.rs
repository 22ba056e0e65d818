//! `tema`: the triple exponential moving average.

use ta_lib::Core;

use crate::backtest::params::period;
use crate::backtest::rules::exponential;
use crate::backtest::series::Series;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// 3 · e − 3 · EMA(e) + EMA(EMA(e)) with e = EMA(period) (P. Mulloy, 1994).
pub(in crate::backtest) static TEMA: IndicatorDefinition = IndicatorDefinition {
    name: "tema",
    params: &[period("period", 30.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| 3 * exponential(*period)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.tema_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.tema(start, end, inputs.source, period, out);
    recursion(inputs.source.len(), first, call).map(Vec::from)
}
