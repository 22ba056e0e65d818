//! The figures of pipes, read at the moment they are asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::pipeline::{PipeSnapshot, StatusBoard};

/// Reads the status board.
#[derive(Debug)]
pub(super) struct PipeCollector(pub(super) StatusBoard);

/// One metric of every pipe: name, what it says, kind, and its value; none is left out.
type Figure = (&'static str, &'static str, MetricType, fn(&PipeSnapshot) -> Option<f64>);

const FIGURES: &[Figure] = &[
    ("capacity", "Most items in the channel", MetricType::Gauge, |p| Some(number(p.capacity))),
    ("depth", "Items in the channel", MetricType::Gauge, |p| Some(large(p.depth))),
    ("in_flight", "Items or batches running", MetricType::Gauge, |p| Some(number(p.in_flight))),
    ("in_flight_max", "Most items or batches that may run at once", MetricType::Gauge, |p| {
        Some(number(p.in_flight_max))
    }),
    ("rate_per_second", "Rate that is set; absent without limit", MetricType::Gauge, |p| {
        p.rate_per_second
    }),
    ("paused", "Whether nothing new is taken", MetricType::Gauge, |p| {
        Some(f64::from(u8::from(p.is_paused)))
    }),
    ("waited_seconds", "How long items waited in the channel", MetricType::Counter, |p| {
        Some(p.waited_seconds)
    }),
    ("release_errors", "Releases that ended in an error", MetricType::Counter, |p| {
        Some(large(p.release_errors))
    }),
    ("claimed", "Items claimed", MetricType::Counter, |p| Some(large(p.claimed))),
    ("claim_errors", "Claims that ended in an error", MetricType::Counter, |p| {
        Some(large(p.claim_errors))
    }),
    ("released", "Items given back", MetricType::Counter, |p| Some(large(p.released))),
    ("started", "Items whose consumption began", MetricType::Counter, |p| Some(large(p.started))),
    ("finished", "Items consumed", MetricType::Counter, |p| Some(large(p.finished))),
    ("failed", "Items whose consumption ended in an error", MetricType::Counter, |p| {
        Some(large(p.failed))
    }),
    ("panicked", "Items whose consumption panicked", MetricType::Counter, |p| {
        Some(large(p.panicked))
    }),
    (
        "back_pressure_seconds",
        "How long a full channel held the publisher back",
        MetricType::Counter,
        |p| Some(p.back_pressure_seconds),
    ),
    (
        "silent_seconds",
        "Time since one of its loops showed that it is alive",
        MetricType::Gauge,
        |p| {
            let silent = p.publisher_silent_ms.max(p.consumer_silent_ms)?;
            Some(large(silent) / 1e3)
        },
    ),
];

impl Collector for PipeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let pipes = self.0.snapshot();
        for (name, help, kind, value) in FIGURES {
            let (name, help) = (format!("pipe_{name}"), format!("{help}."));
            let mut metric = encoder.encode_descriptor(&name, &help, None, *kind)?;
            for pipe in &pipes {
                let Some(value) = value(pipe) else { continue };
                let labels = [("pipe", pipe.name)];
                let mut one = metric.encode_family(&labels)?;
                if matches!(kind, MetricType::Counter) {
                    one.encode_counter::<NoLabelSet, _, f64>(&value, None)?;
                } else {
                    one.encode_gauge(&value)?;
                }
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
fn large(value: u64) -> f64 {
    value as f64
}

fn number(value: usize) -> f64 {
    large(u64::try_from(value).unwrap_or(u64::MAX))
}
