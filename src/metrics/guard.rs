//! The pace of the process, and what the guard knows of the database.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::guard::{Cause, Guard, Readings};

/// Reads the guard.
#[derive(Debug)]
pub(super) struct GuardCollector(pub(super) Guard);

/// Name, what it says, and its value where there is one.
type Figure = (&'static str, &'static str, fn(&Readings) -> Option<f64>);

const FIGURES: &[Figure] = &[
    ("pace", "Part of the full pace at which the process goes.", |r| Some(r.pace)),
    ("commit_seconds", "What a small write took last, with its commit.", |r| seconds(r.commit)),
    ("commit_baseline_seconds", "What a small write takes without us.", |r| seconds(r.baseline)),
    ("statement_seconds", "Mean time of our statements, lately.", |r| seconds(r.statement)),
    ("pool_wait_seconds", "Mean wait for a connection, lately.", |r| seconds(r.pool_wait)),
    ("snapshot_age_seconds", "For how long the oldest snapshot has been the oldest.", |r| {
        seconds(r.snapshot_age)
    }),
    ("neighbours", "Sessions of others that worked lately.", |r| {
        r.server.as_ref().map(|server| number(server.neighbours))
    }),
    ("active_sessions", "Sessions that run a statement at this moment.", |r| {
        r.server.as_ref().map(|server| number(server.active_sessions))
    }),
    ("replica_lag_seconds", "How far the slowest replica is behind.", |r| {
        seconds(r.server.as_ref()?.replica_lag)
    }),
];

impl Collector for GuardCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let readings = self.0.readings();
        for (name, help, value) in FIGURES {
            let Some(value) = value(&readings) else { continue };
            let name = format!("guard_{name}");
            encoder
                .encode_descriptor(&name, help, None, MetricType::Gauge)?
                .encode_gauge(&value)?;
        }
        let help = "Whether this is why the pace is less than 1.";
        let mut slowed =
            encoder.encode_descriptor("guard_slowed", help, None, MetricType::Gauge)?;
        let cause = readings.slowed_by.as_ref().map(Cause::word);
        for word in Cause::WORDS {
            let value = i64::from(cause == Some(word));
            slowed.encode_family(&[("by", word)])?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
fn number(value: i64) -> f64 {
    value as f64
}
