//! What a scenario says about the candles: at which closes to enter and to leave.

use super::bits::Bits;

/// The side a rule is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Prices are expected to rise.
    Long,
    /// Prices are expected to fall.
    Short,
    /// Neither.
    Flat,
}

/// A change of stance, decided on the close of one candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Position of that candle.
    pub bar: usize,
    /// The stance from that close on.
    pub stance: Stance,
}

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
