//! The equity of a run as stretches between two events, never as one mark per candle.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::checked::{CheckedCandles, Span};

/// Candles at whose closes account and position are the same. The equity at each of these closes is
/// `balance + quantity * (close - entry_price)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Stretch {
    /// The candle after the last one of the stretch; it starts where the one before it ends.
    pub(super) end: usize,
    /// Cash, with all settled profits, fees and funding, account currency.
    pub(super) balance: f64,
    /// Units held, negative for a short position, 0 for none.
    pub(super) quantity: f64,
    /// Price of the entry fill; of no meaning without a position.
    pub(super) entry_price: f64,
    /// Whether the position was taken at the first of these closes: it was not held before, in the
    /// candle of that close.
    pub(super) entered_at_close: bool,
    /// Whether the position was left at the close after the last of these: it was held until then,
    /// in the candle of that close.
    pub(super) left_at_close: bool,
}

impl Stretch {
    /// The candles in which the position was held from open to close, if the stretch covers `bars`.
    pub(super) fn held(&self, bars: &Range<usize>) -> Range<usize> {
        if self.is_flat() {
            return bars.start..bars.start;
        }
        let start = bars.start + usize::from(self.entered_at_close);
        start..(bars.end + usize::from(self.left_at_close)).max(start)
    }

    /// Equity at a close, account currency.
    pub(super) fn equity(&self, close: f64) -> f64 {
        self.balance + self.quantity * (close - self.entry_price)
    }

    /// The worst and the best close for the position of those in `span`.
    pub(super) fn worst_and_best(&self, span: Span) -> [f64; 2] {
        if self.quantity < 0.0 { [span.high, span.low] } else { [span.low, span.high] }
    }

    /// Whether no position is held.
    pub(super) fn is_flat(&self) -> bool {
        self.quantity.abs() <= 0.0
    }
}

/// Equity at the close of every traded candle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Curve {
    start: usize,
    stretches: Vec<Stretch>,
}

impl Curve {
    /// An empty curve from candle `start` on, with room for so many stretches.
    pub(super) fn with_capacity(start: usize, stretches: usize) -> Self {
        Self { start, stretches: Vec::with_capacity(stretches) }
    }

    /// How many stretches there are.
    pub(super) fn len(&self) -> usize {
        self.stretches.len()
    }

    /// The candles covered so far.
    pub(super) fn bars(&self) -> Range<usize> {
        self.start..self.stretches.last().map_or(self.start, |stretch| stretch.end)
    }

    /// Appends a stretch; one that adds neither a close nor a candle held is dropped.
    pub(super) fn push(&mut self, stretch: Stretch) {
        if stretch.end > self.bars().end || stretch.left_at_close {
            self.stretches.push(stretch);
        }
    }

    /// The stretches with the candles they cover, oldest first.
    pub(super) fn stretches(&self) -> impl Iterator<Item = (Range<usize>, &Stretch)> {
        let mut start = self.start;
        self.stretches.iter().map(move |stretch| {
            let bars = start..stretch.end;
            start = stretch.end;
            (bars, stretch)
        })
    }

    /// Equity at the last close.
    pub(super) fn last(&self, candles: &CheckedCandles) -> Option<f64> {
        let stretch = self.stretches.last()?;
        candles.candles().close.get(stretch.end.checked_sub(1)?).map(|close| stretch.equity(*close))
    }

    /// Reads the curve from the first candle on.
    pub(super) fn reader<'a>(&'a self, candles: &'a CheckedCandles) -> Reader<'a> {
        Reader { start: self.start, rest: &self.stretches, candles }
    }
}

/// Reads a curve from the left to the right.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    start: usize,
    rest: &'a [Stretch],
    candles: &'a CheckedCandles,
}

/// The lowest or highest equity of some candles of one stretch.
#[derive(Debug, Clone, Copy)]
struct Extreme {
    start: usize,
    end: usize,
    /// The close that gives it; any of them if there is no position.
    close: Option<f64>,
    equity: f64,
}

impl Reader<'_> {
    /// Equity at the close of candle `bar`, which must not lie before the last one asked for;
    /// `None` outside the curve.
    pub(super) fn at(&mut self, bar: usize) -> Option<f64> {
        let stretch = *self.move_to(bar)?;
        self.candles.candles().close.get(bar).map(|close| stretch.equity(*close))
    }

    /// The first candle with the lowest and the first with the highest equity among `bars`, which
    /// must not start before the last candle asked for, each with its equity. Among closes of one
    /// stretch that give the same equity by rounding, the one furthest out counts.
    pub(super) fn extremes(&mut self, bars: Range<usize>) -> Option<[(usize, f64); 2]> {
        let mut found: Option<[Extreme; 2]> = None;
        let mut start = bars.start;
        while start < bars.end {
            let stretch = *self.move_to(start)?;
            let piece = start..stretch.end.min(bars.end);
            start = piece.end;
            let [low, high] = self.ends(&stretch, piece);
            found = Some(match found {
                None => [low, high],
                Some([lowest, highest]) => [
                    if low.equity < lowest.equity { low } else { lowest },
                    if high.equity > highest.equity { high } else { highest },
                ],
            });
        }
        found.map(|ends| ends.map(|end| (self.first_bar(&end), end.equity)))
    }

    /// The lowest and the highest equity of a piece of one stretch.
    fn ends(&self, stretch: &Stretch, bars: Range<usize>) -> [Extreme; 2] {
        let end = |close: Option<f64>| Extreme {
            start: bars.start,
            end: bars.end,
            close,
            equity: close.map_or(stretch.balance, |close| stretch.equity(close)),
        };
        if stretch.is_flat() {
            return [end(None), end(None)];
        }
        let closes = self.candles.close_extremes(bars.clone());
        stretch.worst_and_best(closes).map(|close| end(Some(close)))
    }

    /// The first candle at whose close the equity is that of `extreme`.
    fn first_bar(&self, extreme: &Extreme) -> usize {
        let bars = extreme.start..extreme.end;
        let found = extreme.close.and_then(|close| self.candles.first_close(bars, close));
        found.unwrap_or(extreme.start)
    }

    /// Drops the stretches that end at or before `bar`.
    fn move_to(&mut self, bar: usize) -> Option<&Stretch> {
        while let Some((stretch, rest)) = self.rest.split_first() {
            if bar < stretch.end {
                return (self.start <= bar).then_some(stretch);
            }
            (self.start, self.rest) = (stretch.end, rest);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::candles::Candles;

    fn any_curve() -> impl Strategy<Value = (CheckedCandles, Curve)> {
        let stretch = (1..90_usize, -2..3_i32, 90.0..110.0_f64);
        let closes = prop::collection::vec(90.0..110.0_f64, 1..500);
        (closes, prop::collection::vec(stretch, 1..20)).prop_map(|(closes, stretches)| {
            let mut candles = Candles::default();
            for (minute, close) in (0..).zip(&closes) {
                candles.push(minute * 60_000, [*close, *close, *close, *close, 1.0]);
            }
            let mut curve = Curve::with_capacity(0, 0);
            let mut end = 0;
            for (length, quantity, price) in stretches {
                end = (end + length).min(closes.len());
                let quantity = f64::from(quantity);
                curve.push(Stretch {
                    end,
                    balance: 10.0 * price,
                    quantity,
                    entry_price: price,
                    ..Stretch::default()
                });
            }
            let timeframe = "1m".parse().unwrap();
            (CheckedCandles::new(Arc::new(candles), timeframe).unwrap(), curve)
        })
    }

    proptest! {
        #[test]
        fn a_reader_finds_what_the_marks_of_all_closes_say(
            (candles, curve) in any_curve(), cuts in prop::collection::vec(0..500_usize, 0..6),
        ) {
            let closes = &candles.candles().close;
            let marks: Vec<f64> = curve
                .stretches()
                .flat_map(|(bars, stretch)| bars.map(|bar| stretch.equity(closes[bar])))
                .collect();
            let mut reader = curve.reader(&candles);
            for (bar, mark) in marks.iter().enumerate() {
                prop_assert_eq!(reader.at(bar), Some(*mark));
            }
            prop_assert_eq!(reader.at(marks.len()), None);
            prop_assert_eq!(curve.last(&candles), marks.last().copied());

            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(marks.len())).collect();
            cuts.sort_unstable();
            let mut reader = curve.reader(&candles);
            for pair in cuts.windows(2) {
                let part = &marks[pair[0]..pair[1]];
                let lowest = part.iter().copied().reduce(f64::min);
                let highest = part.iter().copied().reduce(f64::max);
                let found = reader.extremes(pair[0]..pair[1]);
                prop_assert_eq!(found.map(|[low, _]| low.1), lowest);
                prop_assert_eq!(found.map(|[_, high]| high.1), highest);
                for (bar, mark) in found.into_iter().flatten() {
                    prop_assert!((pair[0]..pair[1]).contains(&bar));
                    prop_assert_eq!(marks.get(bar).copied(), Some(mark));
                }
            }
        }
    }
}
