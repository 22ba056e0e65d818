//! What the signals ask for at each close, once contradictions are taken out.

use std::sync::Arc;

use crate::backtest::bits::WORD;
use crate::backtest::signals::Signals;
use crate::backtest::trade::Side;
use crate::backtest::variant::OnOpposite;

/// Entries and exits of a run, by the candle on whose close they are decided.
///
/// An exit beats an entry of its own side at the same close, and entries on both sides at one close
/// cancel each other.
#[derive(Debug)]
pub(super) struct Decisions {
    signals: Arc<Signals>,
}

/// The decisions at 64 closes, the first one in the lowest bit.
#[derive(Debug, Clone, Copy)]
struct Word {
    long_entry: u64,
    long_exit: u64,
    short_entry: u64,
    short_exit: u64,
}

impl Decisions {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self { signals }
    }

    /// The first close from `bar` on at which an entry is asked for, and its side.
    pub(super) fn next_entry(&self, bar: usize) -> Option<(usize, Side)> {
        let close = self.next(bar, |word| word.long_entry | word.short_entry)?;
        Some((close, self.entry(close)?))
    }

    /// The side on which an entry is asked for at a close.
    pub(super) fn entry(&self, close: usize) -> Option<Side> {
        let word = self.word(close / WORD)?;
        let asked = |bits: u64| bits >> (close % WORD) & 1 == 1;
        match (asked(word.long_entry), asked(word.short_entry)) {
            (true, _) => Some(Side::Long),
            (false, true) => Some(Side::Short),
            (false, false) => None,
        }
    }

    /// The first close from `bar` on at which a position on `side` is to be left, by an exit or by
    /// an entry on the other side that is not to be ignored.
    pub(super) fn next_leave(
        &self,
        side: Side,
        bar: usize,
        on_opposite: OnOpposite,
    ) -> Option<usize> {
        let heeded = if on_opposite == OnOpposite::Ignore { 0 } else { u64::MAX };
        match side {
            Side::Long => self.next(bar, |word| word.long_exit | word.short_entry & heeded),
            Side::Short => self.next(bar, |word| word.short_exit | word.long_entry & heeded),
        }
    }

    fn next(&self, bar: usize, wanted: impl Fn(Word) -> u64) -> Option<usize> {
        let mut index = bar / WORD;
        let mut bits = wanted(self.word(index)?) & (u64::MAX << (bar % WORD));
        while bits == 0 {
            index += 1;
            bits = wanted(self.word(index)?);
        }
        Some(index * WORD + bits.trailing_zeros() as usize)
    }

    /// `None` after the last word of all four sets.
    fn word(&self, index: usize) -> Option<Word> {
        let Signals { long_entry, long_exit, short_entry, short_exit } = &*self.signals;
        let words = [long_entry, long_exit, short_entry, short_exit].map(|bits| bits.word(index));
        if words == [None; 4] {
            return None;
        }
        let [long_entry, long_exit, short_entry, short_exit] = words.map(Option::unwrap_or_default);
        let (long, short) = (long_entry & !long_exit, short_entry & !short_exit);
        Some(Word { long_entry: long & !short, long_exit, short_entry: short & !long, short_exit })
    }
}
