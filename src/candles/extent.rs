//! A stretch of one series in memory: what it covers, and how long it may be trusted.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Series;
use super::series::Joined;
use crate::domain::candles::Timeframe;

/// Candles of one page where none is missing; a page is read and kept on disk as one.
const PAGE_CANDLES: i64 = 1 << 16;

/// How long candles are trusted that were read from a source that cannot tell of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustRules {
    /// Candles that may still change, and the end of a series, for this long, milliseconds.
    pub fresh_ms: i64,
    /// Candles may still change for this long after they have closed, milliseconds.
    pub settle_ms: i64,
    /// All others for this long, milliseconds.
    pub keep_ms: i64,
}

/// When a page was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trust {
    /// Candles that open before this had settled when they were read.
    pub(super) settled_until: i64,
    /// When the oldest of them were read.
    pub(super) settled_read_ms: i64,
    /// When those behind them were read.
    pub(super) read_ms: i64,
}

/// The open times a query needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) span: Range<i64>,
    /// Since when the last stored candle is known: what was read before may lack it.
    pub(super) changed_ms: i64,
}

/// Pages of one series: equal stretches of time, counted from the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    length_ms: i64,
    page_ms: i64,
}

/// A stretch of a series. Never changed: what is longer or newer is another extent.
#[derive(Debug)]
pub(super) struct Extent {
    /// No other extent of the process with other candles has it.
    pub(super) id: u64,
    /// The open times it speaks of.
    pub(super) span: Range<i64>,
    pub(super) series: Series,
    /// One entry per page of the span; none where the source tells of changes.
    pub(super) trusts: Vec<Trust>,
    /// The extent of shorter candles that these were made of.
    pub(super) made_of: Option<u64>,
}

impl Grid {
    pub(super) fn of(timeframe: Timeframe) -> Self {
        let length_ms = timeframe.length_ms();
        Self { length_ms, page_ms: length_ms.saturating_mul(PAGE_CANDLES) }
    }

    /// The pages that `span` touches.
    pub(super) fn pages(self, span: &Range<i64>) -> Range<i64> {
        let end = span.end.saturating_sub(1).div_euclid(self.page_ms) + 1;
        span.start.div_euclid(self.page_ms)..end
    }

    /// The open times of `pages`.
    pub(super) fn span(self, pages: &Range<i64>) -> Range<i64> {
        pages.start.saturating_mul(self.page_ms)..pages.end.saturating_mul(self.page_ms)
    }

    pub(super) fn page(self, page: i64) -> Range<i64> {
        self.span(&(page..page + 1))
    }

    /// What may be said of a page that was read whole at `read_ms`.
    pub(super) fn trust(self, page: i64, read_ms: i64, rules: &TrustRules) -> Trust {
        let span = self.page(page);
        let settled = read_ms.saturating_sub(rules.settle_ms).saturating_sub(self.length_ms);
        let settled_until = settled.clamp(span.start, span.end);
        Trust { settled_until, settled_read_ms: read_ms, read_ms }
    }
}

impl Trust {
    /// Whether the page `span` answers `need` at `now_ms`.
    pub(super) fn answers(
        &self,
        need: &Need,
        span: &Range<i64>,
        rules: &TrustRules,
        now_ms: i64,
    ) -> bool {
        let settled = need.span.end.min(span.end) <= self.settled_until;
        let fresh =
            is_within(self.read_ms, rules.fresh_ms, now_ms) && self.read_ms >= need.changed_ms;
        self.is_kept(rules, now_ms) && (settled || fresh)
    }

    /// Whether what had settled may still be used.
    pub(super) fn is_kept(&self, rules: &TrustRules, now_ms: i64) -> bool {
        is_within(self.settled_read_ms, rules.keep_ms, now_ms)
    }
}

/// Whether `now_ms` is less than `length_ms` after `since_ms`; a clock that was set back ends it.
pub(super) fn is_within(since_ms: i64, length_ms: i64, now_ms: i64) -> bool {
    (since_ms..since_ms.saturating_add(length_ms)).contains(&now_ms)
}

impl Extent {
    /// An extent with an id of its own.
    pub(super) fn new(
        span: Range<i64>,
        series: Series,
        trusts: Vec<Trust>,
        made_of: Option<u64>,
    ) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { id, span, series, trusts, made_of }
    }

    /// Whether it holds the open times of `need`, and may be used for them.
    pub(super) fn answers(&self, need: &Need, grid: Grid, rules: &TrustRules, now_ms: i64) -> bool {
        let inside = self.span.start <= need.span.start && need.span.end <= self.span.end;
        inside
            && (self.trusts.is_empty()
                || grid.pages(&need.span).all(|page| {
                    self.trust(page, grid)
                        .is_some_and(|trust| trust.answers(need, &grid.page(page), rules, now_ms))
                }))
    }

    /// The pages alone, which it has.
    pub(super) fn cut(self, pages: Range<i64>, grid: Grid) -> Self {
        let span = grid.span(&pages);
        if span == self.span {
            return self;
        }
        let mut part = Joined::default();
        part.append(&self.series, &span);
        let trusts = pages.filter_map(|page| self.trust(page, grid)).collect();
        Self::new(span, part.into_series(), trusts, None)
    }

    pub(super) fn trust(&self, page: i64, grid: Grid) -> Option<Trust> {
        let index = page - grid.pages(&self.span).start;
        self.trusts.get(usize::try_from(index).ok()?).copied()
    }

    /// Whether the two overlap or follow each other.
    pub(super) fn touches(&self, span: &Range<i64>) -> bool {
        self.span.start <= span.end && span.start <= self.span.end
    }
}

impl Need {
    /// Whether whoever has what this needs has what `other` needs.
    pub(super) fn includes(&self, other: &Self) -> bool {
        self.span.start <= other.span.start && other.span.end <= self.span.end
    }
}
