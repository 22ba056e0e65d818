//! Synthetic candles for trying things out: a random walk that is the same on every machine.

use crate::domain::candles::{Candles, Timeframe};
use crate::domain::time::DAY_MS;

/// Standard deviation of a day's return.
const DAILY_VOLATILITY: f64 = 0.02;
const FIRST_PRICE: f64 = 100.0;
/// The walk is kept within these, so that it can run for any number of candles.
const LOWEST_CLOSE: f64 = 1.0;
const HIGHEST_CLOSE: f64 = 1_000_000.0;
const VOLUME_MAX: f64 = 10_000.0;

/// `count` candles from `start_ms` on, without gaps; the same bits for the same arguments.
///
/// Prices are a geometric random walk in whole cents, always above zero; each candle opens at the
/// close before it, and volume is a whole number.
#[must_use]
pub fn generate(timeframe: Timeframe, count: usize, seed: u64, start_ms: i64) -> Candles {
    let mut random = Random { state: seed };
    let volatility = DAILY_VOLATILITY * (as_f64(timeframe.length_ms()) / as_f64(DAY_MS)).sqrt();
    let mut candles = Candles::with_capacity(count);
    let mut time = start_ms;
    let mut open = FIRST_PRICE;
    for _ in 0..count {
        let close = open * (1.0 + volatility * random.bell());
        let close = cents(close.clamp(LOWEST_CLOSE, HIGHEST_CLOSE));
        let high = cents(open.max(close) * (1.0 + volatility * random.unit()));
        let low = cents(open.min(close) / (1.0 + volatility * random.unit()));
        let volume = (random.unit() * VOLUME_MAX).ceil();
        candles.push(time, [open, high, low, close, volume]);
        open = close;
        time = time.saturating_add(timeframe.length_ms());
    }
    candles
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

#[expect(clippy::cast_precision_loss, reason = "the lengths of timeframes are far below 2^53")]
fn as_f64(ms: i64) -> f64 {
    ms as f64
}

/// `SplitMix64`. Only operations that IEEE 754 rounds exactly are used on its numbers: logarithms
/// and sines differ in the last bit between machines.
struct Random {
    state: u64,
}

impl Random {
    /// Uniform in 0 to 1, 1 left out.
    fn unit(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mixed = mixed ^ (mixed >> 31);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let numerator = (mixed >> 11) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a power of two is exact")]
        let denominator = (1_u64 << 53) as f64;
        numerator / denominator
    }

    /// Nearly normal, mean 0 and standard deviation 1, never beyond ±6: a sum of twelve uniforms.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).fold(-6.0, |sum, unit| sum + unit)
    }
}
