//! How a private Postgres is set up: fast and careless, or durable as in production.

use std::path::PathBuf;

/// Settings measured to make a throw-away cluster fast. They give up everything a crash would need.
const FAST: [(&str, &str); 7] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "32MB"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("autovacuum", "off"),
];

/// How to set up a [`PrivatePostgres`](super::PrivatePostgres).
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(super) settings: Vec<(String, String)>,
    pub(super) bin_dir: Option<PathBuf>,
}

impl Options {
    /// For tests and the demo: no flushing to disk, no autovacuum. Data survives a stop, not a crash.
    #[must_use]
    pub fn fast() -> Self {
        FAST.iter().fold(Self::default(), |options, (name, value)| options.with(name, value))
    }

    /// For crash, soak and bloat tests: the server's own defaults, so commits are flushed and vacuum runs.
    #[must_use]
    pub fn durable() -> Self {
        Self::default()
    }

    /// Sets one parameter of the server; the last value of a name holds.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses the server in `folder` (its `bin`), instead of searching this machine for one.
    #[must_use]
    pub fn binaries_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.bin_dir = Some(folder.into());
        self
    }
}
