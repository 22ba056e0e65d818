//! Keeps this process from being felt by the others on its database: it watches how they fare and lowers
//! its own pace.

mod baseline;
mod cause;
mod controller;
mod horizon;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;

pub use self::cause::Cause;
pub use self::controller::{Controller, Decision, Observation};
use crate::pipeline::Throttle;
use crate::store::ServerLoad;

/// When and how far the pace is lowered.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardSettings {
    /// Whether the pace is ever lowered.
    pub enabled: bool,
    /// Small writes beside us may take so many times as long as without us.
    pub target: f64,
    /// Statements of ours under way, on average, up to which slow writes are not put down to us.
    pub fair_use: f64,
    /// The pace is never lower.
    pub pace_min: f64,
    /// A snapshot older than this lowers the pace, milliseconds; 0: none does.
    pub snapshot_age_ms: u64,
    /// A replica further behind than this lowers the pace, milliseconds; 0: none does.
    pub replica_lag_ms: u64,
}

/// What the guard knows at this moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// Part of the full pace at which this process goes.
    pub pace: f64,
    /// Why that is less than 1.
    pub slowed_by: Option<Cause>,
    /// What a small write took last, with its commit.
    pub commit: Option<Duration>,
    /// What it takes without us.
    pub baseline: Option<Duration>,
    /// Mean time of our statements, lately.
    pub statement: Option<Duration>,
    /// Mean wait for a connection of the pool, lately.
    pub pool_wait: Option<Duration>,
    /// For how long somebody has kept old row versions from being removed.
    pub snapshot_age: Option<Duration>,
    /// What the server showed last.
    pub server: Option<ServerLoad>,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            pace: 1.0,
            slowed_by: None,
            commit: None,
            baseline: None,
            statement: None,
            pool_wait: None,
            snapshot_age: None,
            server: None,
        }
    }
}

/// A handle on the guard of this process; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Guard(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    throttle: Throttle,
    readings: Mutex<Readings>,
    changed: Mutex<Option<GuardSettings>>,
}

impl Guard {
    /// What pipes go by that are to be slowed.
    #[must_use]
    pub fn throttle(&self) -> Throttle {
        self.0.throttle.clone()
    }

    /// What the guard knows now.
    #[must_use]
    pub fn readings(&self) -> Readings {
        self.0.readings.lock().clone()
    }

    /// Exchanges the settings while it watches.
    pub fn set(&self, settings: GuardSettings) {
        *self.0.changed.lock() = Some(settings);
    }
}
