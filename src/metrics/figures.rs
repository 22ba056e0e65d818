//! Plain numbers that somebody else knows, read at the moment they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// A number with its name and what it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Its name, without the prefix.
    pub name: &'static str,
    /// What it says, with a full stop.
    pub help: &'static str,
    /// Whether it only rises.
    pub is_count: bool,
    /// The number.
    pub value: f64,
}

impl Figure {
    /// A number that goes up and down.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
    pub fn now(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, is_count: false, value: value as f64 }
    }

    /// A number that only rises.
    #[must_use]
    pub fn count(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { is_count: true, ..Self::now(name, help, value) }
    }
}

/// Whoever knows them.
pub(super) struct FigureCollector(pub(super) Box<dyn Fn() -> Vec<Figure> + Send + Sync>);

impl fmt::Debug for FigureCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FigureCollector").finish_non_exhaustive()
    }
}

impl Collector for FigureCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Figure { name, help, is_count, value } in (self.0)() {
            if is_count {
                encoder
                    .encode_descriptor(name, help, None, MetricType::Counter)?
                    .encode_counter::<NoLabelSet, _, f64>(&value, None)?;
            } else {
                encoder
                    .encode_descriptor(name, help, None, MetricType::Gauge)?
                    .encode_gauge(&value)?;
            }
        }
        Ok(())
    }
}
