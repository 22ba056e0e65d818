//! `bollinger`: bands of so many standard deviations around a simple average.

use ta_lib::{Core, MAType};

use crate::backtest::params::{count_of, number, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// SMA(period) ± deviations · standard deviation of the population (J. Bollinger, 1980s).
pub(in crate::backtest) static BOLLINGER: IndicatorDefinition = IndicatorDefinition {
    name: "bollinger",
    params: &[period("period", 20.0, 2.0), number("deviations", 2.0, 0.1, 20.0)],
    fields: &["upper", "middle", "lower"],
    input: Input::Source,
    warmup: |params| params.first().map_or(0, |period| count_of(period - 1.0)),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, deviations] = params(values)?;
    let (period, kind) = (whole_period(period)?, MAType::SMA);
    let core = Core::new();
    let first = core.bbands_lookback(period, deviations, deviations, kind)?;
    let call = |start, end, [upper, middle, lower]: [&mut [f64]; 3]| {
        let (source, both) = (inputs.source, deviations);
        core.bbands(start, end, source, period, both, both, kind, upper, middle, lower)
    };
    windows(inputs.source.len(), first, call).map(Vec::from)
}
