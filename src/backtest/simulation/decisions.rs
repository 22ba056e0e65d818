//! What the signals ask for at each close, once contradictions are taken out.

use serde::{Deserialize, Serialize};

use crate::backtest::bits::Bits;
use crate::backtest::signals::Signals;
use crate::backtest::trade::Side;
use crate::backtest::variant::OnOpposite;

/// Entries and exits of a run, by the candle on whose close they are decided.
///
/// An exit beats an entry of its own side at the same close, and entries on both sides at one close
/// cancel each other.
#[derive(Debug)]
pub(super) struct Decisions {
    entries: Bits,
    long_entries: Bits,
    leave_long: Bits,
    leave_short: Bits,
}

impl Decisions {
    /// What `signals` ask for at the closes of `candles` candles.
    pub(super) fn new(signals: &Signals, candles: usize, on_opposite: OnOpposite) -> Self {
        let heeded = if on_opposite == OnOpposite::Ignore { 0 } else { u64::MAX };
        let mut sets = [(); 4].map(|()| Vec::with_capacity(Bits::words(candles)));
        let [entries, long_entries, leave_long, leave_short] = &mut sets;
        for index in 0..Bits::words(candles) {
            let asked = Asked::of(signals, index);
            entries.push(asked.long_entry | asked.short_entry);
            long_entries.push(asked.long_entry);
            leave_long.push(asked.long_exit | asked.short_entry & heeded);
            leave_short.push(asked.short_exit | asked.long_entry & heeded);
        }
        let [entries, long_entries, leave_long, leave_short] =
            sets.map(|words| Bits::from_words(words, candles));
        Self { entries, long_entries, leave_long, leave_short }
    }

    /// How often an entry is asked for.
    pub(super) fn entry_count(&self) -> usize {
        self.entries.count()
    }

    /// The first close from `bar` on at which an entry is asked for.
    pub(super) fn next_entry(&self, bar: usize) -> Option<usize> {
        self.entries.next(bar)
    }

    /// The side on which an entry is asked for at a close.
    pub(super) fn entry(&self, close: usize) -> Option<Side> {
        let side = if self.long_entries.contains(close) { Side::Long } else { Side::Short };
        self.entries.contains(close).then_some(side)
    }

    /// The first close from `bar` on at which a position on `side` is to be left, by an exit or by
    /// an entry on the other side that is not to be ignored.
    fn next_leave(&self, side: Side, bar: usize) -> Option<usize> {
        match side {
            Side::Long => self.leave_long.next(bar),
            Side::Short => self.leave_short.next(bar),
        }
    }
}

/// The next close at which each side is to be left, remembered: without an exit in sight, every
/// position would search all candles again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct NextLeaves {
    long: usize,
    short: usize,
}

impl NextLeaves {
    /// The first close from `bar` on at which a position on `side` is to be left; `bar` never moves
    /// back.
    pub(super) fn from(&mut self, bar: usize, side: Side, decisions: &Decisions) -> Option<usize> {
        let known = match side {
            Side::Long => &mut self.long,
            Side::Short => &mut self.short,
        };
        if *known <= bar {
            *known = decisions.next_leave(side, bar).unwrap_or(usize::MAX);
        }
        Some(*known).filter(|close| *close < usize::MAX)
    }
}

/// What is asked for at 64 closes, the first one in the lowest bit.
#[derive(Debug, Clone, Copy)]
struct Asked {
    long_entry: u64,
    long_exit: u64,
    short_entry: u64,
    short_exit: u64,
}

impl Asked {
    fn of(signals: &Signals, index: usize) -> Self {
        let [long_exit, short_exit] =
            [&signals.long_exit, &signals.short_exit].map(|bits| bits.word(index));
        let long = signals.long_entry.word(index) & !long_exit;
        let short = signals.short_entry.word(index) & !short_exit;
        Self { long_entry: long & !short, long_exit, short_entry: short & !long, short_exit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(len: usize, bars: &[usize]) -> Bits {
        Bits::where_true(len, |bar| bars.contains(&bar))
    }

    #[test]
    fn contradictions_are_taken_out_and_short_sets_end_in_nothing() {
        let signals = Signals {
            long_entry: set(100, &[3, 5, 7, 80]),
            long_exit: set(64, &[5]),
            short_entry: set(90, &[7, 9]),
            short_exit: Bits::default(),
        };
        let decisions = Decisions::new(&signals, 100, OnOpposite::Reverse);
        assert_eq!(decisions.entries.iter().collect::<Vec<_>>(), [3, 9, 80]);
        assert_eq!(
            [3, 5, 9].map(|close| decisions.entry(close)),
            [Some(Side::Long), None, Some(Side::Short)]
        );
        assert_eq!(decisions.leave_long.iter().collect::<Vec<_>>(), [5, 9]);
        assert_eq!(decisions.leave_short.iter().collect::<Vec<_>>(), [3, 80]);
        let decisions = Decisions::new(&signals, 100, OnOpposite::Ignore);
        assert_eq!(decisions.leave_long.iter().collect::<Vec<_>>(), [5]);
        assert_eq!(decisions.leave_short.iter().count(), 0);
    }
}
