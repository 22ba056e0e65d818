//! What a preset says about the candles: at which closes it changes its mind, and to what.

use std::ops::Range;

use super::bits::Bits;
use super::indicators::Series;

/// Two averages closer than this share of the larger one count as equal: how a sum is rounded must
/// not decide a trade.
const TIE: f64 = 1e-10;

/// Candles looked at together; most blocks hold no cross and are skipped whole.
const BLOCK: usize = 16;

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

/// Every candle in `window` at whose close `fast` is on another side of `slow` than one candle
/// before: above is long, below is short, equal within the tie tolerance is flat.
///
/// Both series must have a value at the candle and at the one before it, which may lie in front of
/// the window. Both must end together.
#[must_use]
pub fn crosses(fast: &Series, slow: &Series, window: &Range<usize>) -> Vec<Signal> {
    let start = fast.first.max(slow.first).max(window.start.saturating_sub(1));
    let from = |series: &Series| start.saturating_sub(series.first).min(series.values.len());
    let (_, fast) = fast.values.split_at(from(fast));
    let (_, slow) = slow.values.split_at(from(slow));

    let mut signals = Vec::new();
    let (Some((first_fast, fast)), Some((first_slow, slow))) =
        (fast.split_first(), slow.split_first())
    else {
        return signals;
    };
    let mut current = side(*first_fast, *first_slow);
    let mut bar = start + 1;
    let mut follow = |bar: usize, sides: &[i8]| {
        for (offset, side) in sides.iter().enumerate() {
            if *side != current {
                current = *side;
                signals.push(Signal { bar: bar + offset, stance: stance(current) });
            }
        }
        current
    };

    let mut last = follow(bar, &[]);
    let (fast_blocks, fast_rest) = fast.as_chunks::<BLOCK>();
    let (slow_blocks, slow_rest) = slow.as_chunks::<BLOCK>();
    for (fast, slow) in fast_blocks.iter().zip(slow_blocks) {
        let mut sides = [0_i8; BLOCK];
        for ((out, fast), slow) in sides.iter_mut().zip(fast).zip(slow) {
            *out = side(*fast, *slow);
        }
        if sides != [last; BLOCK] {
            last = follow(bar, &sides);
        }
        bar += BLOCK;
    }
    for (fast, slow) in fast_rest.iter().zip(slow_rest) {
        follow(bar, &[side(*fast, *slow)]);
        bar += 1;
    }
    signals
}

/// 1 if `a` is above `b`, -1 if it is below, 0 if they are tied.
fn side(a: f64, b: f64) -> i8 {
    let (larger, other) = (a.abs(), b.abs());
    let tolerance = TIE * if larger > other { larger } else { other };
    let difference = a - b;
    i8::from(difference > tolerance) - i8::from(difference < -tolerance)
}

fn stance(side: i8) -> Stance {
    match side {
        1.. => Stance::Long,
        0 => Stance::Flat,
        _ => Stance::Short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(first: usize, values: &[f64]) -> Series {
        Series { first, values: values.to_vec() }
    }

    #[test]
    fn a_cross_needs_both_series_on_two_candles() {
        let fast = series(0, &[1.0, 1.0, 3.0, 1.0]);
        let signals = crosses(&fast, &series(2, &[2.0, 2.0]), &(0..4));
        assert_eq!(signals, [Signal { bar: 3, stance: Stance::Short }]);
    }

    #[test]
    fn a_cross_before_the_window_is_no_signal_but_its_last_candle_counts_as_the_one_before() {
        let fast = series(0, &[1.0, 3.0, 1.0, 3.0]);
        let slow = series(0, &[2.0; 4]);
        let bars: Vec<usize> = crosses(&fast, &slow, &(2..4)).iter().map(|s| s.bar).collect();
        assert_eq!(bars, [2, 3]);
    }

    #[test]
    fn averages_that_differ_by_rounding_are_tied() {
        let slow = 1_000.0;
        let fast = series(0, &[999.0, slow + 1e-8, 999.0, slow + 1e-6]);
        let stances: Vec<_> =
            crosses(&fast, &series(0, &[slow; 4]), &(0..4)).iter().map(|s| s.stance).collect();
        assert_eq!(stances, [Stance::Flat, Stance::Short, Stance::Long]);
    }

    #[test]
    fn blocks_and_the_rest_find_what_a_plain_loop_finds() {
        let wave: Vec<f64> = (0..101_i32).map(|i| 10.0 + f64::from(i * i % 7)).collect();
        let line = vec![13.0; wave.len()];
        let found = crosses(&series(0, &wave), &series(0, &line), &(0..wave.len()));
        let plain: Vec<Signal> = (1..wave.len())
            .filter(|&bar| side(wave[bar], 13.0) != side(wave[bar - 1], 13.0))
            .map(|bar| Signal { bar, stance: stance(side(wave[bar], 13.0)) })
            .collect();
        assert!(plain.len() > 20);
        assert_eq!(found, plain);
    }
}
