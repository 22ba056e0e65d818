//! `kama`: Kaufman's adaptive moving average.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::recursion;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// An exponential average whose weight is (r · (2/3 − 2/31) + 2/31)², r being the distance between
/// the first and the last of `period` + 1 values over the way between them (P. Kaufman, 1995).
pub(in crate::backtest) static KAMA: IndicatorDefinition = IndicatorDefinition {
    name: "kama",
    params: &[period("period", 10.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.kama_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.kama(start, end, inputs.source, period, out);
    recursion(inputs.source.len(), first, call).map(Vec::from)
}

/// Candles after which the least weight there is, (2/31)², leaves less than a millionth of what was
/// before.
const SLOWEST_CANDLES: usize = 3_320;

fn warmup(params: &[f64]) -> usize {
    params.iter().map(|period| count_of(*period) + SLOWEST_CANDLES).sum()
}
