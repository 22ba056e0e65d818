//! `chandelier_exit`: stops that hang so many average true ranges from the extremes.

use ta_lib::Core;

use crate::backtest::params::{number, period};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::{recursion, windows};
use super::{
    IndicatorDefinition, IndicatorError, Input, Inputs, params, turning_warmup, whole_period,
};

/// long: the highest high of `period` candles − multiplier · ATR(period); short: the lowest low +
/// multiplier · ATR(period) (C. Le Beau, 1990s). direction: −1 from a close below `long` on, 1 from a
/// close above `short` on; a close that is both changes nothing, and before the first that is only one
/// of them there is no direction.
pub(in crate::backtest) static CHANDELIER_EXIT: IndicatorDefinition = IndicatorDefinition {
    name: "chandelier_exit",
    params: &[period("period", 22.0, 2.0), number("multiplier", 3.0, 0.1, 20.0)],
    fields: &["long", "short", "direction"],
    input: Input::Candles,
    warmup: turning_warmup,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, multiplier] = params(values)?;
    let period = whole_period(period)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let (core, len) = (Core::new(), close.len());
    let extremes = core.max_lookback(period)?;
    let highest = |start, end, [out]: [&mut [f64]; 1]| core.max(start, end, high, period, out);
    let lowest = |start, end, [out]: [&mut [f64]; 1]| core.min(start, end, low, period, out);
    let range =
        |start, end, [out]: [&mut [f64]; 1]| core.atr(start, end, high, low, close, period, out);
    let [range] = recursion(len, core.atr_lookback(period)?, range)?;
    let [long] = windows(len, extremes, highest)?;
    let [short] = windows(len, extremes, lowest)?;
    let (mut long, mut short) = (long.since(range.first), short.since(range.first));
    for ((long, short), range) in long.values.iter_mut().zip(&mut short.values).zip(&range.values) {
        *long -= multiplier * range;
        *short += multiplier * range;
    }
    let direction = direction(&long, &short, close);
    Ok(vec![long, short, direction])
}

/// 1 and −1 from the first close that says one of them on.
fn direction(long: &Series, short: &Series, close: &[f64]) -> Series {
    let closes = close.iter().skip(long.first);
    let said =
        long.values.iter().zip(&short.values).zip(closes).map(|((long, short), close)| {
            match (close < long, close > short) {
                (true, false) => Some(-1.0),
                (false, true) => Some(1.0),
                _ => None,
            }
        });
    let mut direction = None;
    let known = said.filter_map(|said| {
        direction = said.or(direction);
        direction
    });
    let values: Vec<f64> = known.collect();
    Series { first: close.len() - values.len(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// High, low, close; the true ranges from the second on are 2, 2, 4, 5, 11, the averages over two
    /// from the third on 2, 3, 4, 7.5.
    const ROWS: [[f64; 3]; 6] = [
        [10.0, 8.0, 9.0],
        [11.0, 9.0, 10.0],
        [12.0, 10.0, 11.0],
        [15.0, 12.0, 14.0],
        [14.0, 9.0, 9.0],
        [20.0, 10.0, 15.0],
    ];

    fn exits(multiplier: f64) -> Vec<Series> {
        let mut candles = Candles::default();
        for (day, [high, low, close]) in (0..).zip(ROWS) {
            candles.push(day, [close, high, low, close, 1.0]);
        }
        compute(&Inputs { candles: &candles, source: &[] }, &[2.0, multiplier]).unwrap()
    }

    #[test]
    fn exits_hang_from_the_extremes_and_a_close_beyond_one_turns_the_direction() {
        let series = |first, values: &[f64]| Series { first, values: values.to_vec() };
        let found = exits(1.0);
        assert_eq!(found[0], series(2, &[10.0, 12.0, 11.0, 12.5]));
        assert_eq!(found[1], series(2, &[11.0, 13.0, 13.0, 16.5]));
        assert_eq!(found[2], series(3, &[1.0, -1.0, -1.0]));
    }

    #[test]
    fn a_close_beyond_both_exits_turns_nothing() {
        assert_eq!(exits(0.1)[2], Series { first: 4, values: vec![-1.0, -1.0] });
    }
}
