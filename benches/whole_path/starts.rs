//! When runs began, as the daemons' own logs tell it: one line per run, written as it begins. All processes
//! are on this machine, so their lines go by one clock.

use chrono::DateTime;
use serde_json::Value;

use crate::support::DaemonProcess;

/// Settings under which a daemon logs its starts.
pub(crate) const LOGGED: [(&str, &str); 2] =
    [("log.format", "json"), ("log.filter", "warn,sluicegate::consumers::pending_job=debug")];

/// The starts in a daemon's log: seconds since 1970.
pub(crate) fn starts_of(daemon: &DaemonProcess) -> Vec<f64> {
    daemon.log().lines().filter_map(start).collect()
}

/// The moment of a line that tells of a start. A killed process may leave half a line.
fn start(line: &str) -> Option<f64> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("message")? != "run begins" {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(line.get("timestamp")?.as_str()?).ok()?;
    i32::try_from(time.timestamp())
        .ok()
        .map(|seconds| f64::from(seconds) + f64::from(time.timestamp_subsec_micros()) / 1e6)
}
