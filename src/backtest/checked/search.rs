//! The search for the first candle that touches one of two price levels.

use std::ops::Range;

use crate::domain::candles::Candles;

use super::span::{LANES, Span, Spans};

/// A price below and one above, which may come closer after each close.
pub(in crate::backtest) trait Levels {
    /// Whether they ever move.
    const MOVE: bool;

    /// The lower and the upper one, now.
    fn now(&self) -> (f64, f64);

    /// How close they can get by some of the closes in this span.
    fn reach(&self, closes: Span) -> (f64, f64);

    /// Moves them after closes with this span.
    fn follow(&mut self, closes: Span);
}

/// Levels that stay where they are.
#[derive(Debug, Clone, Copy)]
pub(in crate::backtest) struct Fixed {
    /// The lower one.
    pub(in crate::backtest) below: f64,
    /// The upper one.
    pub(in crate::backtest) above: f64,
}

impl Levels for Fixed {
    const MOVE: bool = false;

    fn now(&self) -> (f64, f64) {
        (self.below, self.above)
    }

    fn reach(&self, _closes: Span) -> (f64, f64) {
        self.now()
    }

    fn follow(&mut self, _closes: Span) {}
}

/// Low, high and close of some candles.
#[derive(Debug, Clone, Copy)]
struct Columns<'a> {
    lows: &'a [f64],
    highs: &'a [f64],
    closes: &'a [f64],
}

impl<'a> Columns<'a> {
    fn of(candles: &'a Candles, bars: Range<usize>) -> Option<Self> {
        Some(Self {
            lows: candles.low.get(bars.clone())?,
            highs: candles.high.get(bars.clone())?,
            closes: candles.close.get(bars)?,
        })
    }
}

/// A search that goes on from candle to candle, and knows the span of those it has left behind.
#[derive(Debug)]
pub(super) struct Search<'a, L> {
    levels: &'a mut L,
    groups: Spans,
    singles: Span,
}

impl<'a, L: Levels> Search<'a, L> {
    pub(super) fn new(levels: &'a mut L) -> Self {
        Self { levels, groups: Spans::NONE, singles: Span::NONE }
    }

    /// The span of all candles that were no touch.
    pub(super) fn seen(&self) -> Span {
        self.groups.all().and(self.singles)
    }

    /// Leaves candles behind by their span and that of their closes, if none of them can be a touch;
    /// says whether it did.
    pub(super) fn skip(&mut self, range: Span, closes: Span) -> bool {
        let (below, above) = self.levels.reach(closes);
        if range.touches(below, above) {
            return false;
        }
        self.levels.follow(closes);
        self.singles = self.singles.and(range);
        true
    }

    /// The first of `bars` that is a touch.
    pub(super) fn first_touch(&mut self, candles: &Candles, bars: Range<usize>) -> Option<usize> {
        let start = bars.start;
        self.first_touch_in(Columns::of(candles, bars)?).map(|at| start + at)
    }

    /// The position of the first of these candles that is a touch.
    fn first_touch_in(&mut self, columns: Columns<'_>) -> Option<usize> {
        let (lows, low_rest) = columns.lows.as_chunks::<LANES>();
        let (highs, high_rest) = columns.highs.as_chunks::<LANES>();
        let (closes, close_rest) = columns.closes.as_chunks::<LANES>();
        let mut groups = self.groups;
        let mut start = 0;
        for ((lows, highs), closes) in lows.iter().zip(highs).zip(closes) {
            let reached = if L::MOVE { Span::over(closes, closes) } else { Span::NONE };
            let (below, above) = self.levels.reach(reached);
            if any_touch(lows, highs, below, above) {
                if let Some(at) = self.one_by_one(Columns { lows, highs, closes }) {
                    self.groups = groups;
                    return Some(start + at);
                }
            } else {
                self.levels.follow(reached);
                groups.add(lows, highs);
            }
            start += LANES;
        }
        self.groups = groups;
        let rest = Columns { lows: low_rest, highs: high_rest, closes: close_rest };
        self.one_by_one(rest).map(|at| start + at)
    }

    fn one_by_one(&mut self, columns: Columns<'_>) -> Option<usize> {
        let rows = columns.lows.iter().zip(columns.highs).zip(columns.closes);
        for (at, ((low, high), close)) in rows.enumerate() {
            let (below, above) = self.levels.now();
            let range = Span { low: *low, high: *high };
            if range.touches(below, above) {
                return Some(at);
            }
            self.singles = self.singles.and(range);
            self.levels.follow(Span { low: *close, high: *close });
        }
        None
    }
}

fn any_touch(lows: &[f64; LANES], highs: &[f64; LANES], below: f64, above: f64) -> bool {
    let touched = |(low, high): (&f64, &f64)| (*low <= below) | (*high >= above);
    lows.iter().zip(highs).fold(false, |any, row| any | touched(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level two below the highest close, and none above.
    struct Below(f64);

    impl Levels for Below {
        const MOVE: bool = true;

        fn now(&self) -> (f64, f64) {
            (self.0 - 2.0, f64::INFINITY)
        }

        fn reach(&self, closes: Span) -> (f64, f64) {
            (self.0.max(closes.high) - 2.0, f64::INFINITY)
        }

        fn follow(&mut self, closes: Span) {
            self.0 = self.0.max(closes.high);
        }
    }

    fn found(closes: &[f64], lows: &[f64]) -> (Option<usize>, Span) {
        let mut levels = Below(10.0);
        let mut search = Search::new(&mut levels);
        let at = search.first_touch_in(Columns { lows, highs: closes, closes });
        (at, search.seen())
    }

    #[test]
    fn a_close_moves_the_levels_for_the_candles_after_it_only() {
        // The first candle falls to 10.5 and closes at 13: only a later 10.5 is a touch.
        let closes = [13.0; 10];
        let lows = [10.5, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0, 10.5];
        assert_eq!(found(&closes, &lows), (Some(9), Span { low: 10.5, high: 13.0 }));
        assert_eq!(found(&closes[..9], &lows[..9]).0, None);
        assert_eq!(found(&closes, &[11.0; 10]).0, Some(1));
    }

    #[test]
    fn what_is_skipped_moves_the_levels_and_counts_as_seen() {
        let mut levels = Below(10.0);
        let mut search = Search::new(&mut levels);
        assert!(!search.skip(Span { low: 9.0, high: 12.0 }, Span { low: 10.0, high: 11.5 }));
        assert!(search.skip(Span { low: 10.0, high: 12.0 }, Span { low: 10.0, high: 11.5 }));
        assert_eq!(search.seen(), Span { low: 10.0, high: 12.0 });
        assert_eq!(levels.now().0.to_bits(), 9.5_f64.to_bits());
    }
}
