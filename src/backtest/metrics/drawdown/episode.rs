//! When the equity was below the peak: from which close to which.

use std::ops::Range;

use crate::backtest::checked::CheckedCandles;
use crate::backtest::curve::Curve;

use super::depth::Depth;

/// Some closes, one of which is meant.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) bars: Range<usize>,
    /// Its price; `None` for the first of them.
    pub(super) close: Option<f64>,
}

impl Place {
    /// The first candle that closes at the price.
    pub(super) fn find(&self, candles: &CheckedCandles) -> usize {
        let found = self.close.and_then(|close| candles.first_close(self.bars.clone(), close));
        found.unwrap_or(self.bars.start)
    }
}

/// The largest drawdown so far.
#[derive(Debug, Clone)]
pub(super) struct Deepest {
    /// `1 - equity / peak`; above 1 for debts.
    pub(super) share: f64,
    /// The last close at the peak; `None` for the starting balance.
    pub(super) peak: Option<usize>,
    pub(super) trough: Place,
    pub(super) recovery: Option<usize>,
}

/// The time since the last close at the peak, and the records of all such times.
#[derive(Debug)]
pub(super) struct Episode {
    first_bar: usize,
    peak: Option<usize>,
    /// The lowest equity since; infinity if none lay below.
    lowest: f64,
    records: Records,
}

/// The largest so far of each kind.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) deepest: Option<Deepest>,
    /// Difference to the peak at a close, account currency.
    pub(super) money: f64,
    /// Time from a close at the peak to the one that reached it again, milliseconds.
    pub(super) longest_ms: i64,
}

impl Episode {
    pub(super) fn new(curve: &Curve) -> Self {
        Self {
            first_bar: curve.bars().start,
            peak: None,
            lowest: f64::INFINITY,
            records: Records::default(),
        }
    }

    /// Closes below the peak, the lowest of which has the equity `lowest`.
    pub(super) fn sink(&mut self, depth: &Depth, lowest: f64, trough: Place) {
        if lowest >= self.lowest {
            return;
        }
        self.lowest = lowest;
        let (share, records) = (depth.share(lowest), &mut self.records);
        records.money = records.money.max(depth.money(lowest));
        if records.deepest.as_ref().is_none_or(|deepest| share > deepest.share) {
            let peak = self.peak;
            records.deepest = Some(Deepest { share, peak, trough, recovery: None });
        }
    }

    /// A close at or above the peak.
    pub(super) fn recover(&mut self, bar: usize, candles: &CheckedCandles) {
        if self.lowest < f64::INFINITY {
            let below_ms = self.time_until(bar, candles);
            self.lowest = f64::INFINITY;
            self.records.longest_ms = self.records.longest_ms.max(below_ms);
            if let Some(deepest) = &mut self.records.deepest
                && deepest.peak == self.peak
            {
                deepest.recovery = Some(bar);
            }
        }
        self.peak = Some(bar);
    }

    /// The equity stayed at the peak until the close of `bar`.
    pub(super) fn stay(&mut self, bar: usize) {
        self.peak = Some(bar);
    }

    /// The records. A run that ends below the peak counts until its last candle.
    pub(super) fn finish(mut self, last: usize, candles: &CheckedCandles) -> Records {
        if self.lowest < f64::INFINITY {
            let below_ms = self.time_until(last, candles);
            self.records.longest_ms = self.records.longest_ms.max(below_ms);
        }
        self.records
    }

    /// Time from the peak to a close. The balance was there when the first candle opened, as if a
    /// candle had just closed.
    fn time_until(&self, bar: usize, candles: &CheckedCandles) -> i64 {
        let time = |bar: usize| candles.candles().time.get(bar).copied().unwrap_or_default();
        let first = || time(self.first_bar) - candles.timeframe().length_ms();
        time(bar) - self.peak.map_or_else(first, time)
    }
}
