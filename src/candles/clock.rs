//! The time that the age of cached candles is counted in.

use std::time::{SystemTime, UNIX_EPOCH};

#[expect(clippy::disallowed_methods, reason = "how old a cached file is decides over no job")]
pub(super) fn system_time() -> SystemTime {
    SystemTime::now()
}

/// Milliseconds since the epoch.
pub(super) fn clock_ms() -> i64 {
    let since = system_time().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
