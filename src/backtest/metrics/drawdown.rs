//! How far and how long the equity was below its highest close.

use crate::domain::time::DAY_MS;

use super::count;

/// Figures over the drawdown at every close.
pub(super) struct Drawdown {
    /// The largest drawdown, 0 to 1.
    pub(super) deepest: f64,
    /// Root of the mean square.
    pub(super) ulcer: f64,
    /// Longest time from a peak until it was reached again or the run ended, days.
    pub(super) longest_days: f64,
}

/// Closes looked at together; almost every block lies below the peak as a whole.
const BLOCK: usize = 8;

impl Drawdown {
    /// `equity` and `times` (opens, milliseconds) have one entry per candle.
    pub(super) fn new(balance: f64, equity: &[f64], times: &[i64], candle_ms: i64) -> Self {
        let mut depth = Depth::new(balance);
        let mut time = TimeUnderWater::new(times, candle_ms);
        let (mark_blocks, mark_rest) = equity.as_chunks::<BLOCK>();
        let (time_blocks, time_rest) = times.as_chunks::<BLOCK>();
        for (marks, times) in mark_blocks.iter().zip(time_blocks) {
            let peak = depth.peak;
            if marks.iter().fold(true, |all, mark| all & (*mark < peak)) {
                depth.add_below(marks);
                time.below = true;
            } else {
                for (mark, at) in marks.iter().zip(times) {
                    time.add(depth.add(*mark), *at);
                }
            }
        }
        for (mark, at) in mark_rest.iter().zip(time_rest) {
            time.add(depth.add(*mark), *at);
        }
        let squares = depth.squares.iter().fold(0.0, |sum, lane| sum + lane);
        let mean_square = if equity.is_empty() { 0.0 } else { squares / count(equity.len()) };
        Self {
            deepest: depth.deepest.iter().copied().fold(0.0, f64::max).min(1.0),
            ulcer: mean_square.sqrt(),
            longest_days: days(time.longest_ms(times.last().copied())),
        }
    }
}

/// How far below the peak. Each place in a block has sums of its own, so that a block is added at
/// once; the order of additions is fixed all the same.
struct Depth {
    peak: f64,
    per_peak: f64,
    deepest: [f64; BLOCK],
    squares: [f64; BLOCK],
}

impl Depth {
    fn new(balance: f64) -> Self {
        let none = [0.0; BLOCK];
        Self { peak: balance, per_peak: 1.0 / balance, deepest: none, squares: none }
    }

    /// A block of closes that all lie below the peak.
    fn add_below(&mut self, marks: &[f64; BLOCK]) {
        let lanes = self.deepest.iter_mut().zip(&mut self.squares);
        for ((deepest, squares), mark) in lanes.zip(marks) {
            let drawdown = 1.0 - mark * self.per_peak;
            *deepest = if drawdown > *deepest { drawdown } else { *deepest };
            *squares += drawdown * drawdown;
        }
    }

    /// One close; whether it lies below the peak.
    fn add(&mut self, mark: f64) -> bool {
        let [deepest, ..] = &mut self.deepest;
        let [squares, ..] = &mut self.squares;
        if mark < self.peak {
            let drawdown = 1.0 - mark * self.per_peak;
            *deepest = deepest.max(drawdown);
            *squares += drawdown * drawdown;
            return true;
        }
        if mark > self.peak {
            (self.peak, self.per_peak) = (mark, 1.0 / mark);
        }
        false
    }
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
    use super::*;

    #[test]
    fn depth_and_time_under_water_follow_the_highest_close() {
        let equity = [110.0, 99.0, 88.0, 110.0, 121.0, 110.0];
        let times: Vec<i64> = (0..6).map(|day| day * DAY_MS).collect();
        let drawdown = Drawdown::new(100.0, &equity, &times, DAY_MS);
        assert!((drawdown.deepest - 0.2).abs() < 1e-12);
        assert!((drawdown.longest_days - 3.0).abs() < 1e-12);
        let mean_square = (0.01 + 0.04 + (11.0_f64 / 121.0).powi(2)) / 6.0;
        assert!((drawdown.ulcer - mean_square.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_loss_at_the_first_close_is_measured_from_the_balance() {
        let drawdown = Drawdown::new(100.0, &[90.0, 95.0], &[0, DAY_MS], DAY_MS);
        assert!((drawdown.deepest - 0.1).abs() < 1e-12);
        assert!((drawdown.longest_days - 2.0).abs() < 1e-12);
    }

    #[test]
    fn blocks_below_the_peak_count_like_single_closes() {
        let equity: Vec<f64> = (0..100).map(|i| 70.0 + f64::from(i * 29 % 61)).collect();
        let times: Vec<i64> = (0..100).map(|day| day * DAY_MS).collect();
        let (mut peak, mut deepest, mut squares) = (100.0_f64, 0.0_f64, 0.0);
        for mark in &equity {
            peak = peak.max(*mark);
            deepest = deepest.max(1.0 - mark / peak);
            squares += (1.0 - mark / peak).powi(2);
        }
        let drawdown = Drawdown::new(100.0, &equity, &times, DAY_MS);
        assert!((drawdown.deepest - deepest).abs() < 1e-12);
        assert!((drawdown.ulcer - (squares / 100.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn debt_is_a_drawdown_of_everything() {
        assert!((Drawdown::new(100.0, &[-50.0], &[0], 1).deepest - 1.0).abs() < 1e-12);
    }
}
