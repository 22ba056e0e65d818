//! Reads an extent page by page: from memory, from disk, and what both lack from the source.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::{Disk, PageFile};
use super::extent::{Extent, Grid, Need, Trust, TrustRules};
use super::series::{Joined, between};
use super::shelf::{Shelf, Versioned};
use super::source::{Piece, blocking};
use super::{CandleError, CandleSource, Series, SeriesKey};

/// Most pages asked of the source in one read: about a million candles.
const READ_PAGES_MAX: i64 = 16;

/// Where one page comes from.
#[derive(Debug)]
struct Plan {
    page: i64,
    span: Range<i64>,
    base: Base,
    /// What the base is known by; none where there is none.
    trust: Option<Trust>,
    /// From where on the page is read from the source; the base is used before that.
    read_from: Option<i64>,
}

#[derive(Debug)]
enum Base {
    None,
    Memory(Arc<Extent>),
    Disk(PageFile),
}

/// Pages joined, or those whose file turned out to be broken and is gone.
enum Outcome {
    Joined(Extent),
    Broken,
}

/// Loads an extent that answers `need`, joined with those in memory that it touches.
pub(super) async fn fetch<S: CandleSource>(
    shelf: &Arc<Shelf<S>>,
    key: &Versioned<S>,
    need: &Need,
) -> Result<Extent, CandleError> {
    loop {
        let now_ms = shelf.now_ms();
        let plans = plan(shelf, key, need, now_ms).await?;
        let pieces = read(shelf, &key.0, &plans).await?;
        let (rules, disk) = (shelf.options.trust, shelf.disk.clone());
        let joining = Joining { series: key.0.clone(), disk, rules, now_ms };
        match blocking(move || Ok(joining.join(plans, &pieces))).await? {
            Outcome::Joined(extent) => return Ok(extent),
            // What was broken is no longer there, so this comes to an end.
            Outcome::Broken => {}
        }
    }
}

/// Says for each page of `need`, and of the extents that are joined with it, where it comes from.
async fn plan<S: CandleSource>(
    shelf: &Arc<Shelf<S>>,
    key: &Versioned<S>,
    need: &Need,
    now_ms: i64,
) -> Result<Vec<Plan>, CandleError> {
    let grid = Grid::of(key.0.timeframe);
    let rules = shelf.options.trust;
    let needed = grid.pages(&need.span);
    let held = shelf.memory.touching(key, &grid.span(&needed));
    let bytes = held.iter().map(|extent| extent.series.bytes()).sum();
    let mut pages = needed.clone();
    if shelf.memory.has_room_for(bytes) {
        for extent in &held {
            let more = grid.pages(&extent.span);
            pages = pages.start.min(more.start)..pages.end.max(more.end);
        }
    }
    let (disk, series, need) = (shelf.disk.clone(), key.0.clone(), need.clone());
    blocking(move || {
        let plan = |page: i64| {
            let span = grid.page(page);
            let in_memory = held.iter().find_map(|extent| {
                extent.trust(page, grid).map(|trust| (Base::Memory(Arc::clone(extent)), trust))
            });
            let answers = |trust: &Trust| {
                !needed.contains(&page) || trust.answers(&need, &span, &rules, now_ms)
            };
            let on_disk = || {
                let file = disk.as_ref()?.open(&series, page)?;
                let trust = file.trust();
                Some((Base::Disk(file), trust))
            };
            let base = match in_memory {
                Some((base, trust)) if answers(&trust) => Some((base, trust)),
                // Another process may have read it since.
                old => on_disk().filter(|(_, trust)| old.is_none() || answers(trust)).or(old),
            };
            plan_page(page, span.clone(), base, answers, &rules, now_ms)
        };
        Ok(pages.map(plan).collect())
    })
    .await
}

fn plan_page(
    page: i64,
    span: Range<i64>,
    base: Option<(Base, Trust)>,
    answers: impl Fn(&Trust) -> bool,
    rules: &TrustRules,
    now_ms: i64,
) -> Plan {
    let (base, trust, read_from) = match base {
        Some((base, trust)) if answers(&trust) => (base, Some(trust), None),
        Some((base, trust)) if trust.is_kept(rules, now_ms) && trust.settled_until > span.start => {
            (base, Some(trust), Some(trust.settled_until))
        }
        _ => (Base::None, None, Some(span.start)),
    };
    Plan { page, span, base, trust, read_from }
}

/// Reads what the plans lack: what follows each other in one read.
async fn read<S: CandleSource>(
    shelf: &Arc<Shelf<S>>,
    series: &SeriesKey,
    plans: &[Plan],
) -> Result<Vec<Piece>, CandleError> {
    let mut runs: Vec<(Range<i64>, i64)> = Vec::new();
    for plan in plans {
        let Some(from) = plan.read_from else { continue };
        match runs.last_mut() {
            Some((run, pages)) if run.end == from && *pages < READ_PAGES_MAX => {
                run.end = plan.span.end;
                *pages += 1;
            }
            _ => runs.push((from..plan.span.end, 1)),
        }
    }
    let mut candles: usize = plans.iter().map(Plan::candles_in_base).sum();
    let mut pieces = Vec::with_capacity(runs.len());
    for (run, _) in runs {
        shelf.counts.loads.fetch_add(1, Ordering::Relaxed);
        let piece = shelf.source.read(series, run.clone()).await?;
        if piece.covers.start > run.start || piece.covers.end < run.end {
            let found = format!("asked for {run:?}, got {:?} ms", piece.covers);
            let error = io::Error::new(io::ErrorKind::InvalidData, found);
            return Err(CandleError::io(format!("read {series}"), error));
        }
        candles += piece.series.candles.len();
        let candles_max = shelf.options.candles_max;
        if candles > candles_max {
            return Err(CandleError::TooLarge { file: series.to_string(), candles_max });
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

impl Plan {
    fn candles_in_base(&self) -> usize {
        match &self.base {
            Base::None => 0,
            Base::Memory(extent) => between(&extent.series.candles.time, &self.span).len(),
            Base::Disk(file) => file.candles(),
        }
    }
}

/// Joins pages of a series.
struct Joining {
    series: SeriesKey,
    disk: Option<Arc<Disk>>,
    rules: TrustRules,
    /// When what was read from the source was asked for.
    now_ms: i64,
}

impl Joining {
    /// Joins the pages, and writes those to disk that were read from the source; blocks.
    fn join(&self, plans: Vec<Plan>, pieces: &[Piece]) -> Outcome {
        let in_bases: usize = plans.iter().map(Plan::candles_in_base).sum();
        let in_pieces: usize = pieces.iter().map(|piece| piece.series.candles.len()).sum();
        let mut joined = Joined::with_capacity(in_bases + in_pieces);
        let (mut trusts, mut read) = (Vec::with_capacity(plans.len()), Vec::new());
        let (mut held, mut is_broken) = (None, false);
        let start = plans.first().map_or(0, |plan| plan.span.start);
        let end = plans.last().map_or(0, |plan| plan.span.end);
        for plan in plans {
            let base_end = plan.read_from.unwrap_or(plan.span.end);
            let trust = self.trust(&plan);
            match plan.base {
                Base::None => {}
                Base::Memory(extent) => {
                    joined.append(&extent.series, &(plan.span.start..base_end));
                    held = Some(extent);
                }
                Base::Disk(file) => {
                    is_broken |= !self.append(&file, plan.page, &mut joined);
                    joined.truncate(base_end);
                }
            }
            if let Some(from) = plan.read_from {
                if let Some(piece) = pieces.iter().find(|piece| piece.covers.contains(&from)) {
                    joined.append(&piece.series, &(from..plan.span.end));
                }
                read.push((plan.page, plan.span, trust));
            }
            trusts.push(trust);
        }
        if is_broken {
            return Outcome::Broken;
        }
        let joined = joined.into_series();
        if let Some(disk) = &self.disk {
            for (page, span, trust) in read {
                disk.write(&self.series, page, &joined, &span, trust);
            }
        }
        Outcome::Joined(extent(start..end, joined, trusts, held.as_deref()))
    }

    /// Adds a page from disk; whether it was sound.
    fn append(&self, file: &PageFile, page: i64, joined: &mut Joined) -> bool {
        let read = file.read_into(joined);
        if let (Err(problem), Some(disk)) = (&read, &self.disk) {
            disk.drop_broken(&self.series, page, problem);
        }
        read.is_ok()
    }

    /// What a page is known by once it is read.
    fn trust(&self, plan: &Plan) -> Trust {
        let now = Grid::of(self.series.timeframe).trust(plan.page, self.now_ms, &self.rules);
        match (plan.trust, plan.read_from) {
            (Some(trust), None) => trust,
            (Some(trust), Some(_)) => Trust {
                settled_until: trust.settled_until.max(now.settled_until),
                read_ms: self.now_ms,
                ..trust
            },
            (None, _) => now,
        }
    }
}

/// The extent of what was joined. Where it is what was held before, it keeps its name, so that all
/// that was computed from it stays good.
fn extent(span: Range<i64>, series: Series, trusts: Vec<Trust>, held: Option<&Extent>) -> Extent {
    match held {
        Some(held) if held.span == span && held.series == series => {
            let series = held.series.clone();
            Extent { id: held.id, span, series, trusts, made_of: None }
        }
        _ => Extent::new(span, series, trusts, None),
    }
}
