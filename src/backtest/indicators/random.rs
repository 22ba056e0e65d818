//! `random`: numbers by chance, always the same ones.

use crate::backtest::params::{count_of, whole};
use crate::backtest::series::Series;

use super::{IndicatorDefinition, IndicatorError, Input, Inputs, params};

/// A number from 0 to below 1 per candle: the upper 53 bits of mix(mix(seed) xor time), divided by
/// 2^53, where time is the candle's open time in milliseconds since 1970 and mix(x) is the output of
/// `SplitMix64` for the state x (G. Steele, D. Lea, C. Flood, 2014). It depends on nothing else, so a
/// candle has the same number in every range, and always will.
pub(in crate::backtest) static RANDOM: IndicatorDefinition = IndicatorDefinition {
    name: "random",
    params: &[whole("seed", 1.0, 0.0, 4_294_967_295.0)],
    fields: &["value"],
    input: Input::Candles,
    warmup: |_| 0,
    compute,
};

fn compute(inputs: &Inputs<'_>, values: &[f64]) -> Result<Vec<Series>, IndicatorError> {
    let [seed] = params(values)?;
    let seed = mix(count_of(seed) as u64);
    let numbers = inputs.candles.time.iter().map(|time| fraction(mix(seed ^ time.cast_unsigned())));
    Ok(vec![Series { first: 0, values: numbers.collect() }])
}

fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ state >> 31
}

#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn fraction(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use crate::domain::candles::Candles;

    use super::*;

    #[test]
    fn the_mixer_is_the_published_one() {
        // The first three outputs of the generator from state 1234567.
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let states = [0, 1, 2].map(|n| 1_234_567_u64.wrapping_add(step.wrapping_mul(n)));
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(states.map(mix), published);
    }

    #[test]
    fn a_candle_keeps_its_number_for_ever() {
        let mut candles = Candles::default();
        for time in [-1_000, 0, 60_000, 915_408_000_000] {
            candles.push(time, [1.0; 5]);
        }
        let inputs = Inputs { candles: &candles, source: &[] };
        let numbers = |seed: f64| compute(&inputs, &[seed]).unwrap().remove(0).values;
        let [a, b, c] =
            [0.368_189_515_651_669_46, 0.494_636_517_422_036_07, 0.390_294_605_324_632_56];
        assert_eq!(numbers(1.0)[1..], [a, b, c]);
        assert_eq!(numbers(0.0)[..1], [0.926_824_085_669_313_5]);
    }
}
