//! One file of the cache on disk: a head, columns, and checksums over both; little-endian.
//!
//! The head is of one length: magic, version, kind, subject, facts, counts, XXH3 of the body, XXH3 of
//! the head. The body is the columns time, open, high, low, close, volume, then the open times of
//! duplicates, incomplete and bad rows, eight bytes a value.

use std::fs::File;
use std::hash::Hasher as _;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::ops::Range;

use twox_hash::XxHash3_64;

use crate::candles::series::{Flaws, Joined};
use crate::domain::candles::Candles;

const MAGIC: [u8; 8] = *b"SLUICECN";
/// Raised whenever a file of before can no longer be read.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 136;
const VALUE_BYTES: u64 = 8;
const COLUMNS: u64 = 6;
/// Columns pass through a buffer of this size: large enough for the system calls not to count, small
/// enough to stay in the processor's cache between reading, checking and storing.
const BUFFER_BYTES: usize = 128 << 10;

/// Digest of what a file is about.
pub(super) type Subject = [u8; 32];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    Edges,
    Finer,
}

/// The head of a file.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) subject: Subject,
    pub(super) kind: Kind,
    /// What a kind has to say beside candles.
    pub(super) facts: [i64; 5],
    /// Candles, duplicates, incomplete rows, bad rows.
    pub(super) counts: [u64; 4],
    pub(super) body_hash: u64,
}

/// The candles and times of a page.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) candles: &'a Candles,
    pub(super) indices: Range<usize>,
    pub(super) flaws: &'a Flaws,
}

impl Header {
    /// Reads the head of a file about `subject`; the inner error says what is wrong with it.
    pub(super) fn read(mut file: &File, subject: &Subject) -> io::Result<Result<Self, String>> {
        let bytes = file.metadata()?.len();
        let mut head = [0; HEADER_BYTES];
        if bytes < HEADER_BYTES as u64 {
            return Ok(Err(format!("found {bytes} bytes, allowed at least {HEADER_BYTES}")));
        }
        file.read_exact(&mut head)?;
        Ok(Self::parse(&head, subject).and_then(|header| {
            let expected = header.file_bytes();
            if bytes == expected {
                Ok(header)
            } else {
                Err(format!("found {bytes} bytes, allowed {expected}"))
            }
        }))
    }

    fn parse(head: &[u8; HEADER_BYTES], subject: &Subject) -> Result<Self, String> {
        let mut fields = Fields(head);
        if fields.take::<8>() != MAGIC {
            return Err("found another kind of file".to_owned());
        }
        let version = u32::from_le_bytes(fields.take());
        if version != VERSION {
            return Err(format!("found version {version}, allowed {VERSION}"));
        }
        let kind = match u32::from_le_bytes(fields.take()) {
            1 => Kind::Page,
            2 => Kind::Edges,
            3 => Kind::Finer,
            other => return Err(format!("found kind {other}, allowed 1 to 3")),
        };
        let header = Self {
            kind,
            subject: fields.take(),
            facts: [(); 5].map(|()| i64::from_le_bytes(fields.take())),
            counts: [(); 4].map(|()| u64::from_le_bytes(fields.take())),
            body_hash: u64::from_le_bytes(fields.take()),
        };
        let hash = u64::from_le_bytes(fields.take());
        let checked = head.get(..HEADER_BYTES - 8).unwrap_or_default();
        if XxHash3_64::oneshot(checked) != hash {
            return Err("the checksum of its head is wrong".to_owned());
        }
        if header.subject != *subject {
            return Err("it is about another series or page".to_owned());
        }
        Ok(header)
    }

    fn bytes(&self) -> Vec<u8> {
        let kind: u32 = match self.kind {
            Kind::Page => 1,
            Kind::Edges => 2,
            Kind::Finer => 3,
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(self.subject);
        bytes.extend(self.facts.iter().flat_map(|fact| fact.to_le_bytes()));
        bytes.extend(self.counts.iter().flat_map(|count| count.to_le_bytes()));
        bytes.extend(self.body_hash.to_le_bytes());
        let hash = XxHash3_64::oneshot(&bytes);
        bytes.extend(hash.to_le_bytes());
        bytes
    }

    pub(super) fn candles(&self) -> usize {
        let [candles, ..] = self.counts;
        usize::try_from(candles).unwrap_or(usize::MAX)
    }

    /// Bytes of the whole file; more than any file has where the counts cannot be.
    pub(super) fn file_bytes(&self) -> u64 {
        let [candles, duplicates, incomplete, bad] = self.counts;
        let values = candles
            .saturating_mul(COLUMNS)
            .saturating_add(duplicates)
            .saturating_add(incomplete)
            .saturating_add(bad);
        values.saturating_mul(VALUE_BYTES).saturating_add(HEADER_BYTES as u64)
    }
}

/// Fields of a head one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

/// Writes a whole file. The head comes last, so that no sound head stands before half a body.
pub(super) fn write(file: &mut File, header: &Header, body: &Body<'_>) -> io::Result<()> {
    file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
    let mut writer = Writer { file: &mut *file, hash: XxHash3_64::new(), buffer: Vec::new() };
    let Body { candles, indices, flaws } = body;
    writer.column(candles.time.get(indices.clone()).unwrap_or_default(), i64::to_le_bytes)?;
    for column in candles.prices() {
        writer.column(column.get(indices.clone()).unwrap_or_default(), f64::to_le_bytes)?;
    }
    for times in [&flaws.duplicates, &flaws.incomplete, &flaws.bad] {
        writer.column(times, i64::to_le_bytes)?;
    }
    let body_hash = writer.hash.finish();
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&Header { body_hash, ..header.clone() }.bytes())
}

struct Writer<'a> {
    file: &'a mut File,
    hash: XxHash3_64,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn column<T: Copy>(&mut self, values: &[T], bytes_of: impl Fn(T) -> [u8; 8]) -> io::Result<()> {
        for block in values.chunks(BUFFER_BYTES / 8) {
            self.buffer.clear();
            self.buffer.extend(block.iter().flat_map(|value| bytes_of(*value)));
            self.hash.write(&self.buffer);
            self.file.write_all(&self.buffer)?;
        }
        Ok(())
    }
}

/// Adds the columns behind the head to `joined` and checks them.
pub(super) fn read_body(
    mut file: &File,
    header: &Header,
    joined: &mut Joined,
) -> Result<(), String> {
    let text = |error: io::Error| format!("read: {error}");
    file.seek(SeekFrom::Start(HEADER_BYTES as u64)).map_err(text)?;
    let [candles, duplicates, incomplete, bad] = header.counts;
    let mut reader = Reader { file, hash: XxHash3_64::new(), buffer: vec![0; BUFFER_BYTES] };
    let Joined { candles: columns, flaws } = joined;
    reader.column(candles, &mut columns.time, i64::from_le_bytes).map_err(text)?;
    for column in columns.prices_mut() {
        reader.column(candles, column, f64::from_le_bytes).map_err(text)?;
    }
    let Flaws { duplicates: twice, incomplete: partial, bad: broken } = flaws;
    for (count, times) in [(duplicates, twice), (incomplete, partial), (bad, broken)] {
        reader.column(count, times, i64::from_le_bytes).map_err(text)?;
    }
    if reader.hash.finish() == header.body_hash {
        Ok(())
    } else {
        Err("the checksum of its candles is wrong".to_owned())
    }
}

struct Reader<'a> {
    file: &'a File,
    hash: XxHash3_64,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn column<T>(
        &mut self,
        count: u64,
        values: &mut Vec<T>,
        value_of: impl Fn([u8; 8]) -> T,
    ) -> io::Result<()> {
        let mut left = usize::try_from(count * VALUE_BYTES).unwrap_or(usize::MAX);
        while left > 0 {
            let block = left.min(BUFFER_BYTES);
            let block = self.buffer.get_mut(..block).unwrap_or_default();
            self.file.read_exact(block)?;
            self.hash.write(block);
            let (chunks, _) = block.as_chunks::<8>();
            values.extend(chunks.iter().map(|bytes| value_of(*bytes)));
            left -= block.len();
        }
        Ok(())
    }
}
