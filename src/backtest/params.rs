//! Parameters of presets and indicators: what they are called, what they may be.

/// One parameter of a preset or an indicator.
#[derive(Debug, PartialEq)]
pub struct ParamDefinition {
    /// The name users write.
    pub name: &'static str,
    /// The value where the user gives none; of a word, its position in the list.
    pub default: f64,
    /// What it may be.
    pub allowed: Allowed,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowed {
    /// A whole number, both ends included.
    Whole {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Any number, both ends included.
    Number {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// One of these words; its value is the position in the list.
    Word(&'static [&'static str]),
}

/// Longest period users may ask for, in candles.
pub const PERIOD_MAX: f64 = 10_000.0;

/// A number of candles from `min` to [`PERIOD_MAX`].
#[must_use]
pub const fn period(name: &'static str, default: f64, min: f64) -> ParamDefinition {
    whole(name, default, min, PERIOD_MAX)
}

/// A whole number.
#[must_use]
pub const fn whole(name: &'static str, default: f64, min: f64, max: f64) -> ParamDefinition {
    ParamDefinition { name, default, allowed: Allowed::Whole { min, max } }
}

/// A number.
#[must_use]
pub const fn number(name: &'static str, default: f64, min: f64, max: f64) -> ParamDefinition {
    ParamDefinition { name, default, allowed: Allowed::Number { min, max } }
}

/// One of a few words, the first where the user says nothing.
#[must_use]
pub const fn word(name: &'static str, words: &'static [&'static str]) -> ParamDefinition {
    ParamDefinition { name, default: 0.0, allowed: Allowed::Word(words) }
}

impl ParamDefinition {
    /// Whether the value is one that is allowed.
    #[must_use]
    pub fn allows(&self, value: f64) -> bool {
        match self.allowed {
            Allowed::Whole { min, max } => (min..=max).contains(&value) && value.fract() == 0.0,
            Allowed::Number { min, max } => (min..=max).contains(&value),
            Allowed::Word(words) => count_of(value) < words.len() && value.fract() == 0.0,
        }
    }
}

/// A parameter as a count of candles; what is no count is none.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, which is what a count of candles needs"
)]
pub fn count_of(value: f64) -> usize {
    value.ceil() as usize
}
