//! A progress bar on standard error, where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// How far a command is; gone when dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar that counts bytes.
    pub(super) fn of_bytes(doing: &'static str, total: u64) -> Self {
        Self::new(doing, total, "{prefix} {wide_bar} {bytes}/{total_bytes} {eta}")
    }

    /// A bar that counts candles.
    pub(super) fn of_candles(doing: &'static str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        Self::new(doing, total, "{prefix} {wide_bar} {human_pos}/{human_len} {eta}")
    }

    fn new(doing: &'static str, total: u64, shape: &str) -> Self {
        let style = ProgressStyle::with_template(shape);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(total).with_prefix(doing).with_style(style))
    }

    pub(super) fn add(&self, count: u64) {
        self.0.inc(count);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
