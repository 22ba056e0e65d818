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
    let [high, low, close] =
        [high, low, close].map(|column| column.get(rsi.first..).unwrap_or_default());
    let upright = Side { low, high, close, strength: &rsi.values };
    let [above, below, closes] = [high, low, close].map(|column| mirrored(column, 0.0));
    let strengths = mirrored(&rsi.values, 100.0);
    let upside_down = Side { low: &above, high: &below, close: &closes, strength: &strengths };
    let (bullish, bullish_confirmed) = search.divergences(&upright);
    let (bearish, bearish_confirmed) = search.divergences(&upside_down);
    let first = rsi.first + 2 * search.pivot;
    let fields = [bullish, bearish, bullish_confirmed, bearish_confirmed];
    Ok(fields.map(|values| Series { first, values }).into())
}

fn mirrored(column: &[f64], sum: f64) -> Vec<f64> {
    column.iter().map(|value| sum - value).collect()
}

/// Columns as a search for bullish divergences sees them; for bearish ones, all upside down.
struct Side<'a> {
    low: &'a [f64],
    high: &'a [f64],
    close: &'a [f64],
    strength: &'a [f64],
}

struct Search {
    pivot: usize,
    distance_max: usize,
    oversold: f64,
    confirm_within: usize,
}

/// Two pivots that diverge.
struct Divergence {
    /// The candle at which the second is known.
    known: usize,
    /// The highest high from the one to the other.
    level: f64,
}

impl Search {
    /// Where there is a divergence, and where one is confirmed: one value per candle at which a pivot
    /// can be known.
    fn divergences(&self, side: &Side<'_>) -> (Vec<f64>, Vec<f64>) {
        let pivots = self.pivots(side.low);
        let pairs = pivots.iter().zip(pivots.iter().skip(1));
        let found: Vec<Divergence> =
            pairs.filter_map(|(earlier, later)| self.divergence(side, *earlier, *later)).collect();
        // A newer one replaces one that waits.
        let ends = found.iter().skip(1).map(|next| next.known).chain([side.close.len()]);
        let confirmed = found.iter().zip(ends).filter_map(|(divergence, end)| {
            let end = end.min(divergence.known + self.confirm_within + 1);
            let closes = side.close.get(divergence.known..end)?;
            let waited = closes.iter().position(|close| *close > divergence.level)?;
            Some(divergence.known + waited)
        });
        let len = side.low.len();
        let known = found.iter().map(|divergence| divergence.known);
        (self.marks(known, len), self.marks(confirmed, len))
    }

    /// The candles whose low is below those on both sides of it.
    fn pivots(&self, lows: &[f64]) -> Vec<usize> {
        let lowest = |window: &[f64]| {
            let (before, rest) = window.split_at_checked(self.pivot)?;
            let (low, after) = rest.split_first()?;
            Some(before.iter().chain(after).all(|other| low < other))
        };
        let windows = lows.windows(2 * self.pivot + 1).zip(self.pivot..);
        windows.filter(|(window, _)| lowest(window) == Some(true)).map(|(_, bar)| bar).collect()
    }

    fn divergence(&self, side: &Side<'_>, earlier: usize, later: usize) -> Option<Divergence> {
        let at = |column: &[f64]| Some((*column.get(earlier)?, *column.get(later)?));
        let (earlier_low, low) = at(side.low)?;
        let (earlier_strength, strength) = at(side.strength)?;
        let diverges = later - earlier <= self.distance_max
            && low < earlier_low
            && strength - earlier_strength > rounding(strength, earlier_strength)
            && earlier_strength < self.oversold;
        let highs = side.high.get(earlier..=later)?;
        let level = highs.iter().copied().fold(f64::MIN, f64::max);
        diverges.then_some(Divergence { known: later + self.pivot, level })
    }

    /// 1 at these candles and 0 at all others at which a pivot can be known.
    fn marks(&self, bars: impl Iterator<Item = usize>, len: usize) -> Vec<f64> {
        let first = 2 * self.pivot;
        let mut marks = vec![0.0; len.saturating_sub(first)];
        for bar in bars {
            if let Some(mark) = bar.checked_sub(first).and_then(|index| marks.get_mut(index)) {
                *mark = 1.0;
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::walk;
    use super::*;

    const SEARCH: Search = Search { pivot: 1, distance_max: 3, oversold: 35.0, confirm_within: 2 };

    /// Low, high, close, strength: pivot lows at 1 and 4, known at 2 and 5; the second is lower and
    /// stronger. The highest high from the one to the other is 13, first exceeded by a close at 7.
    const ROWS: [[f64; 4]; 8] = [
        [10.0, 14.0, 11.0, 50.0],
        [8.0, 10.0, 9.0, 30.0],
        [9.0, 13.0, 12.0, 45.0],
        [9.5, 12.0, 10.0, 44.0],
        [7.0, 9.0, 8.0, 33.0],
        [9.0, 12.5, 12.0, 40.0],
        [9.5, 14.0, 13.0, 50.0],
        [10.0, 15.0, 14.0, 55.0],
    ];

    /// The candles with a divergence, and those at which one is confirmed.
    fn found(search: &Search, rows: &[[f64; 4]]) -> (Vec<usize>, Vec<usize>) {
        let [low, high, close, strength] =
            [0, 1, 2, 3].map(|column| rows.iter().map(|row| row[column]).collect::<Vec<_>>());
        let side = Side { low: &low, high: &high, close: &close, strength: &strength };
        let bars = |values: Vec<f64>| {
            let bars = (2 * search.pivot..).zip(values);
            bars.filter(|(_, value)| *value > 0.0).map(|(bar, _)| bar).collect()
        };
        let (divergences, confirmed) = search.divergences(&side);
        assert_eq!(divergences.len(), rows.len() - 2 * search.pivot);
        (bars(divergences), bars(confirmed))
    }

    fn changed(bar: usize, column: usize, value: f64) -> [[f64; 4]; 8] {
        let mut rows = ROWS;
        rows[bar][column] = value;
        rows
    }

    #[test]
    fn a_divergence_is_said_where_its_pivot_is_known_and_confirmed_by_a_close_above_the_high() {
        assert_eq!(found(&SEARCH, &ROWS), (vec![5], vec![7]));
        assert_eq!(found(&SEARCH, &changed(5, 2, 13.1)), (vec![5], vec![5]));
        assert_eq!(found(&Search { confirm_within: 1, ..SEARCH }, &ROWS), (vec![5], vec![]));
        assert_eq!(found(&SEARCH, &ROWS[..5]), (vec![], vec![]));
    }

    #[test]
    fn without_a_lower_low_a_higher_strength_a_weak_start_or_nearness_there_is_none() {
        let none = (vec![], vec![]);
        assert_eq!(found(&SEARCH, &changed(4, 0, 8.0)), none);
        assert_eq!(found(&SEARCH, &changed(4, 3, 30.0)), none);
        assert_eq!(found(&SEARCH, &changed(1, 3, 35.0)), none);
        assert_eq!(found(&SEARCH, &changed(3, 0, 7.0)), none);
        assert_eq!(found(&Search { distance_max: 2, ..SEARCH }, &ROWS), none);
    }

    #[test]
    fn upside_down_what_was_bullish_is_bearish() {
        let upright = walk(3_000, 1.0);
        let upside_down = |prices: &[f64]| prices.iter().map(|price| 200_000.0 - price).collect();
        let mirrored = Candles {
            time: upright.time.clone(),
            open: upside_down(&upright.open),
            high: upside_down(&upright.low),
            low: upside_down(&upright.high),
            close: upside_down(&upright.close),
            volume: upright.volume.clone(),
        };
        let fields = |candles: &Candles| {
            let params = [6.0, 2.0, 60.0, 50.0, 10.0];
            compute(&Inputs { candles, source: &candles.close }, &params).unwrap()
        };
        let (upright, mirrored) = (fields(&upright), fields(&mirrored));
        for (found, expected) in upright.iter().zip([1, 0, 3, 2]) {
            assert_eq!(*found, mirrored[expected]);
            assert!(found.values.iter().sum::<f64>() > 5.0);
        }
    }
}
