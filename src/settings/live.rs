//! What differs between two readings of the settings, and what of it holds at once.

use super::Loaded;

/// Keys of pipes that change while the process runs.
const OF_PIPES: [&str; 5] =
    ["rate_per_second", "in_flight_max", "claims_per_second", "poll_interval_ms", "paused"];

/// Keys whose values are never shown.
const SECRET: [&str; 3] = ["database.url", "database.session_url", "candles.influx.token"];

/// A key whose value has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its path.
    pub key: String,
    /// What it was; empty where it was not set.
    pub before: String,
    /// What it is now.
    pub after: String,
    /// Whether it holds without a restart.
    pub is_live: bool,
}

impl Loaded {
    /// What has changed since `before`, by key.
    #[must_use]
    pub fn since(&self, before: &Self) -> Vec<Difference> {
        let mut keys: Vec<&String> = self.keys.keys().chain(before.keys.keys()).collect();
        keys.sort();
        keys.dedup();
        let differs = keys.into_iter().filter(|key| self.keys.get(*key) != before.keys.get(*key));
        let shown = |loaded: &Self, key: &str| match loaded.keys.get(key) {
            Some(_) if SECRET.contains(&key) => "***".to_owned(),
            value => value.cloned().unwrap_or_default(),
        };
        differs
            .map(|key| Difference {
                key: key.clone(),
                before: shown(before, key),
                after: shown(self, key),
                is_live: is_live(key),
            })
            .collect()
    }
}

/// Whether a change of this key holds while the process runs.
fn is_live(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    match parts.as_slice() {
        ["guard" | "users" | "reload", _] | ["worker", "slots"] => true,
        ["pipes", _, name] => OF_PIPES.contains(name),
        ["kinds", _, name] => ["rate_per_second", "in_flight_max"].contains(name),
        _ => false,
    }
}
