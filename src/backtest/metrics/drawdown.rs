//! How far and how long the equity was below its highest close.

use std::ops::Range;

use crate::backtest::checked::{BLOCK, CheckedCandles, Closes, pieces};
use crate::backtest::curve::{Curve, Stretch};
use crate::domain::time::DAY_MS;

use super::count;

/// Figures over the drawdown at every close.
///
/// A block of closes that lies below the peak as a whole is added up by its sums. That gives what
/// adding close by close gives, but for rounding.
pub(super) struct Drawdown {
    /// The largest drawdown, 0 to 1.
    pub(super) deepest: f64,
    /// Root of the mean square.
    pub(super) ulcer: f64,
    /// Longest time from a peak until it was reached again or the run ended, days.
    pub(super) longest_days: f64,
}

/// Closes looked at together; most lie below the peak as a whole.
const LANES: usize = 8;

impl Drawdown {
    /// Over all closes of `curve`, from `balance` on.
    pub(super) fn new(balance: f64, curve: &Curve, candles: &CheckedCandles) -> Self {
        let bars = curve.bars();
        let times = candles.candles().time.get(bars.clone()).unwrap_or_default();
        let mut walk = Walk {
            candles,
            depth: Depth::new(balance),
            time: TimeUnderWater::new(times, candles.timeframe().length_ms()),
        };
        for (bars, stretch) in curve.stretches() {
            if stretch.is_flat() {
                walk.flat(bars, stretch.balance);
            } else {
                pieces(bars).for_each(|piece| walk.held(piece, stretch));
            }
        }
        let squares = walk.depth.squares.iter().fold(0.0, |sum, lane| sum + lane);
        let mean_square = if bars.is_empty() { 0.0 } else { squares / count(bars.len()) };
        Self {
            deepest: walk.depth.deepest.iter().copied().fold(0.0, f64::max),
            ulcer: mean_square.sqrt(),
            longest_days: days(walk.time.longest_ms(times.last().copied())),
        }
    }
}

/// Depth and time, stretch by stretch.
struct Walk<'a> {
    candles: &'a CheckedCandles,
    depth: Depth,
    time: TimeUnderWater,
}

impl Walk<'_> {
    /// Candles of one equity.
    fn flat(&mut self, bars: Range<usize>, equity: f64) {
        let below = self.depth.add_same(equity, bars.len());
        for bar in [bars.start, bars.end - 1] {
            self.time.add(below, self.time_of(bar));
        }
    }

    /// Candles of one stretch and one block.
    fn held(&mut self, bars: Range<usize>, stretch: &Stretch) {
        if let Some(closes) = self.candles.block_closes(bars.start).filter(|_| bars.len() == BLOCK)
            && self.depth.add_block(closes, stretch)
        {
            self.time.below = true;
            return;
        }
        let closes = self.candles.candles().close.get(bars.clone()).unwrap_or_default();
        let (groups, rest) = closes.as_chunks::<LANES>();
        let mut bar = bars.start;
        for group in groups {
            if self.depth.add_below(&group.map(|close| stretch.equity(close))) {
                self.time.below = true;
            } else {
                self.one_by_one(bar, group, stretch);
            }
            bar += LANES;
        }
        self.one_by_one(bar, rest, stretch);
    }

    fn one_by_one(&mut self, start: usize, closes: &[f64], stretch: &Stretch) {
        for (bar, close) in (start..).zip(closes) {
            let below = self.depth.add_same(stretch.equity(*close), 1);
            self.time.add(below, self.time_of(bar));
        }
    }

    fn time_of(&self, bar: usize) -> i64 {
        self.candles.candles().time.get(bar).copied().unwrap_or_default()
    }
}

/// How far below the peak. Each place in a group has sums of its own, so that a group is added at
/// once; the order of additions is fixed all the same.
struct Depth {
    peak: f64,
    per_peak: f64,
    deepest: [f64; LANES],
    squares: [f64; LANES],
}

impl Depth {
    fn new(balance: f64) -> Self {
        let none = [0.0; LANES];
        Self { peak: balance, per_peak: 1.0 / balance, deepest: none, squares: none }
    }

    /// Adds a group of closes if all of them lie below the peak, and says whether they do.
    fn add_below(&mut self, marks: &[f64; LANES]) -> bool {
        if !marks.iter().fold(true, |all, mark| all & (*mark < self.peak)) {
            return false;
        }
        let lanes = self.deepest.iter_mut().zip(&mut self.squares);
        for ((deepest, squares), mark) in lanes.zip(marks) {
            let drawdown = at_most_all(1.0 - mark * self.per_peak);
            *deepest = if drawdown > *deepest { drawdown } else { *deepest };
            *squares += drawdown * drawdown;
        }
        true
    }

    /// Adds a block if all of it lies between nothing and the peak, and says whether it does.
    ///
    /// Σ (1 − E/peak)² with E = equity at the centre + quantity · (close − centre).
    fn add_block(&mut self, closes: &Closes, stretch: &Stretch) -> bool {
        let ends = [closes.span.low, closes.span.high].map(|close| stretch.equity(close));
        let lowest = ends.iter().copied().fold(f64::INFINITY, f64::min);
        if !ends.iter().all(|mark| (0.0..self.peak).contains(mark)) {
            return false;
        }
        let [deepest, ..] = &mut self.deepest;
        let [squares, ..] = &mut self.squares;
        *deepest = deepest.max(1.0 - lowest * self.per_peak);
        let at_centre = 1.0 - stretch.equity(closes.centre) * self.per_peak;
        let slope = stretch.quantity * self.per_peak;
        *squares += count(BLOCK) * at_centre * at_centre - 2.0 * at_centre * slope * closes.sum
            + slope * slope * closes.squares;
        true
    }

    /// Adds one equity at `closes` closes; whether it lies below the peak.
    fn add_same(&mut self, mark: f64, closes: usize) -> bool {
        let [deepest, ..] = &mut self.deepest;
        let [squares, ..] = &mut self.squares;
        if mark < self.peak {
            let drawdown = at_most_all(1.0 - mark * self.per_peak);
            *deepest = deepest.max(drawdown);
            *squares += drawdown * drawdown * count(closes);
            return true;
        }
        if mark > self.peak {
            (self.peak, self.per_peak) = (mark, 1.0 / mark);
        }
        false
    }
}

/// Debts are no deeper a drawdown than losing everything.
fn at_most_all(drawdown: f64) -> f64 {
    if drawdown > 1.0 { 1.0 } else { drawdown }
}

/// How long below the peak.
struct TimeUnderWater {
    peak_ms: i64,
    longest_ms: i64,
    below: bool,
}

impl TimeUnderWater {
    /// The balance was there when the first candle opened, as if a candle had just closed.
    fn new(times: &[i64], candle_ms: i64) -> Self {
        let peak_ms = times.first().map_or(0, |first| first - candle_ms);
        Self { peak_ms, longest_ms: 0, below: false }
    }

    fn add(&mut self, below: bool, at_ms: i64) {
        if !below {
            if self.below {
                self.longest_ms = self.longest_ms.max(at_ms - self.peak_ms);
            }
            self.peak_ms = at_ms;
        }
        self.below = below;
    }

    /// With a run that ends under water counted until its last candle.
    fn longest_ms(&self, last_ms: Option<i64>) -> i64 {
        let unfinished = last_ms.filter(|_| self.below).map_or(0, |last| last - self.peak_ms);
        self.longest_ms.max(unfinished)
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of the years 1 to 9999 are below 2^53 ms")]
fn days(ms: i64) -> f64 {
    ms as f64 / DAY_MS as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::candles::Candles;

    /// One unit held at an entry price of 0 from a balance of 0: the equity is the close.
    fn held(equity: &[f64]) -> Drawdown {
        drawdown(
            equity,
            |bar, _| Stretch { end: bar + 1, balance: 0.0, quantity: 1.0, entry_price: 0.0 },
            1,
        )
    }

    /// Daily candles of these closes under a curve of stretches as long as `step`.
    fn drawdown(closes: &[f64], stretch: impl Fn(usize, f64) -> Stretch, step: usize) -> Drawdown {
        let mut candles = Candles::default();
        for (day, close) in (0..).zip(closes) {
            candles.push(day * DAY_MS, [*close, *close, *close, *close, 1.0]);
        }
        let candles = CheckedCandles::new(Arc::new(candles), "1d".parse().unwrap()).unwrap();
        let mut curve = Curve::new(0);
        for (bar, close) in closes.iter().enumerate() {
            if (bar + 1) % step == 0 || bar + 1 == closes.len() {
                curve.push(stretch(bar, *close));
            }
        }
        Drawdown::new(100.0, &curve, &candles)
    }

    #[test]
    fn depth_and_time_under_water_follow_the_highest_close() {
        let drawdown = held(&[110.0, 99.0, 88.0, 110.0, 121.0, 110.0]);
        assert!((drawdown.deepest - 0.2).abs() < 1e-12);
        assert!((drawdown.longest_days - 3.0).abs() < 1e-12);
        let mean_square = (0.01 + 0.04 + (11.0_f64 / 121.0).powi(2)) / 6.0;
        assert!((drawdown.ulcer - mean_square.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_loss_at_the_first_close_is_measured_from_the_balance() {
        let drawdown = held(&[90.0, 95.0]);
        assert!((drawdown.deepest - 0.1).abs() < 1e-12);
        assert!((drawdown.longest_days - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_flat_stretch_counts_like_its_candles() {
        let flat = |bar: usize, close: f64| Stretch {
            end: bar + 1,
            balance: close,
            quantity: 0.0,
            entry_price: 0.0,
        };
        let equity = [[90.0; 3], [105.0; 3], [84.0; 3]].concat();
        let (whole, single) = (drawdown(&equity, flat, 3), held(&equity));
        assert!((whole.deepest - 0.2).abs() < 1e-12);
        assert!((whole.longest_days - 4.0).abs() < 1e-12, "{}", whole.longest_days);
        assert!((whole.longest_days - single.longest_days).abs() < 1e-12);
        assert!((whole.ulcer - single.ulcer).abs() < 1e-12);
    }

    #[test]
    fn blocks_below_the_peak_count_like_single_closes() {
        let equity: Vec<f64> = (0..300).map(|i| 70.0 + f64::from(i * 29 % 61)).collect();
        let (mut peak, mut deepest, mut squares) = (100.0_f64, 0.0_f64, 0.0);
        for mark in &equity {
            peak = peak.max(*mark);
            deepest = deepest.max(1.0 - mark / peak);
            squares += (1.0 - mark / peak).powi(2);
        }
        let one = |bar: usize, _| Stretch {
            end: bar + 1,
            balance: 40.0,
            quantity: 1.0,
            entry_price: 40.0,
        };
        for step in [1, 37, 300] {
            let drawdown = drawdown(&equity, one, step);
            assert!((drawdown.deepest - deepest).abs() < 1e-12);
            assert!((drawdown.ulcer - (squares / 300.0).sqrt()).abs() < 1e-12);
        }
    }

    #[test]
    fn debt_is_a_drawdown_of_everything() {
        let debt = |bar: usize, _| Stretch {
            end: bar + 1,
            balance: -50.0,
            quantity: 0.0,
            entry_price: 0.0,
        };
        let drawdown = drawdown(&[1.0], debt, 1);
        assert!((drawdown.deepest - 1.0).abs() < 1e-12);
        assert!((drawdown.ulcer - 1.0).abs() < 1e-12);
    }
}
