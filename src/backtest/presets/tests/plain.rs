//! Every preset against its rule, read plainly from the values of the indicators.

use std::sync::Arc;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::indicators::tests::walk;
use crate::backtest::indicators::{self, Inputs};
use crate::backtest::rules::Evaluation;
use crate::backtest::series::SeriesCache;
use crate::domain::candles::Candles;

use super::*;

/// Values by candle; where there is none NaN, with which every comparison is false.
struct Line(Vec<f64>);

impl Line {
    fn at(&self, bar: usize, back: usize) -> f64 {
        bar.checked_sub(back).map_or(f64::NAN, |bar| self.0[bar])
    }

    /// How far above the other, in shares of the larger one; what rounding leaves is nothing.
    fn above(&self, other: &Self, bar: usize, back: usize) -> f64 {
        let (a, b) = (self.at(bar, back), other.at(bar, back));
        if (a - b).abs() <= 1e-10 * a.abs().max(b.abs()) { 0.0 } else { a - b }
    }

    fn rises_above(&self, other: &Self, bar: usize) -> bool {
        self.above(other, bar, 0) > 0.0 && self.above(other, bar, 1) <= 0.0
    }

    fn falls_below(&self, other: &Self, bar: usize) -> bool {
        self.above(other, bar, 0) < 0.0 && self.above(other, bar, 1) >= 0.0
    }
}

struct Market(Candles);

impl Market {
    fn new() -> Self {
        Self(walk(4_000, 0.01))
    }

    /// Each candle opens within the body of the one before, as patterns of several candles want it.
    fn with_overlapping_bodies() -> Self {
        let mut candles = walk(40_000, 0.01);
        for bar in 1..candles.len() {
            let open = candles.close[bar - 1] * 0.8 + candles.open[bar - 1] * 0.2;
            candles.open[bar] = open;
            candles.high[bar] = candles.high[bar].max(open);
            candles.low[bar] = candles.low[bar].min(open);
        }
        Self(candles)
    }

    fn close(&self) -> Line {
        Line(self.0.close.clone())
    }

    fn number(&self, value: f64) -> Line {
        Line(vec![value; self.0.len()])
    }

    /// The fields of an indicator over the close.
    fn lines<const N: usize>(&self, kind: &str, params: &[f64]) -> [Line; N] {
        let inputs = Inputs { candles: &self.0, source: &self.0.close };
        let fields = (indicators::find(kind).unwrap().compute)(&inputs, params).unwrap();
        let lines = fields.into_iter().map(|series| {
            let mut line = vec![f64::NAN; series.first];
            line.extend(series.values);
            Line(line)
        });
        lines.collect::<Vec<_>>().try_into().ok().unwrap()
    }

    /// Fails unless the preset signals exactly where the plain readings are true, and that at all.
    #[track_caller]
    fn assert_says(
        &self,
        preset: &str,
        params: &[f64],
        long: impl Fn(usize) -> bool,
        short: impl Fn(usize) -> bool,
    ) {
        let rules = (find(preset).unwrap().rules)(params).unwrap();
        let candles = Arc::new(self.0.clone());
        let candles = CheckedCandles::new(candles, "1m".parse().unwrap()).unwrap();
        let evaluation = Evaluation::new(&rules, &candles, 0, &SeriesCache::new(0)).unwrap();
        let found = evaluation.signals().unwrap();
        let bars = |says: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..self.0.len()).filter(|bar| says(*bar)).collect()
        };
        let (long, short) = (bars(&long), bars(&short));
        assert_eq!(found.long_entry.iter().collect::<Vec<_>>(), long, "{preset} long");
        assert_eq!(found.short_entry.iter().collect::<Vec<_>>(), short, "{preset} short");
        assert!(!long.is_empty() && !short.is_empty(), "{preset}");
    }
}

#[test]
fn crosses_of_averages() {
    let market = Market::new();
    let close = market.close();
    let [ema_8] = market.lines("ema", &[8.0]);
    let [ema_21] = market.lines("ema", &[21.0]);
    let [sma_8] = market.lines("sma", &[8.0]);
    let [sma_21] = market.lines("sma", &[21.0]);
    let [line, signal, _] = market.lines("macd", &[5.0, 12.0, 4.0]);
    for (preset, params, fast, slow) in [
        ("ema_cross", &[21.0][..], &close, &ema_21),
        ("dual_ema_cross", &[8.0, 21.0], &ema_8, &ema_21),
        ("sma_cross", &[8.0, 21.0], &sma_8, &sma_21),
        ("macd_cross", &[5.0, 12.0, 4.0], &line, &signal),
    ] {
        let long = |bar| fast.rises_above(slow, bar);
        market.assert_says(preset, params, long, |bar| fast.falls_below(slow, bar));
    }
}

#[test]
fn a_trend_is_a_state() {
    let market = Market::new();
    let (close, [ema]) = (market.close(), market.lines("ema", &[20.0]));
    let above = |bar: usize, back: usize| close.at(bar, back) > ema.at(bar, back);
    let below = |bar: usize, back: usize| close.at(bar, back) < ema.at(bar, back);
    market.assert_says(
        "ema_trend",
        &[20.0, 3.0],
        |bar| (0..3).all(|back| above(bar, back)) && ema.at(bar, 0) > ema.at(bar, 1),
        |bar| (0..3).all(|back| below(bar, back)) && ema.at(bar, 0) < ema.at(bar, 1),
    );
}

#[test]
fn stops_that_follow_the_price() {
    let market = Market::new();
    let (close, zero) = (market.close(), market.number(0.0));
    let [line, direction] = market.lines("supertrend", &[7.0, 2.0]);
    let [ema] = market.lines("ema", &[30.0]);
    market.assert_says(
        "supertrend",
        &[7.0, 2.0],
        |bar| direction.rises_above(&zero, bar),
        |bar| direction.falls_below(&zero, bar),
    );
    market.assert_says(
        "supertrend_cross_ema",
        &[7.0, 2.0, 30.0],
        |bar| close.rises_above(&line, bar) && close.at(bar, 0) > ema.at(bar, 0),
        |bar| close.falls_below(&line, bar) && close.at(bar, 0) < ema.at(bar, 0),
    );
    let [_, _, direction] = market.lines("chandelier_exit", &[10.0, 2.0]);
    market.assert_says(
        "chandelier_exit",
        &[10.0, 2.0],
        |bar| direction.rises_above(&zero, bar),
        |bar| direction.falls_below(&zero, bar),
    );
}

#[test]
fn oscillators_that_leave_an_extreme() {
    let market = Market::new();
    let (close, [ema]) = (market.close(), market.lines("ema", &[40.0]));
    let [k, d] = market.lines("stoch_rsi", &[9.0, 9.0, 2.0, 3.0]);
    let (up, down) = (
        |bar: usize| k.rises_above(&d, bar) && k.at(bar, 0) < 30.0,
        |bar: usize| k.falls_below(&d, bar) && k.at(bar, 0) > 70.0,
    );
    market.assert_says(
        "stoch_rsi_trend",
        &[9.0, 9.0, 2.0, 3.0, 40.0, 30.0, 70.0],
        |bar| up(bar) && close.at(bar, 0) > ema.at(bar, 0),
        |bar| down(bar) && close.at(bar, 0) < ema.at(bar, 0),
    );
}

#[test]
fn trend_cycles_that_leave_an_extreme_and_those_that_lag() {
    let market = Market::new();
    let close = market.close();
    let (low, high) = (market.number(25.0), market.number(75.0));
    for variant in [0.0, 1.0] {
        let [stc] = market.lines("stc", &[8.0, 20.0, 6.0, variant]);
        market.assert_says(
            "stc",
            &[8.0, 20.0, 6.0, 25.0, 75.0, variant],
            |bar| stc.rises_above(&low, bar),
            |bar| stc.falls_below(&high, bar),
        );
        let stayed_low = |bar: usize| (1..=2).all(|back| stc.at(bar, back) < 25.0);
        let stayed_high = |bar: usize| (1..=2).all(|back| stc.at(bar, back) > 75.0);
        let rose = |bar: usize| close.at(bar, 0) > close.at(bar, 2);
        let fell = |bar: usize| close.at(bar, 0) < close.at(bar, 2);
        market.assert_says(
            "lagging_stc",
            &[8.0, 20.0, 6.0, 25.0, 75.0, 2.0, variant],
            |bar| stc.rises_above(&low, bar) && stayed_low(bar) && rose(bar),
            |bar| stc.falls_below(&high, bar) && stayed_high(bar) && fell(bar),
        );
    }
}

#[test]
fn bands_are_come_back_into_or_broken_out_of() {
    let market = Market::new();
    let close = market.close();
    let [upper, _, lower] = market.lines("bollinger", &[15.0, 1.5]);
    for (mode, risen, fallen) in [(0.0, &lower, &upper), (1.0, &upper, &lower)] {
        market.assert_says(
            "bollinger",
            &[15.0, 1.5, mode],
            |bar| close.rises_above(risen, bar),
            |bar| close.falls_below(fallen, bar),
        );
    }
}

#[test]
fn marks_of_patterns_and_divergences() {
    let market = Market::with_overlapping_bodies();
    let settings = [6.0, 2.0, 40.0, 45.0, 8.0];
    let [bullish, bearish, risen, fallen] = market.lines("rsi_divergence", &settings);
    let [soldiers] = market.lines("candle_pattern", &[0.0]);
    let [crows] = market.lines("candle_pattern", &[1.0]);
    for (preset, params, long, short, sign) in [
        ("rsi_divergence", &settings[..4], &bullish, &bearish, 1.0),
        ("rsi_divergence_confirm", &settings, &risen, &fallen, 1.0),
        ("three_white_soldiers", &[], &soldiers, &crows, -1.0),
    ] {
        let says = |bar: usize| long.at(bar, 0) > 0.0;
        market.assert_says(preset, params, says, |bar| sign * short.at(bar, 0) > 0.0);
    }
}

#[test]
fn chance_gives_both_sides_their_half_of_the_probability() {
    let market = Market::new();
    let [random] = market.lines("random", &[7.0]);
    let long = |bar: usize| random.at(bar, 0) < 0.1;
    let short = |bar: usize| random.at(bar, 0) > 0.9;
    market.assert_says("random_entry", &[7.0, 20.0], long, short);
    // Of 4,000 a tenth, give or take five standard deviations of 19.
    let sides: [&dyn Fn(usize) -> bool; 2] = [&long, &short];
    for count in sides.map(|says| (0..4_000).filter(|bar| says(*bar)).count()) {
        assert!((305..=495).contains(&count), "{count}");
    }
}
