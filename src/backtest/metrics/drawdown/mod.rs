//! How far and how long the equity was below its highest close.

use std::ops::Range;

use crate::backtest::checked::{BLOCK, CheckedCandles, pieces};
use crate::backtest::curve::{Curve, Stretch};
use crate::domain::time::DAY_MS;

use super::count;

mod depth;
mod episode;
#[cfg(test)]
mod tests;

use depth::{Depth, LANES, span};
use episode::{Deepest, Episode, Place, Records};

/// Figures over the drawdown at every close.
///
/// A block of closes that lies below the peak as a whole is added up by its sums. That gives what
/// adding close by close gives, but for rounding.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawdown {
    /// The largest drawdown, 0 to 1.
    pub(super) deepest: f64,
    /// The largest difference to the peak, account currency.
    pub(super) money: f64,
    /// The largest drawdown with the adverse extremes of candles held, 0 to 1.
    pub(super) intrabar: f64,
    /// Root of the mean square.
    pub(super) ulcer: f64,
    /// Longest time from a peak until it was reached again or the run ended, days.
    pub(super) longest_days: f64,
    /// When the largest drawdown was.
    pub(super) times: Option<Times>,
}

/// Open times of the candles at whose closes the largest drawdown began and ended, milliseconds
/// since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// The last close at the peak; the first candle if the peak is the starting balance.
    pub(super) start: i64,
    /// The first of the lowest closes.
    pub(super) trough: i64,
    /// The first close back at the peak; `None` until the end.
    pub(super) recovery: Option<i64>,
}

impl Drawdown {
    /// Over all closes of `curve`, from `balance` on.
    pub(super) fn new(balance: f64, curve: &Curve, candles: &CheckedCandles) -> Self {
        let mut walk = Walk { candles, depth: Depth::new(balance), episode: Episode::new(curve) };
        for (bars, stretch) in curve.stretches() {
            if stretch.is_flat() {
                walk.flat(bars, stretch.balance);
            } else {
                walk.held(bars, stretch);
            }
        }
        walk.finish(&curve.bars())
    }
}

/// Depth and time, stretch by stretch.
struct Walk<'a> {
    candles: &'a CheckedCandles,
    depth: Depth,
    episode: Episode,
}

impl Walk<'_> {
    /// Candles of one equity.
    fn flat(&mut self, bars: Range<usize>, equity: f64) {
        if bars.is_empty() {
            return;
        }
        if self.depth.is_below(equity) {
            self.depth.add(equity, count(bars.len()));
            self.episode.sink(&self.depth, equity, Place { bars, close: None });
        } else {
            self.reach(bars.start, equity);
            self.episode.stay(bars.end - 1);
        }
    }

    /// Candles of one position.
    fn held(&mut self, bars: Range<usize>, stretch: &Stretch) {
        let held = stretch.held(&bars);
        let entered = bars.start..held.start.min(bars.end);
        self.closes(entered.clone(), stretch);
        for piece in pieces(entered.end..bars.end) {
            if !self.block(&piece, stretch) {
                self.groups(piece, stretch);
            }
        }
        for bar in held.start.max(bars.end)..held.end {
            self.inside(bar, stretch);
        }
    }

    /// Adds a whole block by its summary if all of it lies between nothing and the peak, and says
    /// whether it does.
    fn block(&mut self, bars: &Range<usize>, stretch: &Stretch) -> bool {
        let summary =
            self.candles.block_closes(bars.start).zip(self.candles.block_range(bars.start));
        let Some((closes, range)) = summary.filter(|_| bars.len() == BLOCK) else {
            return false;
        };
        let [worst, best] = stretch.worst_and_best(closes.span);
        let lowest = stretch.equity(worst);
        if lowest < 0.0 || !self.depth.is_below(stretch.equity(best)) {
            return false;
        }
        let [adverse, _] = stretch.worst_and_best(range);
        self.depth.add_inside(stretch.equity(adverse));
        self.depth.add_block(closes, stretch);
        self.episode.sink(&self.depth, lowest, Place { bars: bars.clone(), close: Some(worst) });
        true
    }

    /// Candles of one block, in groups that are added at once where they lie below the peak.
    fn groups(&mut self, bars: Range<usize>, stretch: &Stretch) {
        let columns = self.candles.candles();
        let column = if stretch.quantity < 0.0 { &columns.high } else { &columns.low };
        let [closes, adverse] =
            [&columns.close, column].map(|prices| prices.get(bars.clone()).unwrap_or_default());
        let mut bar = bars.start;
        for (closes, adverse) in closes.as_chunks().0.iter().zip(adverse.as_chunks().0) {
            self.group(bar, closes, adverse, stretch);
            bar += LANES;
        }
        for bar in bar..bars.end {
            self.inside(bar, stretch);
            self.closes(bar..bar + 1, stretch);
        }
    }

    fn group(
        &mut self,
        bar: usize,
        closes: &[f64; LANES],
        adverse: &[f64; LANES],
        stretch: &Stretch,
    ) {
        let bars = bar..bar + LANES;
        let [worst, best] = stretch.worst_and_best(span(closes));
        if self.depth.is_below(stretch.equity(best)) {
            let [adverse, _] = stretch.worst_and_best(span(adverse));
            self.depth.add_inside(stretch.equity(adverse));
            self.depth.add_group(&closes.map(|close| stretch.equity(close)));
            let place = Place { bars, close: Some(worst) };
            self.episode.sink(&self.depth, stretch.equity(worst), place);
        } else {
            for bar in bars {
                self.inside(bar, stretch);
                self.closes(bar..bar + 1, stretch);
            }
        }
    }

    /// The adverse extreme of a candle held.
    fn inside(&mut self, bar: usize, stretch: &Stretch) {
        let columns = self.candles.candles();
        let column = if stretch.quantity < 0.0 { &columns.high } else { &columns.low };
        if let Some(adverse) = column.get(bar) {
            self.depth.add_inside(stretch.equity(*adverse));
        }
    }

    /// Closes one by one.
    fn closes(&mut self, bars: Range<usize>, stretch: &Stretch) {
        let closes = self.candles.candles().close.get(bars.clone()).unwrap_or_default();
        for (bar, close) in bars.zip(closes) {
            let mark = stretch.equity(*close);
            if self.depth.is_below(mark) {
                self.depth.add(mark, 1.0);
                let place = Place { bars: bar..bar + 1, close: None };
                self.episode.sink(&self.depth, mark, place);
            } else {
                self.reach(bar, mark);
            }
        }
    }

    /// A close at or above the peak.
    fn reach(&mut self, bar: usize, mark: f64) {
        self.episode.recover(bar, self.candles);
        self.depth.rise(mark);
    }

    fn finish(self, bars: &Range<usize>) -> Drawdown {
        let Self { candles, depth, episode } = self;
        let Records { deepest, money, longest_ms } =
            episode.finish(bars.end.saturating_sub(1), candles);
        let share = deepest.as_ref().map_or(0.0, |deepest| deepest.share.min(1.0));
        let mean_square = if bars.is_empty() { 0.0 } else { depth.squares() / count(bars.len()) };
        Drawdown {
            deepest: share,
            money,
            intrabar: depth.inside().clamp(share, 1.0),
            ulcer: mean_square.sqrt(),
            longest_days: days(longest_ms),
            times: deepest.map(|deepest| times(&deepest, bars, candles)),
        }
    }
}

fn times(deepest: &Deepest, bars: &Range<usize>, candles: &CheckedCandles) -> Times {
    let time = |bar: usize| candles.candles().time.get(bar).copied().unwrap_or_default();
    Times {
        start: time(deepest.peak.unwrap_or(bars.start)),
        trough: time(deepest.trough.find(candles)),
        recovery: deepest.recovery.map(time),
    }
}

#[expect(clippy::cast_precision_loss, reason = "times of the years 1 to 9999 are below 2^53 ms")]
fn days(ms: i64) -> f64 {
    ms as f64 / DAY_MS as f64
}
