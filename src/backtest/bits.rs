//! One truth per candle, 64 to a word.

/// Candles in a word.
const WORD: usize = 64;

/// A set of candles, by position from the first candle, warm-up included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    /// Beyond `len` every bit is zero.
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// No candle of `len`.
    #[must_use]
    pub fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(WORD)], len }
    }

    /// The candles of `len` from `first` on.
    #[must_use]
    pub fn from(first: usize, len: usize) -> Self {
        let words = (0..len.div_ceil(WORD))
            .map(|word| {
                let start = word * WORD;
                if first >= start + WORD { 0 } else { u64::MAX << first.saturating_sub(start) }
            })
            .collect();
        Self { words, len }.trimmed()
    }

    /// The candles for which `holds`.
    #[must_use]
    pub fn where_true(len: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let words = (0..len.div_ceil(WORD))
            .map(|word| {
                let start = word * WORD;
                let end = (start + WORD).min(len);
                (start..end).fold(0, |bits, bar| bits | u64::from(holds(bar)) << (bar - start))
            })
            .collect();
        Self { words, len }
    }

    /// Candles by words of 64, the first candle of a word in its lowest bit.
    #[must_use]
    pub fn from_words(words: Vec<u64>, len: usize) -> Self {
        let mut bits = Self { words, len };
        bits.words.resize(len.div_ceil(WORD), 0);
        bits.trimmed()
    }

    /// Number of candles, in the set or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no candle at all, in the set or not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes the set takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    /// Whether the candle is in the set.
    #[must_use]
    pub fn contains(&self, bar: usize) -> bool {
        self.words.get(bar / WORD).is_some_and(|word| word >> (bar % WORD) & 1 == 1)
    }

    /// Words needed for `len` candles.
    pub(super) fn words(len: usize) -> usize {
        len.div_ceil(WORD)
    }

    /// The candles from 64 · `index` on, the first one in the lowest bit; none beyond the length.
    pub(super) fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or_default()
    }

    /// Adds a candle; one beyond the length is ignored.
    pub fn insert(&mut self, bar: usize) {
        if bar < self.len
            && let Some(word) = self.words.get_mut(bar / WORD)
        {
            *word |= 1 << (bar % WORD);
        }
    }

    /// The first candle of the set from `bar` on.
    #[must_use]
    pub fn next(&self, bar: usize) -> Option<usize> {
        let word = bar / WORD;
        let first = self.words.get(word)? & (u64::MAX << (bar % WORD));
        if first != 0 {
            return Some(word * WORD + bit(first));
        }
        let (_, rest) = self.words.split_at(word + 1);
        let skipped = rest.iter().position(|word| *word != 0)?;
        rest.get(skipped).map(|found| (word + 1 + skipped) * WORD + bit(*found))
    }

    /// Candles of the set, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let found = self.next(at)?;
            at = found + 1;
            Some(found)
        })
    }

    /// How many candles are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| bit_count(*word)).sum()
    }

    /// Those in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & b)
    }

    /// Those in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a | b)
    }

    /// Those in `self` and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.combined(other, |a, b| a & !b)
    }

    /// Every candle moved `bars` later; those that fall off the end are dropped.
    #[must_use]
    pub fn later(&self, bars: usize) -> Self {
        let (words, shift) = (bars / WORD, bars % WORD);
        let mut moved = vec![0; self.words.len()];
        let (_, targets) = moved.split_at_mut(words.min(self.words.len()));
        let mut carry = 0;
        for (target, word) in targets.iter_mut().zip(&self.words) {
            *target = word << shift | carry;
            carry = if shift == 0 { 0 } else { word >> (WORD - shift) };
        }
        Self { words: moved, len: self.len }.trimmed()
    }

    fn combined(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| combine(*a, *b)).collect();
        Self { words, len: self.len.min(other.len) }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        self.words.truncate(self.len.div_ceil(WORD));
        let used = self.len % WORD;
        if used > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
        self
    }
}

fn bit(word: u64) -> usize {
    word.trailing_zeros() as usize
}

fn bit_count(word: u64) -> usize {
    word.count_ones() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(truths: &[bool]) -> Bits {
        Bits::where_true(truths.len(), |bar| truths[bar])
    }

    fn truths(bits: &Bits) -> Vec<bool> {
        (0..bits.len()).map(|bar| bits.contains(bar)).collect()
    }

    proptest! {
        #[test]
        fn sets_do_what_lists_of_truths_do(
            pairs in prop::collection::vec((any::<bool>(), any::<bool>()), 0..300),
            bars in 0..200_usize,
        ) {
            let (left, right): (Vec<bool>, Vec<bool>) = pairs.into_iter().unzip();
            let (a, b) = (of(&left), of(&right));
            prop_assert_eq!(truths(&a), left.clone());
            let both = |f: fn(bool, bool) -> bool| -> Vec<bool> {
                left.iter().zip(&right).map(|(a, b)| f(*a, *b)).collect()
            };
            prop_assert_eq!(truths(&a.and(&b)), both(|a, b| a & b));
            prop_assert_eq!(truths(&a.or(&b)), both(|a, b| a | b));
            prop_assert_eq!(truths(&a.without(&b)), both(|a, b| a & !b));
            let positions: Vec<usize> = (0..left.len()).filter(|bar| left[*bar]).collect();
            prop_assert_eq!(a.iter().collect::<Vec<_>>(), positions.clone());
            prop_assert_eq!(a.count(), positions.len());
            let moved: Vec<usize> =
                positions.iter().map(|bar| bar + bars).filter(|bar| *bar < left.len()).collect();
            prop_assert_eq!(a.later(bars).iter().collect::<Vec<_>>(), moved);
            let tail: Vec<usize> = (bars.min(left.len())..left.len()).collect();
            prop_assert_eq!(Bits::from(bars, left.len()).iter().collect::<Vec<_>>(), tail);
        }
    }
}
