//! `rsi_divergence`: turning points at which the price goes on and its strength does not.

use crate::backtest::params::{count_of, number, period, whole};
use crate::backtest::rules::{rounding, wilder};
use crate::backtest::series::Series;
use crate::domain::candles::Candles;

use super::rsi::strength;
use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params, whole_period};

/// A pivot low is a candle whose low is below those of the `pivot` candles on both sides; it is known
/// only at the close of the last of them. `bullish` is 1 at the candle at which a pivot low is known
/// whose low is below that of the pivot low before it, not more than `distance_max` candles before it,
/// while its RSI(period) is above, and the earlier RSI is below `oversold`. `bullish_confirmed` is 1 at
/// the first close, at that candle or within `confirm_within` after it, above the highest high from the
/// one pivot to the other; a newer divergence replaces one that waits. `bearish` and
/// `bearish_confirmed` are the same upside down: pivot highs, a higher high with a lower RSI, the
/// earlier one above 100 − `oversold`, a close below the lowest low. At all other candles they are 0.
pub(in crate::backtest) static RSI_DIVERGENCE: IndicatorDefinition = IndicatorDefinition {
    name: "rsi_divergence",
    params: &[
        period("period", 14.0, 2.0),
        whole("pivot", 3.0, 1.0, 100.0),
        whole("distance_max", 60.0, 2.0, 1_000.0),
        number("oversold", 35.0, 0.0, 100.0),
        whole("confirm_within", 10.0, 0.0, 1_000.0),
    ],
    fields: &["bullish", "bearish", "bullish_confirmed", "bearish_confirmed"],
    input: Input::Candles,
    warmup,
    compute,
};

fn warmup(params: &[f64]) -> usize {
    match params {
        [period, pivot, distance_max, _, confirm_within] => {
            wilder(*period) + count_of(2.0 * pivot + distance_max + confirm_within)
        }
        _ => 0,
    }
}

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [period, pivot, distance_max, oversold, confirm_within] = params(values)?;
    let Candles { high, low, close, .. } = inputs.candles;
    let rsi = strength(close, whole_period(period)?)?;
    let search = Search {
        pivot: count_of(pivot),
        distance_max: count_of(distance_max),
        oversold,
        confirm_within: count_of(confirm_within),
    };
    let rows = high.iter().zip(low).zip(close).skip(rsi.first).zip(&rsi.values);
    let rising = rows.clone().map(|(((high, low), close), rsi)| Row {
        extreme: *low,
        opposite: *high,
        close: *close,
        strength: *rsi,
    });
    let falling = rows.map(|(((high, low), close), rsi)| Row {
        extreme: -high,
        opposite: -low,
        close: -close,
        strength: 100.0 - rsi,
    });
    let (bullish, bullish_confirmed) = search.divergences(&rising.collect::<Vec<_>>());
    let (bearish, bearish_confirmed) = search.divergences(&falling.collect::<Vec<_>>());
    let first = rsi.first + 2 * search.pivot;
    let fields = [bullish, bearish, bullish_confirmed, bearish_confirmed];
    Ok(fields.map(|values| Series { first, values }).into())
}

/// A candle as a search for bullish divergences sees it; for bearish ones, all upside down.
struct Row {
    extreme: f64,
    opposite: f64,
    close: f64,
    strength: f64,
}

struct Search {
    pivot: usize,
    distance_max: usize,
    oversold: f64,
    confirm_within: usize,
}

/// A divergence that waits for a close above a level.
struct Waiting {
    level: f64,
    until: usize,
}

impl Search {
    /// Where there is a divergence, and where one is confirmed: one value per candle at which a pivot
    /// can be known.
    fn divergences(&self, rows: &[Row]) -> (Vec<f64>, Vec<f64>) {
        let (mut found, mut confirmed) = (Vec::new(), Vec::new());
        let mut before: Option<(usize, &Row)> = None;
        let mut waiting: Option<Waiting> = None;
        for (window, bar) in rows.windows(2 * self.pivot + 1).zip(self.pivot..) {
            let now = bar + self.pivot;
            let pivot = self.pivot_of(window);
            let diverges = pivot.zip(before).filter(|(pivot, (earlier_bar, earlier))| {
                bar - earlier_bar <= self.distance_max && self.diverge(earlier, pivot)
            });
            if let Some((_, (earlier, _))) = diverges {
                let between = rows.get(earlier..=bar).unwrap_or_default();
                let level = between.iter().map(|row| row.opposite).fold(f64::MIN, f64::max);
                waiting = Some(Waiting { level, until: now + self.confirm_within });
            }
            let close = window.last().map_or(f64::MIN, |row| row.close);
            waiting = waiting.filter(|waiting| now <= waiting.until);
            let confirms = waiting.take_if(|waiting| close > waiting.level).is_some();
            found.push(f64::from(diverges.is_some()));
            confirmed.push(f64::from(confirms));
            before = pivot.map(|pivot| (bar, pivot)).or(before);
        }
        (found, confirmed)
    }

    /// The middle of the window, if it is lower than all others.
    fn pivot_of<'r>(&self, window: &'r [Row]) -> Option<&'r Row> {
        let (before, rest) = window.split_at_checked(self.pivot)?;
        let (pivot, after) = rest.split_first()?;
        let lowest = before.iter().chain(after).all(|row| pivot.extreme < row.extreme);
        lowest.then_some(pivot)
    }

    fn diverge(&self, earlier: &Row, pivot: &Row) -> bool {
        let stronger = pivot.strength - earlier.strength;
        pivot.extreme < earlier.extreme
            && stronger > rounding(pivot.strength, earlier.strength)
            && earlier.strength < self.oversold
    }
}
