//! `true_range`: the true range.

use ta_lib::Core;

use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params};

/// The largest of high − low, |high − close before| and |low − close before| (J. W. Wilder, 1978).
pub(in crate::backtest) static TRUE_RANGE: IndicatorDefinition = IndicatorDefinition {
    name: "true_range",
    params: &[],
    fields: &["value"],
    input: Input::Candles,
    warmup: |_| 1,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [] = params(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let first = core.trange_lookback()?;
    let call = |start, end, [out]: [&mut [f64]; 1]| core.trange(start, end, high, low, close, out);
    windows(close.len(), first, call).map(Vec::from)
}
