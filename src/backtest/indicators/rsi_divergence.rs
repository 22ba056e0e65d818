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
        let rows: Vec<Row> = rows
            .iter()
            .map(|[extreme, opposite, close, strength]| Row {
                extreme: *extreme,
                opposite: *opposite,
                close: *close,
                strength: *strength,
            })
            .collect();
        let bars = |values: Vec<f64>| {
            let bars = (2 * search.pivot..).zip(values);
            bars.filter(|(_, value)| *value > 0.0).map(|(bar, _)| bar).collect()
        };
        let (divergences, confirmed) = search.divergences(&rows);
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
