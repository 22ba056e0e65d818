//! `candle_pattern`: shapes of one to three candles.

use ta_lib::{Core, OutRange, RetCode};

use crate::backtest::params::{count_of, word};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::library::windows;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params};

/// 100 at a candle that completes the pattern in its rising form, −100 in its falling form, else 0, by
/// the rules of TA-Lib: what is long, short or near is measured by the candles before (after S. Nison,
/// 1991).
pub(in crate::backtest) static CANDLE_PATTERN: IndicatorDefinition = IndicatorDefinition {
    name: "candle_pattern",
    params: &[word("pattern", PATTERN_NAMES)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |params| {
        let pattern = params.first().and_then(|pattern| PATTERNS.get(count_of(*pattern)));
        pattern.and_then(|pattern| (pattern.lookback)(&Core::new()).ok()).unwrap_or(0)
    },
    compute,
};

/// The value of the parameter for a word; that of no pattern where there is none of this name.
pub(in crate::backtest) fn pattern_number(name: &str) -> f64 {
    let mut numbered = (0_u32..).map(f64::from).zip(PATTERN_NAMES);
    numbered.find(|(_, known)| **known == name).map_or(f64::INFINITY, |(number, _)| number)
}

/// A pattern of the library.
struct Pattern {
    lookback: fn(&Core) -> Result<usize, RetCode>,
    call: Call,
}

/// First and last candle, the columns open, high, low and close, and room for the values.
type Call = fn(&Core, usize, usize, [&[f64]; 4], &mut [i32]) -> Result<OutRange, RetCode>;

/// Name, functions of the library, and how deep one body must reach into another where it asks.
macro_rules! patterns {
    ($($name:literal: $call:ident, $lookback:ident $(, $depth:literal)?;)*) => {
        /// The words for the patterns, in the order of [`PATTERNS`].
        const PATTERN_NAMES: &[&str] = &[$($name),*];

        const PATTERNS: &[Pattern] = &[$(Pattern {
            lookback: |core| core.$lookback($($depth)?),
            call: |core, start, end, [open, high, low, close], out| {
                core.$call(start, end, open, high, low, close, $($depth,)? out)
            },
        }),*];
    };
}

patterns! {
    "three_white_soldiers": cdl3whitesoldiers, cdl3whitesoldiers_lookback;
    "three_black_crows": cdl3blackcrows, cdl3blackcrows_lookback;
    "three_inside": cdl3inside, cdl3inside_lookback;
    "three_outside": cdl3outside, cdl3outside_lookback;
    "engulfing": cdlengulfing, cdlengulfing_lookback;
    "harami": cdlharami, cdlharami_lookback;
    "piercing": cdlpiercing, cdlpiercing_lookback;
    "dark_cloud_cover": cdldarkcloudcover, cdldarkcloudcover_lookback, 0.5;
    "morning_star": cdlmorningstar, cdlmorningstar_lookback, 0.3;
    "evening_star": cdleveningstar, cdleveningstar_lookback, 0.3;
    "hammer": cdlhammer, cdlhammer_lookback;
    "hanging_man": cdlhangingman, cdlhangingman_lookback;
    "inverted_hammer": cdlinvertedhammer, cdlinvertedhammer_lookback;
    "shooting_star": cdlshootingstar, cdlshootingstar_lookback;
    "doji": cdldoji, cdldoji_lookback;
    "marubozu": cdlmarubozu, cdlmarubozu_lookback;
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [pattern] = params(values)?;
    let pattern = PATTERNS.get(count_of(pattern)).ok_or(RetCode::BadParam)?;
    let Candles { open, high, low, close, .. } = inputs.candles;
    let core = Core::new();
    let call = |start, end, [values]: [&mut [f64]; 1]| {
        let mut whole = vec![0; values.len()];
        let range = (pattern.call)(&core, start, end, [open, high, low, close], &mut whole);
        for (value, whole) in values.iter_mut().zip(whole) {
            *value = f64::from(whole);
        }
        range
    };
    windows(close.len(), (pattern.lookback)(&core)?, call).map(Vec::from)
}
