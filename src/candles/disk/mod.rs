//! Pages on disk: what one process has read, it and others need not read again.
//!
//! `<dir>/<source>/<ticker>/<timeframe>/<page>.candles`. Files appear whole or not at all and never
//! change, so any number of processes may share a folder. Whatever is wrong with a file or the disk,
//! candles are read from the source instead.

mod format;
mod room;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use self::format::{Header, Kind, Subject};
use self::room::Room;
use super::clock::system_time;
use super::edges::Edges;
use super::extent::Trust;
use super::series::{Flaws, Joined, between, indices};
use super::{Series, SeriesKey};
use crate::domain::candles::{Candles, Timeframe};

/// Longest name of a ticker's folder in bytes; longer ones are named by their digest.
const NAME_BYTES_MAX: usize = 120;

/// Where pages are kept on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskOptions {
    /// The folder; it is made when it is not there.
    pub dir: PathBuf,
    /// Bytes of all files together.
    pub bytes_max: u64,
}

/// The files of one source.
#[derive(Debug)]
pub(super) struct Disk {
    dir: PathBuf,
    identity: String,
    room: Room,
    is_failing: AtomicBool,
    pages_read: AtomicU64,
    pages_dropped: AtomicU64,
}

/// A page whose head has been read and is sound.
#[derive(Debug)]
pub(super) struct PageFile {
    file: File,
    header: Header,
}

impl PageFile {
    pub(super) fn trust(&self) -> Trust {
        let [settled_until, settled_read_ms, read_ms, ..] = self.header.facts;
        Trust { settled_until, settled_read_ms, read_ms }
    }

    pub(super) fn candles(&self) -> usize {
        self.header.candles()
    }

    /// Adds the page's candles behind everything there is; on an error nothing can be said of what
    /// was added.
    pub(super) fn read_into(&self, joined: &mut Joined) -> Result<(), String> {
        format::read_body(&self.file, &self.header, joined)
    }
}

impl Disk {
    /// Files below `options.dir` of what is read from the place that `identity` names.
    pub(super) fn new(options: &DiskOptions, identity: &str) -> Self {
        let name: String = hex(&Sha256::digest(identity)).chars().take(16).collect();
        Self {
            dir: options.dir.join(name),
            identity: identity.to_owned(),
            room: Room::new(options.dir.clone(), options.bytes_max),
            is_failing: AtomicBool::new(false),
            pages_read: AtomicU64::new(0),
            pages_dropped: AtomicU64::new(0),
        }
    }

    /// Pages opened, and files that were broken and are gone.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.pages_read.load(Ordering::Relaxed), self.pages_dropped.load(Ordering::Relaxed))
    }

    /// The page, if it is stored and its head is sound. It counts as used now.
    pub(super) fn open(&self, series: &SeriesKey, page: i64) -> Option<PageFile> {
        let path = self.path(series, &page_name(page));
        let (file, header) = self.open_file(&path, &self.subject(series, Kind::Page, page))?;
        self.pages_read.fetch_add(1, Ordering::Relaxed);
        // Who may read a file need not be its owner; then it is merely dropped sooner.
        file.set_modified(system_time()).ok();
        Some(PageFile { file, header })
    }

    /// What is known of where a series begins and ends.
    pub(super) fn edges(&self, series: &SeriesKey) -> Option<Edges> {
        let path = self.path(series, EDGES_NAME);
        let (file, header) = self.open_file(&path, &self.subject(series, Kind::Edges, 0))?;
        file.set_modified(system_time()).ok();
        let [is_stored, first, last, read_ms, changed_ms] = header.facts;
        Some(Edges { stored: (is_stored == 1).then_some((first, last)), read_ms, changed_ms })
    }

    /// The timeframe whose candles those of a series that is not stored are made of, and when that
    /// was found.
    pub(super) fn finer(&self, series: &SeriesKey) -> Option<(Timeframe, i64)> {
        let path = self.path(series, FINER_NAME);
        let (_, header) = self.open_file(&path, &self.subject(series, Kind::Finer, 0))?;
        let [length_ms, read_ms, ..] = header.facts;
        let mut timeframes = Timeframe::names().filter_map(|name| name.parse::<Timeframe>().ok());
        Some((timeframes.find(|timeframe| timeframe.length_ms() == length_ms)?, read_ms))
    }

    /// Stores what a series that is not stored is made of.
    pub(super) fn write_finer(&self, key: &SeriesKey, finer: Timeframe, read_ms: i64) {
        self.write_facts(key, FINER_NAME, Kind::Finer, [finer.length_ms(), read_ms, 0, 0, 0]);
    }

    /// Stores the part of `series` that opens in `span` as a page.
    pub(super) fn write(
        &self,
        key: &SeriesKey,
        page: i64,
        series: &Series,
        span: &Range<i64>,
        trust: Trust,
    ) {
        let candles = indices(&series.candles.time, span);
        let header = Header {
            subject: self.subject(key, Kind::Page, page),
            kind: Kind::Page,
            facts: [trust.settled_until, trust.settled_read_ms, trust.read_ms, 0, 0],
            counts: [
                candles.len() as u64,
                between(&series.flaws.duplicates, span).len() as u64,
                between(&series.flaws.incomplete, span).len() as u64,
                between(&series.flaws.bad, span).len() as u64,
            ],
            body_hash: 0,
        };
        let flaws = series.flaws.within(span);
        let body = format::Body { candles: &series.candles, indices: candles, flaws: &flaws };
        self.write_file(&self.path(key, &page_name(page)), &header, &body);
    }

    /// Stores where a series begins and ends.
    pub(super) fn write_edges(&self, key: &SeriesKey, edges: Edges) {
        let (first, last) = edges.stored.unwrap_or_default();
        let is_stored = i64::from(edges.stored.is_some());
        let facts = [is_stored, first, last, edges.read_ms, edges.changed_ms];
        self.write_facts(key, EDGES_NAME, Kind::Edges, facts);
    }

    fn write_facts(&self, key: &SeriesKey, name: &str, kind: Kind, facts: [i64; 5]) {
        let subject = self.subject(key, kind, 0);
        let header = Header { subject, kind, facts, counts: [0; 4], body_hash: 0 };
        let (candles, flaws) = (Candles::default(), Flaws::default());
        let body = format::Body { candles: &candles, indices: 0..0, flaws: &flaws };
        self.write_file(&self.path(key, name), &header, &body);
    }

    /// Deletes a page whose body turned out to be broken.
    pub(super) fn drop_broken(&self, series: &SeriesKey, page: i64, problem: &str) {
        self.drop_file(&self.path(series, &page_name(page)), problem);
    }

    fn open_file(&self, path: &Path, subject: &Subject) -> Option<(File, Header)> {
        let opened = File::open(path).and_then(|file| Ok((Header::read(&file, subject)?, file)));
        match opened {
            Ok((Ok(header), file)) => return Some((file, header)),
            Ok((Err(problem), _)) => self.drop_file(path, &problem),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.failed("read", path, &error),
        }
        None
    }

    fn write_file(&self, path: &Path, header: &Header, body: &format::Body<'_>) {
        let write = || -> io::Result<()> {
            if !self.room.make(header.file_bytes())? {
                return Ok(());
            }
            let folder = path.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut part =
                tempfile::Builder::new().prefix(room::PART_PREFIX).tempfile_in(folder)?;
            format::write(part.as_file_mut(), header, body)?;
            part.as_file().sync_all()?;
            part.persist(path)?;
            // The name is as safe as what it names.
            File::open(folder)?.sync_all()
        };
        match write() {
            Ok(()) => {
                if self.is_failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the candle cache on disk works again");
                }
            }
            Err(error) => self.failed("write", path, &error),
        }
    }

    fn drop_file(&self, path: &Path, problem: &str) {
        self.pages_dropped.fetch_add(1, Ordering::Relaxed);
        let file = path.display();
        tracing::warn!(%file, problem, "broken file of the candle cache: dropped, read again");
        if let Err(error) = fs::remove_file(path)
            && error.kind() != io::ErrorKind::NotFound
        {
            self.failed("remove", path, &error);
        }
    }

    /// One line for a disk that stops to work, not one for each file.
    fn failed(&self, attempt: &str, path: &Path, error: &io::Error) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            let file = path.display();
            tracing::warn!(attempt, %file, %error, "candle cache on disk: going on without it");
        }
    }

    fn path(&self, series: &SeriesKey, name: &str) -> PathBuf {
        self.dir.join(folder_name(&series.ticker)).join(series.timeframe.name()).join(name)
    }

    /// What a file is about, whatever it is named.
    fn subject(&self, series: &SeriesKey, kind: Kind, page: i64) -> Subject {
        let SeriesKey { ticker, timeframe } = series;
        let text = format!("{}\n{ticker}\n{timeframe}\n{kind:?}\n{page}", self.identity);
        Sha256::digest(text).into()
    }
}

const EDGES_NAME: &str = "series.candles";
const FINER_NAME: &str = "made_of.candles";

fn page_name(page: i64) -> String {
    format!("{page}.{}", room::ENDING)
}

/// A ticker, which may be any text, as the name of a folder.
fn folder_name(ticker: &str) -> String {
    let mut name = String::with_capacity(ticker.len());
    for (index, byte) in ticker.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || b"_-".contains(&byte) || byte == b'.' && index > 0 {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(name, "%{byte:02X}").ok();
        }
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return format!("%{}", hex(&Sha256::digest(ticker)));
    }
    name
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ticker_names_one_folder_that_does_not_lead_elsewhere() {
        let long = "x".repeat(200);
        let names = ["BTC-USD", "BTC/USD", "BTC%2FUSD", "..", "", "brk.b", "BRK.B", "é", &long];
        let mut folders: Vec<_> = names.iter().map(|name| folder_name(name)).collect();
        assert_eq!(folders[..5], ["BTC-USD", "BTC%2FUSD", "BTC%252FUSD", "%2E.", &folders[4]]);
        for folder in &folders {
            assert!(!folder.contains('/') && !folder.starts_with('.') && folder.len() <= 120);
        }
        folders.sort_unstable();
        folders.dedup();
        assert_eq!(folders.len(), names.len());
    }
}
