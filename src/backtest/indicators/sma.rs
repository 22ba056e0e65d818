//! `sma`: the simple moving average.

use ta_lib::Core;

use crate::backtest::params::{count_of, period};
use crate::backtest::series::Series;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, periods};

/// The mean of the last `period` values.
pub(in crate::backtest) static SMA: IndicatorDefinition = IndicatorDefinition {
    name: "sma",
    params: &[period("period", 30.0, 1.0)],
    fields: &["value"],
    input: Input::Source,
    warmup: |params| params.iter().map(|period| count_of(period - 1.0)).sum(),
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period] = periods(values)?;
    let core = Core::new();
    let first = core.sma_lookback(period)?;
    let call =
        |start, end, [out]: [&mut [f64]; 1]| core.sma(start, end, inputs.source, period, out);
    windows(inputs.source.len(), first, call).map(Vec::from)
}

#[cfg(test)]
mod tests {
    use super::super::over;
    use super::*;

    #[test]
    fn a_series_starts_where_its_window_is_full() {
        let average = over(&SMA, &[1.0, 2.0, 3.0, 4.0], &[3.0]).unwrap();
        assert_eq!(average, [Series { first: 2, values: vec![2.0, 3.0] }]);
    }

    #[test]
    fn a_long_simple_average_is_as_exact_at_its_end_as_at_its_start() {
        let input: Vec<f64> = (0..100_000).map(|i| 1e6 + f64::from(i % 97) * 0.01).collect();
        let average = over(&SMA, &input, &[20.0]).unwrap();
        let exact = input[input.len() - 20..].iter().sum::<f64>() / 20.0;
        let found = *average[0].values.last().unwrap();
        assert!((found / exact - 1.0).abs() < 1e-13, "{found} {exact}");
    }
}
