//! Where stored series begin and end, remembered for as long as that may be trusted.

use std::sync::Arc;

use moka::sync::Cache;

use futures_util::FutureExt as _;

use super::extent::{TrustRules, is_within};
use super::flights::Flights;
use super::shelf::Shelf;
use super::source::blocking;
use super::{CandleError, CandleRange, CandleSource, SeriesKey};
use crate::domain::candles::Timeframe;

/// How many series' edges are remembered.
const SERIES_MAX: u64 = 10_000;

/// The first and the last stored candle of a series, and since when that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edges {
    /// Their open times; none where nothing was stored.
    pub(super) stored: Option<(i64, i64)>,
    /// When the source was asked.
    pub(super) read_ms: i64,
    /// Since when the last candle is the last one, as far as is known.
    pub(super) changed_ms: i64,
}

/// Edges of many series.
#[derive(Debug)]
pub(super) struct EdgesBook {
    known: Cache<SeriesKey, Edges>,
    flights: Flights<SeriesKey, CandleRange, Edges>,
}

impl EdgesBook {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(SERIES_MAX), flights: Flights::new() }
    }

    /// Whether the source was asked about a series, by this process.
    pub(super) fn knows(&self, series: &SeriesKey) -> bool {
        self.known.contains_key(series)
    }
}

impl Edges {
    /// Whether they may be used for `range` at `now_ms`.
    fn answer(
        &self,
        range: CandleRange,
        timeframe: Timeframe,
        rules: &TrustRules,
        now_ms: i64,
    ) -> bool {
        let fresh = is_within(self.read_ms, rules.fresh_ms, now_ms);
        let Some((_, last)) = self.stored else { return fresh };
        let settled = match range {
            CandleRange::Last { .. } => false,
            CandleRange::Between { until_ms, .. } => {
                until_ms <= last.saturating_add(timeframe.length_ms())
                    || until_ms <= self.read_ms.saturating_sub(rules.settle_ms)
            }
        };
        fresh || settled && is_within(self.read_ms, rules.keep_ms, now_ms)
    }
}

impl<S: CandleSource> Shelf<S> {
    /// The edges of a series that is read in pages, good enough to answer `range`.
    pub(super) async fn edges(
        self: &Arc<Self>,
        series: &SeriesKey,
        range: CandleRange,
    ) -> Result<Edges, CandleError> {
        let rules = self.options.trust;
        let answer = |edges: &Edges, now_ms| edges.answer(range, series.timeframe, &rules, now_ms);
        loop {
            if let Some(edges) = self.edges.known.get(series)
                && answer(&edges, self.now_ms())
            {
                return Ok(edges);
            }
            let (flight, asked) = self.edges.flights.join(series.clone(), range, || {
                ask(Arc::clone(self), series.clone(), range).boxed()
            });
            let edges = flight.await?;
            if asked == range || answer(&edges, self.now_ms()) {
                return Ok(edges);
            }
        }
    }
}

/// Looks on disk, then asks the source.
async fn ask<S: CandleSource>(
    shelf: Arc<Shelf<S>>,
    series: SeriesKey,
    range: CandleRange,
) -> Result<Edges, CandleError> {
    let rules = shelf.options.trust;
    let known = &shelf.edges.known;
    let read_ms = shelf.now_ms();
    let answers = |edges: &Edges| edges.answer(range, series.timeframe, &rules, read_ms);
    let mut old = known.get(&series);
    if !old.as_ref().is_some_and(answers)
        && let Some(disk) = shelf.disk.clone()
    {
        let series = series.clone();
        // Another process may have asked since.
        let on_disk = blocking(move || Ok(disk.edges(&series))).await?;
        old = on_disk.filter(|new| old.is_none_or(|old| old.read_ms < new.read_ms)).or(old);
    }
    if let Some(edges) = old.filter(answers) {
        known.insert(series, edges);
        return Ok(edges);
    }
    let stored = shelf.source.span(&series).await?;
    let last = |stored: Option<(i64, i64)>| stored.map(|(_, last)| last);
    let same = old.filter(|edges| last(edges.stored) == last(stored));
    let changed_ms = same.map_or(read_ms, |edges| edges.changed_ms);
    let edges = Edges { stored, read_ms, changed_ms };
    known.insert(series.clone(), edges);
    if let Some(disk) = shelf.disk.clone() {
        let write = move || {
            disk.write_edges(&series, edges);
            Ok(())
        };
        blocking(write).await?;
    }
    Ok(edges)
}
