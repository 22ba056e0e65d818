//! What became of readings of the settings.

use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Readings of the settings since the start of the process; clones share them.
#[derive(Debug, Clone, Default)]
pub struct ReloadMetrics {
    reloads: Family<Reload, Counter>,
    refused: Gauge<i64, AtomicI64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    result: ReloadResult,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ReloadResult {
    Applied,
    Refused,
}

impl EncodeLabelValue for ReloadResult {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
        };
        word.encode(encoder)
    }
}

impl ReloadMetrics {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("settings_reloads", "Readings of the settings", metrics.reloads.clone());
        registry.register(
            "settings_refused",
            "Whether what the files say now was refused; the settings before are in force",
            metrics.refused.clone(),
        );
        for result in [ReloadResult::Applied, ReloadResult::Refused] {
            drop(metrics.reloads.get_or_create(&Reload { result }));
        }
        metrics
    }

    /// What was read is in force.
    pub fn applied(&self) {
        self.reloads.get_or_create(&Reload { result: ReloadResult::Applied }).inc();
        self.refused.set(0);
    }

    /// What was read cannot be; the settings before are in force.
    pub fn refused(&self) {
        self.reloads.get_or_create(&Reload { result: ReloadResult::Refused }).inc();
        self.refused.set(1);
    }
}
