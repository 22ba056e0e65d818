//! Keeps the files of the cache below a size: those used least recently go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// How names of files begin that are not finished.
pub(super) const PART_PREFIX: &str = ".part-";
/// How names of finished files end. What is named otherwise is not ours.
pub(super) const ENDING: &str = "candles";
/// What is not finished after this long never will be: its writer has died.
const PART_AGE_MAX: Duration = Duration::from_mins(10);
/// The folder is looked through this often at most, as long as there is room by our own count.
/// Others write into it too.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Folders above the files: source, ticker, timeframe.
const DEPTH: usize = 3;

/// The room that the files of all sources have together.
#[derive(Debug)]
pub(super) struct Room {
    dir: PathBuf,
    bytes_max: u64,
    last: Mutex<Option<Look>>,
}

/// The bytes found when the folder was last looked through, and written since.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    bytes: u64,
}

struct Found {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

impl Room {
    pub(super) fn new(dir: PathBuf, bytes_max: u64) -> Self {
        Self { dir, bytes_max, last: Mutex::new(None) }
    }

    /// Makes room for a file of so many bytes; false when there is none for one that large.
    pub(super) fn make(&self, bytes: u64) -> io::Result<bool> {
        if bytes > self.bytes_max {
            return Ok(false);
        }
        let mut last = self.last.lock();
        let known = last.filter(|look| {
            look.at.elapsed() < LOOK_INTERVAL && look.bytes + bytes <= self.bytes_max
        });
        let mut look = match known {
            Some(look) => look,
            None => Look { at: Instant::now(), bytes: self.drop_oldest(bytes)? },
        };
        look.bytes += bytes;
        *last = Some(look);
        Ok(true)
    }

    /// Drops files until `bytes` more have room; the bytes of those that stay.
    fn drop_oldest(&self, bytes: u64) -> io::Result<u64> {
        let mut found = Vec::new();
        look_through(&self.dir, DEPTH, &mut found)?;
        let mut total: u64 = found.iter().map(|file| file.bytes).sum();
        if total + bytes > self.bytes_max {
            found.sort_unstable_by_key(|file| file.used);
            // A little more than must be, or every file would need its own look.
            let goal = (self.bytes_max - self.bytes_max / 16).saturating_sub(bytes);
            for file in found {
                if total <= goal {
                    break;
                }
                remove(&file.path)?;
                total -= file.bytes;
            }
        }
        Ok(total)
    }
}

fn look_through(folder: &Path, depth: usize, found: &mut Vec<Found>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // Others may drop what we look at.
        let Ok(stat) = entry.metadata() else { continue };
        if stat.is_dir() {
            if depth > 0 {
                look_through(&path, depth - 1, found)?;
            }
            continue;
        }
        let used = stat.modified()?;
        let part = path.file_name().and_then(|name| name.to_str());
        if part.is_some_and(|name| name.starts_with(PART_PREFIX)) {
            if used.elapsed().is_ok_and(|age| age > PART_AGE_MAX) {
                remove(&path)?;
                continue;
            }
        } else if path.extension().is_none_or(|ending| ending != ENDING) {
            continue;
        }
        found.push(Found { path, used, bytes: stat.len() });
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_gone(&error) => Err(error),
        _ => Ok(()),
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}
