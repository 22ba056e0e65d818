//! What a run hands over: figures, trades, a thinned equity curve, and a digest to compare by.

use std::fmt::Write;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::domain::time::format_instant;

use super::checked::CandleReport;
use super::metrics::Metrics;
use super::trade::Trade;

/// Values compared side by side when an extreme is searched.
const LANES: usize = 8;

/// The result of one backtest. No figure in it is NaN or infinite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of the engine's rules.
    pub engine_version: u32,
    /// Version of the definitions of the figures.
    pub metrics_version: u32,
    /// SHA-256 over the bits of the trades and of the equity at each day's end, in hex. Equal
    /// digests mean equal results.
    pub digest: String,
    /// Whether fills were made at the closes the decisions were made on.
    pub optimistic: bool,
    /// Warm-up candles the rules ask for that were not there.
    pub warmup_missing: usize,
    /// What the check of the candles found, warm-up included.
    pub candle_report: CandleReport,
    /// The figures.
    pub metrics: Metrics,
    /// All trades, oldest first.
    pub trades: Vec<Trade>,
    /// The thinned equity curve.
    pub equity: Vec<EquityPoint>,
}

/// Equity at the close of one candle; written as `[time, equity]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EquityPoint {
    /// Open time of the candle, milliseconds since the epoch.
    pub time: i64,
    /// Equity at its close, account currency.
    pub equity: f64,
}

impl Serialize for EquityPoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (format_instant(self.time), self.equity).serialize(serializer)
    }
}

/// At most `limit` points: the first, the last, and the lowest and highest of equal stretches in
/// between.
pub(super) fn thin(times: &[i64], equity: &[f64], limit: usize) -> Vec<EquityPoint> {
    let point = |index: usize| -> Option<EquityPoint> {
        Some(EquityPoint { time: *times.get(index)?, equity: *equity.get(index)? })
    };
    let last = equity.len().saturating_sub(1);
    if equity.len() <= limit {
        return (0..equity.len()).filter_map(point).collect();
    }
    if limit < 2 {
        return point(last).filter(|_| limit == 1).into_iter().collect();
    }
    let mut kept = vec![0];
    let inner = equity.get(1..last).unwrap_or_default();
    let stretches = (limit - 2) / 2;
    for stretch in 0..stretches {
        let bounds = inner.len() * stretch / stretches..inner.len() * (stretch + 1) / stretches;
        let start = bounds.start + 1;
        let (low, high) = extremes(inner.get(bounds).unwrap_or_default());
        kept.push(start + low.min(high));
        if low != high {
            kept.push(start + low.max(high));
        }
    }
    kept.push(last);
    kept.into_iter().filter_map(point).collect()
}

/// Positions of the first lowest and the first highest value.
fn extremes(values: &[f64]) -> (usize, usize) {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let (mut lows, mut highs) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
    for block in blocks {
        for ((low, high), value) in lows.iter_mut().zip(&mut highs).zip(block) {
            *low = if value < low { *value } else { *low };
            *high = if value > high { *value } else { *high };
        }
    }
    let lowest = lows.iter().chain(rest).copied().fold(f64::INFINITY, f64::min);
    let highest = highs.iter().chain(rest).copied().fold(f64::NEG_INFINITY, f64::max);
    let position = |wanted: f64| {
        values.iter().position(|value| value.to_bits() == wanted.to_bits()).unwrap_or_default()
    };
    (position(lowest), position(highest))
}

/// SHA-256 in hex over every field of every trade, then the equity at each day's end; numbers as
/// little-endian bits.
pub(super) fn digest(trades: &[Trade], daily_equity: &[f64]) -> String {
    let mut bytes = Vec::with_capacity(trades.len() * 58 + daily_equity.len() * 8);
    for trade in trades {
        bytes.extend(trade.entry_time.to_le_bytes());
        bytes.extend(trade.exit_time.to_le_bytes());
        let figures = [trade.entry_price, trade.exit_price, trade.quantity, trade.pnl, trade.fees];
        for figure in figures {
            bytes.extend(figure.to_le_bytes());
        }
        bytes.extend([trade.direction as u8, trade.exit_reason as u8]);
    }
    for mark in daily_equity {
        bytes.extend(mark.to_le_bytes());
    }
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(&bytes) {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(equity: &[f64], limit: usize) -> Vec<f64> {
        let times: Vec<i64> = (0..).take(equity.len()).collect();
        thin(&times, equity, limit).iter().map(|point| point.equity).collect()
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_extremes() {
        let equity: Vec<f64> = (0..1_000).map(|i| f64::from(i * 37 % 1_000)).collect();
        for limit in [4, 5, 50, 999] {
            let points = thinned(&equity, limit);
            assert!(points.len() <= limit, "{limit}");
            assert_eq!((points[0], points[points.len() - 1]), (equity[0], equity[999]));
            assert!(points.contains(&999.0) && points.contains(&1.0), "{limit}");
        }
    }

    #[test]
    fn a_short_curve_is_kept_whole_and_none_is_kept_for_none() {
        assert_eq!(thinned(&[1.0, 2.0], 2), [1.0, 2.0]);
        assert_eq!(thinned(&[1.0, 2.0, 3.0], 0), [0.0; 0]);
        assert_eq!(thinned(&[1.0, 2.0, 3.0], 1), [3.0]);
        assert_eq!(thinned(&[1.0, 2.0, 3.0], 2), [1.0, 3.0]);
        assert_eq!(thinned(&[], 5), [0.0; 0]);
    }

    #[test]
    fn a_point_is_written_as_a_pair() {
        let point = EquityPoint { time: 0, equity: 1.5 };
        let text = serde_json::to_string(&point).unwrap();
        assert_eq!(text, r#"["1970-01-01T00:00:00Z",1.5]"#);
    }
}
