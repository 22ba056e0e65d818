//! Two processes over one folder.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use sluicegate::candles::{CacheOptions, CandleCache, DiskOptions};

use crate::FIRST;
use crate::served::{NOW_MS, PAGE_MS, Served, options, query};

const CHILD: &str = "SLUICEGATE_TEST_CANDLE_FOLDERS";
const ROUNDS: i64 = 20;
/// Less than half of what all pages take, so that files go while others are read.
const BYTES_MAX: u64 = 5 * 53_000;

/// Loads everything again and again, each time as a process that has just started; the digests.
async fn work(served: &Served, disk: &Path, rounds: i64) -> Vec<String> {
    let mut digests = Vec::new();
    for round in 0..rounds {
        let options = options(None, &Arc::new(AtomicI64::new(NOW_MS)));
        let disk = Some(DiskOptions { dir: disk.to_owned(), bytes_max: BYTES_MAX });
        let cache = CandleCache::new(served.clone(), CacheOptions { disk, ..options });
        let first = round % 5;
        for pages in [first..first + 2, 0..9] {
            let (from, until) = (FIRST + pages.start * PAGE_MS, FIRST + pages.end * PAGE_MS);
            digests.push(cache.load(&query("1m", from, until)).await.unwrap().digest);
        }
        assert_eq!(cache.stats().disk_dropped, 0, "a torn file was seen");
    }
    digests
}

/// Not a test of its own: what the second process of the test below does.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
#[expect(clippy::print_stdout, reason = "how the child answers")]
async fn second_process() {
    let Ok(folders) = std::env::var(CHILD) else { return };
    let (dir, disk) = folders.split_once('\n').unwrap();
    let digests = work(&Served::new(Path::new(dir)), Path::new(disk), ROUNDS).await;
    println!("digests {}", digests.join(" "));
}

#[tokio::test]
async fn two_processes_share_a_folder_and_see_no_torn_file() {
    let (dir, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let served = crate::served(dir.path());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::second_process", "--nocapture"])
        .env(CHILD, format!("{}\n{}", dir.path().display(), disk.path().display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ours = work(&served, disk.path(), ROUNDS).await;
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let theirs = printed.split_once("digests ").unwrap().1.lines().next().unwrap();
    assert_eq!(theirs, ours.join(" "));
    let right = work(&served, tempfile::tempdir().unwrap().path(), 1).await;
    assert_eq!(ours[..2], right);
    let left = walkdir::WalkDir::new(disk.path()).into_iter().map(Result::unwrap);
    let left: Vec<_> = left.filter(|entry| entry.file_type().is_file()).collect();
    assert!(left.iter().all(|file| !file.file_name().to_str().unwrap().starts_with('.')));
    // Each may have written one more file before it saw the other's.
    let bytes: u64 = left.iter().map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= 2 * BYTES_MAX, "{bytes} bytes");
}
