//! `vwma`: the volume-weighted moving average.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::sma::simple_average;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// The mean close of the last `period` candles, each weighted by its volume; the plain mean where
/// nothing was traded.
pub(in crate::backtest) static VWMA: IndicatorDefinition = IndicatorDefinition {
    name: "vwma",
    params: &[period("period", 20.0, 1.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = params(values)?;
    let whole = whole_period(period)?;
    let Candles { close, volume, .. } = inputs.candles;
    let core = Core::new();
    let first = core.vwma_lookback(whole)?;
    let weighted =
        |start, end, [out]: [&mut [f64]; 1]| core.vwma(start, end, close, volume, whole, out);
    let [mut averages] = windows(close.len(), first, weighted)?;
    if averages.values.iter().any(|value| !value.is_finite()) {
        let plain = simple_average(close, period)?;
        let pairs = averages.values.iter_mut().zip(&plain.values);
        for (value, plain) in pairs.filter(|(value, _)| !value.is_finite()) {
            *value = *plain;
        }
    }
    Ok(vec![averages])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_weighs_and_where_there_is_none_every_candle_weighs_the_same() {
        let mut candles = Candles::default();
        let rows = [(10.0, 1.0), (20.0, 3.0), (40.0, 0.0), (80.0, 0.0), (20.0, 1.0)];
        for (day, (price, volume)) in (0..).zip(rows) {
            candles.push(day, [price, price, price, price, volume]);
        }
        let inputs = Inputs { candles: &candles, source: &candles.close };
        let averages = compute(&inputs, &[2.0]).unwrap();
        assert_eq!(averages, [Series { first: 1, values: vec![17.5, 20.0, 60.0, 20.0] }]);
    }
}
