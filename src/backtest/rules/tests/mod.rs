//! The evaluation by hand, against a plain reading candle by candle, and what it never does.

use std::sync::Arc;

use crate::backtest::bits::Bits;
use crate::backtest::checked::CheckedCandles;
use crate::backtest::indicators::find;
use crate::backtest::series::SeriesCache;
use crate::backtest::signals::Signals;
use crate::domain::candles::Candles;

use super::*;

mod combinations;
mod invariants;
mod operands;
mod reference;
mod tables;

const MINUTE_MS: i64 = 60_000;

/// Five-minute candles from open and close, as narrow as they can be.
fn candles(rows: &[(f64, f64)]) -> Candles {
    let mut candles = Candles::default();
    for (number, (open, close)) in (0..).zip(rows) {
        let prices = [*open, open.max(*close), open.min(*close), *close, 1.0];
        candles.push(number * 5 * MINUTE_MS, prices);
    }
    candles
}

fn closes(closes: &[f64]) -> Candles {
    candles(&closes.iter().map(|close| (*close, *close)).collect::<Vec<_>>())
}

fn checked(candles: Candles) -> CheckedCandles {
    CheckedCandles::new(Arc::new(candles), "5m".parse().unwrap()).unwrap()
}

fn part(candles: &Candles, range: std::ops::Range<usize>) -> Candles {
    let mut part = Candles::default();
    for bar in range {
        let columns = [&candles.open, &candles.high, &candles.low, &candles.close, &candles.volume];
        part.push(candles.time[bar], columns.map(|column| column[bar]));
    }
    part
}

/// An indicator over the close.
fn over_close(kind: &str, params: &[f64]) -> Indicator {
    let definition = find(kind).unwrap();
    let params = params.to_vec();
    Indicator { name: kind.to_owned(), definition, params, source: CLOSE, timeframe: None }
}

fn truth(rule: &Rule, indicators: Vec<Indicator>, candles: Candles, start: usize) -> Bits {
    let rules = RuleSet { indicators, ..RuleSet::default() };
    let candles = checked(candles);
    let evaluation = Evaluation::new(&rules, &candles, start, &SeriesCache::new(0)).unwrap();
    evaluation.truth(rule).unwrap()
}

fn signals(rules: &RuleSet, candles: Candles, start: usize) -> Signals {
    let candles = checked(candles);
    let evaluation = Evaluation::new(rules, &candles, start, &SeriesCache::new(0)).unwrap();
    evaluation.signals().unwrap()
}
