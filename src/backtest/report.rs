//! What a run hands over: figures, trades, a thinned equity curve, and a digest to compare by.

use std::fmt::Write;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::domain::time::format_instant;

use super::checked::{CandleReport, CheckedCandles};
use super::curve::Curve;
use super::daily::DailyEquity;
use super::metrics::Metrics;
use super::simulation::Rejections;
use super::trade::Trade;

/// Trades whose bits are handed to the hash at once.
const HASHED_TOGETHER: usize = 64;

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
    /// Exits in candles that held stop (or liquidation) and target, and whose order finer candles
    /// told.
    pub resolved_bars: usize,
    /// Entries that were asked for and not made, by reason.
    pub rejections: Rejections,
    /// What the other order of stop and target in ambiguous candles gives; `None` if not asked for.
    pub bounds: Option<Bounds>,
    /// The figures.
    pub metrics: Metrics,
    /// All trades, oldest first.
    pub trades: Vec<Trade>,
    /// The thinned equity curve.
    pub equity: Vec<EquityPoint>,
    /// Equity at the end of each day; not written.
    #[serde(skip)]
    pub daily: DailyEquity,
}

/// The same run under the other order of stop and target within a candle.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bounds {
    /// Equity at the end, account currency.
    pub final_equity: f64,
    /// Final equity / starting balance − 1.
    pub total_return: f64,
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

/// At most `limit` points: the first, the last, and the lowest and highest of equal parts in between.
pub(super) fn thin(curve: &Curve, candles: &CheckedCandles, limit: usize) -> Vec<EquityPoint> {
    let bars = curve.bars();
    let mut reader = curve.reader(candles);
    let times = &candles.candles().time;
    let point = |(bar, equity): (usize, f64)| -> Option<EquityPoint> {
        Some(EquityPoint { time: *times.get(bar)?, equity })
    };
    let last = bars.end.saturating_sub(1);
    let last_point = curve.last(candles).and_then(|equity| point((last, equity)));
    if bars.len() <= limit {
        return bars.filter_map(|bar| point((bar, reader.at(bar)?))).collect();
    }
    if limit < 2 {
        return last_point.filter(|_| limit == 1).into_iter().collect();
    }
    let mut kept = vec![(bars.start, reader.at(bars.start).unwrap_or_default())];
    let inner = bars.start + 1..last;
    let parts = (limit - 2) / 2;
    let cut = |part: usize| inner.start + inner.len() * part / parts;
    for part in 0..parts {
        if let Some([lowest, highest]) = reader.extremes(cut(part)..cut(part + 1)) {
            let (first, second) =
                if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
            kept.push(first);
            if first.0 != second.0 {
                kept.push(second);
            }
        }
    }
    kept.into_iter().filter_map(point).chain(last_point).collect()
}

/// SHA-256 in hex over the figures of every trade that its other figures follow from, then the
/// equity at each day's end; numbers as little-endian bits.
pub(super) fn digest(trades: &[Trade], daily_equity: &[f64]) -> String {
    let mut hasher = Sha256::new();
    let mut bytes = Vec::with_capacity(HASHED_TOGETHER * 67);
    for trades in trades.chunks(HASHED_TOGETHER) {
        bytes.clear();
        trades.iter().for_each(|trade| write_bits(trade, &mut bytes));
        hasher.update(&bytes);
    }
    for mark in daily_equity {
        hasher.update(mark.to_le_bytes());
    }
    hex(&hasher.finalize())
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
    }
    hex
}

fn write_bits(trade: &Trade, bytes: &mut Vec<u8>) {
    let figures =
        [trade.entry_price, trade.exit_price, trade.quantity, trade.pnl, trade.fees, trade.funding];
    bytes.extend(trade.entry_time.to_le_bytes());
    bytes.extend(trade.exit_time.to_le_bytes());
    figures.iter().for_each(|figure| bytes.extend(figure.to_le_bytes()));
    bytes.extend([trade.direction as u8, trade.exit_reason as u8, u8::from(trade.ambiguous)]);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::backtest::curve::Stretch;
    use crate::domain::candles::Candles;

    /// One unit held from a balance and an entry price of 1: the equity is the close.
    fn thinned(equity: &[f64], limit: usize) -> Vec<f64> {
        let mut candles = Candles::default();
        for (minute, close) in (0..).zip(equity) {
            candles.push(minute * 60_000, [*close, *close, *close, *close, 1.0]);
        }
        let candles = CheckedCandles::new(Arc::new(candles), "1m".parse().unwrap()).unwrap();
        let mut curve = Curve::with_capacity(0, 0);
        let one = Stretch { balance: 1.0, quantity: 1.0, entry_price: 1.0, ..Stretch::default() };
        for end in (0..equity.len()).step_by(30).chain([equity.len()]) {
            curve.push(Stretch { end, ..one });
        }
        thin(&curve, &candles, limit).iter().map(|point| point.equity).collect()
    }

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_extremes() {
        let equity: Vec<f64> = (0..1_000).map(|i| f64::from(1 + i * 37 % 1_000)).collect();
        for limit in [4, 5, 50, 999] {
            let points = thinned(&equity, limit);
            assert!(points.len() <= limit, "{limit}");
            assert_eq!((points[0], points[points.len() - 1]), (equity[0], equity[999]));
            assert!(points.contains(&1_000.0) && points.contains(&2.0), "{limit}");
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
