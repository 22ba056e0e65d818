//! The engine against a plain loop over candles, and what must hold whatever the settings.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::backtest::curve::{Curve, Stretch};
use crate::backtest::simulation::{Inputs, Ledger, Simulation};

use super::random::{Market, any_case};
use super::reference::{Outcome, Reference};
use super::*;

fn checked(market: &Market) -> CheckedCandles {
    CheckedCandles::new(Arc::new(market.candles.clone()), market.timeframe).unwrap()
}

fn inputs(market: &Market, window: Range<usize>, with_detail: bool) -> Inputs {
    let detail = || CheckedCandles::new(Arc::new(market.finer.clone()), market.finer_timeframe);
    Inputs {
        candles: checked(market),
        detail: with_detail.then(|| detail().unwrap()),
        window,
        signals: Arc::clone(&market.signals),
    }
}

fn simulate(variant: &Variant, inputs: Inputs) -> Ledger {
    Simulation::new(variant, inputs, variant.config.execution.intrabar).finish()
}

fn marks(curve: &Curve, closes: &[f64]) -> Vec<f64> {
    let of = |(bars, stretch): (Range<usize>, &Stretch)| -> Vec<f64> {
        bars.map(|bar| stretch.equity(closes[bar])).collect()
    };
    curve.stretches().flat_map(of).collect()
}

/// The candles held from open to close, with the equity at their adverse extreme.
fn inside(curve: &Curve, candles: &Candles) -> Vec<(usize, f64)> {
    let of = |(bars, stretch): (Range<usize>, &Stretch)| -> Vec<(usize, f64)> {
        let short = stretch.quantity < 0.0;
        let adverse = if short { &candles.high } else { &candles.low };
        stretch.held(&bars).map(|bar| (bar, stretch.equity(adverse[bar]))).collect()
    };
    curve.stretches().flat_map(of).collect()
}

fn outcome(ledger: &Ledger, candles: &Candles) -> Outcome {
    Outcome {
        trades: ledger.trades.clone(),
        equity: marks(&ledger.curve, &candles.close),
        inside: inside(&ledger.curve, candles),
        bars_in_position: ledger.bars_in_position,
        ambiguous_bars: ledger.ambiguous_bars,
        resolved_bars: ledger.resolved_bars,
        rejections: ledger.rejections,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_engine_gives_the_bits_of_a_plain_loop(
        (market, variant) in any_case(), from in 0..40_usize, with_detail: bool,
    ) {
        let window = from.min(market.candles.len() - 1)..market.candles.len();
        let ledger = simulate(&variant, inputs(&market, window.clone(), with_detail));
        let detail = with_detail.then_some(&market.finer);
        let plain = Reference::run(&variant, &market.candles, detail, &market.signals, window);
        prop_assert_eq!(outcome(&ledger, &market.candles), plain);
    }
}

/// A rule that never applies is not tested.
#[test]
fn random_cases_make_every_rule_apply() {
    let mut runner = TestRunner::deterministic();
    let mut counts = BTreeMap::<String, usize>::new();
    for _ in 0..1_000 {
        let (market, variant) = any_case().new_tree(&mut runner).unwrap().current();
        let ledger = simulate(&variant, inputs(&market, 0..market.candles.len(), true));
        let mut count =
            |what: &str, times: usize| *counts.entry(what.to_owned()).or_default() += times;
        for trade in &ledger.trades {
            let (fill, side) = (variant.config.fill, trade.direction);
            count(&format!("{:?} of {side:?} by {fill:?}", trade.exit_reason), 1);
            count("entry candle", usize::from(trade.bars == 0));
            count("funding", usize::from(trade.funding.abs() > 0.0));
            let profit = side.sign() * trade.quantity * (trade.exit_price - trade.entry_price);
            let settled = trade.pnl + trade.fees + trade.funding;
            count("loss beyond the margin", usize::from(settled > profit + 1e-6));
        }
        count("ambiguous", ledger.ambiguous_bars);
        count("resolved", ledger.resolved_bars);
        count("too small", ledger.rejections.too_small);
        count("not affordable", ledger.rejections.not_affordable);
        count("no stop distance", ledger.rejections.no_stop_distance);
    }
    assert_eq!(counts.len(), 7 * 2 * 2 + 8, "{counts:#?}");
    assert!(counts.values().all(|times| *times >= 10), "{counts:#?}");
}
