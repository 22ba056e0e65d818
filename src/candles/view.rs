//! From a query to an extent that answers it: which stored series, which part of it.

use std::ops::Range;
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::extent::{Extent, Need, is_within};
use super::files::nearest;
use super::query::Bounds;
use super::resampled::{complete_within, finer, make};
use super::shelf::Versioned;
use super::source::{Reading, blocking};
use super::{CandleCache, CandleError, CandleQuery, CandleSource, SeriesKey};
use crate::domain::candles::Timeframe;

/// The stored series that a query is answered from.
pub(super) struct View<S: CandleSource> {
    /// The stored series.
    key: Versioned<S>,
    /// All of it, where it is read whole.
    whole: Option<Arc<Extent>>,
    /// Open times of its first and last candle.
    stored: Option<(i64, i64)>,
    /// Since when the last one is known.
    changed_ms: i64,
    /// The timeframe asked for, where it is not the stored one.
    longer: Option<Timeframe>,
}

impl<S: CandleSource> CandleCache<S> {
    /// Finds the stored series that answers `query`.
    pub(super) async fn view(&self, query: &CandleQuery) -> Result<View<S>, CandleError> {
        let asked = query.series();
        if let Some(timeframe) = self.known_finer(&asked).await? {
            let stored = SeriesKey { timeframe, ..asked };
            return self.view_of(stored, query).await;
        }
        let missing = match self.view_of(asked.clone(), query).await {
            Err(error @ CandleError::NoSeries { .. }) => error,
            found => return found,
        };
        let CandleError::NoSeries { stored, .. } = &missing else { return Err(missing) };
        let Some(timeframe) = finer(asked.timeframe, stored) else { return Err(missing) };
        self.finer.insert(asked.clone(), timeframe).await;
        if let Some(disk) = self.shelf.disk.clone() {
            let (asked, now_ms) = (asked.clone(), self.shelf.now_ms());
            let write = move || {
                disk.write_finer(&asked, timeframe, now_ms);
                Ok(())
            };
            blocking(write).await?;
        }
        self.view_of(SeriesKey { timeframe, ..asked }, query).await
    }

    /// The timeframe that candles of a series are made of, where that was found not long ago.
    async fn known_finer(&self, asked: &SeriesKey) -> Result<Option<Timeframe>, CandleError> {
        if let Some(timeframe) = self.finer.get(asked).await {
            return Ok(Some(timeframe));
        }
        let Some(disk) = self.shelf.disk.clone().filter(|_| !self.shelf.edges.knows(asked)) else {
            return Ok(None);
        };
        let series = asked.clone();
        let on_disk = blocking(move || Ok(disk.finer(&series))).await?;
        let (settle_ms, now_ms) = (self.shelf.options.trust.settle_ms, self.shelf.now_ms());
        let found = on_disk.filter(|(_, read_ms)| is_within(*read_ms, settle_ms, now_ms));
        if let Some((timeframe, _)) = found {
            self.finer.insert(asked.clone(), timeframe).await;
        }
        Ok(found.map(|(timeframe, _)| timeframe))
    }

    async fn view_of(&self, key: SeriesKey, query: &CandleQuery) -> Result<View<S>, CandleError> {
        let version = self.versions.try_get_with_by_ref(&key, self.shelf.source.version(&key));
        let version = version.await.map_err(Arc::unwrap_or_clone)?;
        let longer = (key.timeframe != query.timeframe).then_some(query.timeframe);
        if let Reading::Pages { .. } = self.shelf.reading {
            let edges = self.shelf.edges(&key, query.range).await?;
            if edges.stored.is_none() {
                return Err(self.not_stored(&key, query).await?);
            }
            let (stored, changed_ms) = (edges.stored, edges.changed_ms);
            return Ok(View { key: (key, version), whole: None, stored, changed_ms, longer });
        }
        let key = (key, version);
        let need = Need { span: i64::MIN..i64::MAX, changed_ms: i64::MIN };
        let whole = self.shelf.extent(&key, &need).await?;
        let time = &whole.series.candles.time;
        let stored = time.first().copied().zip(time.last().copied());
        Ok(View { key, stored, whole: Some(whole), changed_ms: i64::MIN, longer })
    }

    /// Why there is nothing of a series in a source that is read in pages.
    async fn not_stored(
        &self,
        key: &SeriesKey,
        query: &CandleQuery,
    ) -> Result<CandleError, CandleError> {
        let list = async { self.shelf.source.list().await.map(Arc::new) };
        let list = self.list.try_get_with((), list).await.map_err(Arc::unwrap_or_clone)?;
        let of_ticker = list.iter().filter(|series| series.ticker == key.ticker);
        let stored: Vec<_> = of_ticker.map(|series| series.timeframe).collect();
        if stored.is_empty() {
            let mut known: Vec<_> = list.iter().map(|series| series.ticker.clone()).collect();
            known.dedup();
            return Ok(CandleError::unknown_ticker(&key.ticker, nearest(&key.ticker, &known)));
        }
        if stored.contains(&key.timeframe) {
            // It has rows, none of which is a candle.
            return Ok(query.no_candles(None));
        }
        Ok(CandleError::NoSeries { series: key.clone(), stored })
    }

    /// The time of `query` that there are candles for, and an extent with them and as many before
    /// them as are asked for, if there are.
    pub(super) async fn window_of(
        &self,
        view: &View<S>,
        query: &CandleQuery,
    ) -> Result<(Bounds, Arc<Extent>), CandleError> {
        let stored = match (view.stored, view.longer) {
            (Some(stored), Some(longer)) => {
                let span = self.complete(view, longer, &(i64::MIN..i64::MAX), stored);
                (!span.is_empty()).then(|| (span.start, span.end - longer.length_ms()))
            }
            (stored, _) => stored,
        };
        let bounds = Bounds::of(query, stored)?;
        let (first, _) = bounds.stored;
        let count = |candles: usize| i64::try_from(candles).unwrap_or(i64::MAX);
        let mut back = count(query.warmup_candles).saturating_mul(query.timeframe.length_ms());
        let mut start = bounds.from_ms.saturating_sub(back).max(first);
        loop {
            let extent = self.extent(view, &(start..bounds.until_ms)).await?;
            let time = &extent.series.candles.time;
            let warmup = time.partition_point(|open| *open < bounds.from_ms);
            let reached = start.min(extent.span.start);
            if warmup >= query.warmup_candles || reached <= first {
                return Ok((bounds, extent));
            }
            // Gaps have eaten some; those before may be as large, or larger.
            let seen_ms = bounds.from_ms.saturating_sub(reached);
            let missing = query.warmup_candles - warmup;
            let as_dense = (seen_ms / count(warmup).max(1)).saturating_mul(count(missing));
            back = back.saturating_mul(2).max(as_dense);
            start = reached.saturating_sub(back).max(first);
        }
    }

    /// An extent of the timeframe asked for that holds the open times of `span`.
    async fn extent(&self, view: &View<S>, span: &Range<i64>) -> Result<Arc<Extent>, CandleError> {
        let span = match view.longer {
            Some(longer) => longer.start_of(span.start)..longer.first_start_from(span.end),
            None => span.clone(),
        };
        let extent = match &view.whole {
            Some(whole) => Arc::clone(whole),
            None => {
                let need = Need { span, changed_ms: view.changed_ms };
                self.shelf.extent(&view.key, &need).await?
            }
        };
        match (view.longer, view.stored) {
            (Some(longer), Some(stored)) => self.resampled(view, &extent, longer, stored).await,
            _ => Ok(extent),
        }
    }

    /// Candles of `longer`, made once of all that `parts` has.
    async fn resampled(
        &self,
        view: &View<S>,
        parts: &Arc<Extent>,
        longer: Timeframe,
        stored: (i64, i64),
    ) -> Result<Arc<Extent>, CandleError> {
        let (SeriesKey { ticker, timeframe: shorter }, version) = &view.key;
        let span = self.complete(view, longer, &parts.span, stored);
        let series = SeriesKey { ticker: ticker.clone(), timeframe: longer };
        let key = (series, version.clone());
        let made_of = Some(parts.id);
        loop {
            let suits = |made: &Extent| made.made_of == made_of && made.span == span;
            if let Some(made) = self.shelf.memory.find(&key, suits) {
                return Ok(made);
            }
            let (flight, asked) = self.resampling.join((parts.id, longer), span.clone(), || {
                let (parts, shorter, span) = (Arc::clone(parts), *shorter, span.clone());
                blocking(move || Ok(Arc::new(make(&parts, shorter, longer, span)))).boxed()
            });
            let made = flight.await?;
            if asked == span {
                self.shelf.memory.put(key, Arc::clone(&made));
                return Ok(made);
            }
        }
    }

    /// The open times in `span` of candles of `longer` that can be made.
    fn complete(
        &self,
        view: &View<S>,
        longer: Timeframe,
        span: &Range<i64>,
        stored: (i64, i64),
    ) -> Range<i64> {
        complete_within(span, stored, view.key.0.timeframe, longer, self.shelf.now_ms())
    }
}
