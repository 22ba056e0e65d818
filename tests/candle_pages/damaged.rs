//! Files and disks that are not as they should be: a load never fails of it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use sluicegate::candles::{CacheOptions, CandleCache, DiskOptions};
use walkdir::WalkDir;

use crate::served::{NOW_MS, PAGE_MS, cache, options, query};
use crate::{FIRST, served};

/// The files of the cache, by name.
fn files(dir: &Path) -> Vec<PathBuf> {
    let found = WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap);
    found.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

/// The open times of a page.
fn page(number: i64) -> Range<i64> {
    FIRST + number * PAGE_MS..FIRST + (number + 1) * PAGE_MS
}

fn bytes_of(dir: &Path) -> u64 {
    files(dir).iter().filter_map(|path| fs::metadata(path).ok()).map(|stat| stat.len()).sum()
}

#[tokio::test]
async fn a_broken_file_is_dropped_and_its_page_alone_read_again() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = served(dir.path());
    let all = query("1m", FIRST, FIRST + 4 * PAGE_MS);
    let right = cache(&served, Some(disk.path())).load(&all).await.unwrap();
    served.take_reads();
    let paths = files(disk.path());
    assert_eq!(paths.len(), 5, "four pages and the edges");
    let sound = fs::read(&paths[1]).unwrap();
    let flipped = |at: usize| {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        bytes
    };
    let other_page = fs::read(&paths[2]).unwrap();
    let damages = [
        ("zero length", vec![]),
        ("cut in its head", sound[..100].to_vec()),
        ("cut in its body", sound[..sound.len() - 8].to_vec()),
        ("longer than it says", [sound.clone(), vec![0; 8]].concat()),
        ("all zeros", vec![0; sound.len()]),
        ("another kind of file", [b"PK\x03\x04".to_vec(), sound[4..].to_vec()].concat()),
        ("another version", flipped(8)),
        ("another kind of head", flipped(12)),
        ("another fact", flipped(60)),
        ("another count", flipped(90)),
        ("a price that changed", flipped(sound.len() / 2)),
        ("the last bit of all", flipped(sound.len() - 1)),
        ("another page", other_page),
    ];
    for (damage, bytes) in damages {
        fs::write(&paths[1], bytes).unwrap();
        let cache = cache(&served, Some(disk.path()));
        let loaded = cache.load(&all).await.unwrap();
        assert_eq!(loaded.digest, right.digest, "{damage}");
        assert_eq!(served.take_reads(), [page(1)], "{damage}");
        assert_eq!(cache.stats().disk_dropped, 1, "{damage}");
        assert_eq!(fs::read(&paths[1]).unwrap(), sound, "{damage}: written anew");
    }
    fs::write(&paths[4], b"no edges").unwrap();
    cache(&served, Some(disk.path())).load(&all).await.unwrap();
    assert!(served.take_reads().is_empty());
}

#[tokio::test]
async fn what_another_source_has_read_is_not_taken() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = served(dir.path());
    let page = query("1m", FIRST, FIRST + PAGE_MS);
    cache(&served, Some(disk.path())).load(&page).await.unwrap();
    let folder = fs::read_dir(disk.path()).unwrap().next().unwrap().unwrap().path();
    let ticker = folder.join("SPX");
    // As if it had been moved by hand.
    served.put("NDX", FIRST, 30, 100);
    fs::rename(&ticker, folder.join("NDX")).unwrap();
    served.take_reads();
    let other = sluicegate::candles::CandleQuery { ticker: "NDX".to_owned(), ..page };
    let loaded = cache(&served, Some(disk.path())).load(&other).await.unwrap();
    assert_eq!((loaded.window.len(), served.take_reads().len()), (100, 1));
}

#[tokio::test]
async fn the_files_used_least_recently_make_room() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = served(dir.path());
    // Room for four pages of a candle an hour.
    let bytes_max = 4 * 53_000;
    let bounded = || {
        let options = options(None, &Arc::new(AtomicI64::new(NOW_MS)));
        let disk = Some(DiskOptions { dir: disk.path().to_owned(), bytes_max });
        CandleCache::new(served.clone(), CacheOptions { disk, ..options })
    };
    let page = |page: i64| query("1m", FIRST + page * PAGE_MS, FIRST + (page + 1) * PAGE_MS);
    for number in [0, 2, 0, 4, 0, 6, 0, 8] {
        // A process for each, or memory would answer.
        bounded().load(&page(number)).await.unwrap();
        assert!(bytes_of(disk.path()) <= bytes_max, "page {number}");
    }
    assert_eq!(served.take_reads().len(), 5);
    bounded().load(&page(0)).await.unwrap();
    bounded().load(&page(8)).await.unwrap();
    assert!(served.take_reads().is_empty(), "0 was used again and again, 8 has just come");
    bounded().load(&page(2)).await.unwrap();
    assert_eq!(served.take_reads().len(), 1, "2 had gone");
    // What has no room at all is not written, and what is not ours is not touched.
    fs::write(disk.path().join("mine.txt"), vec![0; 300_000]).unwrap();
    bounded().load(&query("1m", FIRST, FIRST + 9 * PAGE_MS)).await.unwrap();
    assert!(disk.path().join("mine.txt").exists());
    let tiny = Some(DiskOptions { dir: disk.path().join("tiny"), bytes_max: 1_000 });
    let options = options(None, &Arc::new(AtomicI64::new(NOW_MS)));
    let tiny = CandleCache::new(served.clone(), CacheOptions { disk: tiny, ..options });
    tiny.load(&page(0)).await.unwrap();
    assert!(bytes_of(&disk.path().join("tiny")) <= 1_000);
}

#[tokio::test]
async fn a_folder_that_cannot_be_one_is_done_without() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = served(dir.path());
    let file = disk.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let cache = cache(&served, Some(&file));
    let loaded = cache.load(&query("1m", FIRST, FIRST + 2 * PAGE_MS)).await.unwrap();
    assert_eq!(loaded.window.len(), 2 * 65_536 / 60 + 1);
    assert_eq!(fs::read(&file).unwrap(), b"not a folder");
}

/// A file system of 256 KiB, where one may be mounted.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "none"])
            .arg(dir.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).output().unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_fails_no_load_and_leaves_no_torn_file() {
    let dir = tempfile::tempdir().unwrap();
    let served = served(dir.path());
    // Only root may mount; elsewhere a folder that cannot be one stands for a disk that fails.
    let Some(disk) = SmallDisk::mount() else { return };
    let all = query("1m", FIRST, FIRST + 9 * PAGE_MS);
    let right = cache(&served, None).load(&all).await.unwrap();
    served.take_reads();
    let loaded = cache(&served, Some(disk.0.path())).load(&all).await.unwrap();
    assert_eq!(loaded.digest, right.digest);
    let kept = files(disk.0.path());
    assert!((2..9).contains(&kept.len()), "{kept:?}");
    assert!(kept.iter().all(|path| path.extension().is_some_and(|it| it == "candles")), "{kept:?}");
    served.take_reads();
    let restarted = cache(&served, Some(disk.0.path()));
    assert_eq!(restarted.load(&all).await.unwrap().digest, right.digest);
    assert_eq!(restarted.stats().disk_dropped, 0, "what was written is whole");
    let read: i64 = served.take_reads().iter().map(|span| (span.end - span.start) / PAGE_MS).sum();
    assert!((1..9).contains(&read), "{read} pages");
}
