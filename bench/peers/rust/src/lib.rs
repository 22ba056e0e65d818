//! What the runner of the comparison asks of a peer, over the command line and standard streams:
//!
//! - `PROGRAM insert URL` migrates; then, for each line of standard input, inserts that many jobs and
//!   answers with the time at which their commit was known.
//! - `PROGRAM work URL SETTINGS` prints the time and works until it is killed; SETTINGS is `tuned` or `default`.
//! - `PROGRAM work URL SETTINGS tell` is the same, and prints the time at which each job begins.
//!
//! Times are microseconds since 1970.

use std::sync::OnceLock;
use std::time::SystemTime;

use tokio::io::{AsyncBufReadExt, BufReader, stdin};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Jobs inserted in one statement.
pub const BATCH: usize = 5_000;

static TELLS: OnceLock<bool> = OnceLock::new();

/// A job queue of others.
pub trait Peer: Sized {
    /// Connects and migrates.
    fn connect(url: &str) -> impl Future<Output = Result<Self>>;

    /// Inserts so many jobs, at most [`BATCH`].
    fn insert(&mut self, jobs: usize) -> impl Future<Output = Result<()>>;

    /// Works until it is killed.
    fn work(url: &str, tuned: bool) -> impl Future<Output = Result<()>>;
}

/// Does what the command line says.
pub async fn serve<P: Peer>() -> Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    match asked[..] {
        ["insert", url] => insert::<P>(url).await,
        ["work", url, settings, ref tell @ ..] => {
            TELLS.get_or_init(|| tell == ["tell"]);
            println!("{}", now_us());
            P::work(url, settings == "tuned").await
        }
        _ => Err("insert URL, or work URL tuned|default [tell]".into()),
    }
}

async fn insert<P: Peer>(url: &str) -> Result<()> {
    let mut peer = P::connect(url).await?;
    println!("ready");
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut left: usize = line.parse()?;
        while left > 0 {
            let batch = left.min(BATCH);
            peer.insert(batch).await?;
            left -= batch;
        }
        println!("{}", now_us());
    }
    Ok(())
}

/// Tells that a job begins, if that is asked for.
pub fn begins() {
    if TELLS.get() == Some(&true) {
        println!("{}", now_us());
    }
}

fn now_us() -> u128 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_micros())
}
