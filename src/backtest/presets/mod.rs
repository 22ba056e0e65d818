//! Presets: named rules with parameters. A new preset is one file and one line in [`PRESETS`].

use std::ops::Range;

use crate::domain::candles::Candles;

use super::indicators::IndicatorError;
use super::signals::Signal;
use super::variant::Direction;

mod buy_and_hold;
mod dual_ema_cross;
mod macd_cross;
mod sma_cross;

/// All presets, in alphabetical order.
pub static PRESETS: &[PresetDefinition] =
    &[buy_and_hold::PRESET, dual_ema_cross::PRESET, macd_cross::PRESET, sma_cross::PRESET];

/// What a preset is called, which parameters it takes, what must hold between them, and its rules.
#[derive(Debug)]
pub struct PresetDefinition {
    /// The name users write.
    pub name: &'static str,
    /// The parameters, in the order their values are passed on.
    pub params: &'static [ParamDefinition],
    /// Pairs of parameters (by name) of which the first must be below the second.
    pub ordered: &'static [(&'static str, &'static str)],
    /// Candles needed in front of the traded range for the given parameters.
    pub warmup: fn(&[f64]) -> usize,
    /// The rules: at which closes of the traded range the stance changes, oldest first.
    pub signals: fn(&Inputs<'_>) -> Result<Vec<Signal>, PresetError>,
}

/// Names are unique, so a preset is its name.
impl PartialEq for PresetDefinition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// One parameter of a preset.
#[derive(Debug, PartialEq)]
pub struct ParamDefinition {
    /// The name users write.
    pub name: &'static str,
    /// The value where the user gives none.
    pub default: f64,
    /// Smallest allowed value.
    pub min: f64,
    /// Largest allowed value.
    pub max: f64,
    /// Whether only whole numbers are allowed.
    pub integer: bool,
}

/// What a preset decides on. The signal of a candle may use that candle and those before it only.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// All candles, warm-up included.
    pub candles: &'a Candles,
    /// Positions of the candles that may be traded on; never empty.
    pub window: Range<usize>,
    /// One value per parameter of the preset.
    pub params: &'a [f64],
    /// Which side may be taken.
    pub direction: Direction,
}

impl Inputs<'_> {
    /// Closes from the first candle to the end of the window.
    #[must_use]
    pub fn close(&self) -> &[f64] {
        self.candles.close.get(..self.window.end).unwrap_or_default()
    }

    /// The parameters, by position.
    ///
    /// # Errors
    /// [`PresetError::ParamCount`] if there are not exactly `N`.
    pub fn params<const N: usize>(&self) -> Result<[f64; N], PresetError> {
        let found = self.params.len();
        self.params.try_into().map_err(|_| PresetError::ParamCount { found, expected: N })
    }
}

/// Why a preset could not give its signals.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PresetError {
    /// The number of parameters is not the preset's.
    #[error("found {found} parameters, expected {expected}")]
    ParamCount {
        /// Values given.
        found: usize,
        /// Parameters the preset has.
        expected: usize,
    },
    /// An indicator refused its parameters.
    #[error(transparent)]
    Indicator(#[from] IndicatorError),
}

const fn period(name: &'static str, default: f64, min: f64) -> ParamDefinition {
    ParamDefinition { name, default, min, max: 10_000.0, integer: true }
}

/// Candles after which the seed of an exponential average weighs less than a millionth:
/// (1 − 2/(n+1))^k < 1e-6 from k = 6.9 (n+1) on.
fn settled(period: f64) -> usize {
    whole(6.9 * (period + 1.0))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, which is what a count of candles needs"
)]
fn whole(count: f64) -> usize {
    count.ceil() as usize
}
