//! `stoch`: the stochastic oscillator.

use ta_lib::{Core, MAType};

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::stochastic::without_noise;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// k: 100 · (close − lowest) / (highest − lowest) over `period` candles, 0 where all are equal, averaged
/// over `smooth_k`; d: k averaged over `smooth_d` (G. Lane, 1950s).
pub(in crate::backtest) static STOCH: IndicatorDefinition = IndicatorDefinition {
    name: "stoch",
    params: &[
        period("period", 14.0, 1.0),
        period("smooth_k", 3.0, 1.0),
        period("smooth_d", 3.0, 1.0),
    ],
    fields: &["k", "d"],
    input: Input::Candles,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, smooth_k, smooth_d] = periods(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let (core, kind) = (Core::new(), MAType::SMA);
    let first = core.stoch_lookback(period, smooth_k, kind, smooth_d, kind)?;
    let call = |start, end, [k, d]: [&mut [f64]; 2]| {
        core.stoch(start, end, high, low, close, period, smooth_k, kind, smooth_d, kind, k, d)
    };
    let mut lines = windows(close.len(), first, call)?;
    for line in &mut lines {
        without_noise(&mut line.values);
    }
    Ok(Vec::from(lines))
}
