//! What a scenario says about the candles: at which closes to enter and to leave.

use super::bits::Bits;
use super::scenario::Direction;

/// At which closes a scenario asks to enter and to leave, each side by itself.
///
/// An entry asked for while the other side is held is what "opposite" means; what becomes of it is
/// for the money management to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// Closes at which a long position is to be entered.
    pub long_entry: Bits,
    /// Closes at which a long position is to be left.
    pub long_exit: Bits,
    /// Closes at which a short position is to be entered.
    pub short_entry: Bits,
    /// Closes at which a short position is to be left.
    pub short_exit: Bits,
}

impl Signals {
    /// Bytes the sets take in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let sets = [&self.long_entry, &self.long_exit, &self.short_entry, &self.short_exit];
        sets.iter().map(|set| set.bytes()).sum()
    }

    /// The signals where only one side may be taken: what would have entered the other one leaves.
    #[must_use]
    pub fn limited_to(self, direction: Direction) -> Self {
        let Self { long_entry, long_exit, short_entry, short_exit } = self;
        let none = || Bits::none(long_entry.len());
        match direction {
            Direction::Both => Self { long_entry, long_exit, short_entry, short_exit },
            Direction::Long => Self {
                long_exit: long_exit.or(&short_entry.without(&long_entry)),
                short_entry: none(),
                short_exit: none(),
                long_entry,
            },
            Direction::Short => Self {
                short_exit: short_exit.or(&long_entry.without(&short_entry)),
                long_entry: none(),
                long_exit: none(),
                short_entry,
            },
        }
    }
}
