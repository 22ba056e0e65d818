//! What statements and connections cost, read at the moment it is asked for.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::store::{StatementTimes, Store, TIME_BOUNDS};

/// Reads the meter of the store.
#[derive(Debug)]
pub(super) struct StoreCollector(pub(super) Store);

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let statements = self.0.statement_times();
        let help = "How long each statement took.";
        let kind = MetricType::Histogram;
        let mut times = encoder.encode_descriptor("statement_seconds", help, None, kind)?;
        for statement in &statements {
            let labels = [("statement", statement.statement)];
            let classes = classes(statement);
            let count = classes.iter().map(|(_, count)| count).sum();
            let sum = statement.sum.as_secs_f64();
            let mut one = times.encode_family(&labels)?;
            one.encode_histogram::<NoLabelSet>(sum, count, &classes, None)?;
        }
        let help = "Statements that failed, or were not answered in time.";
        let kind = MetricType::Counter;
        let mut errors = encoder.encode_descriptor("statement_errors", help, None, kind)?;
        for statement in &statements {
            let labels = [("statement", statement.statement)];
            let mut one = errors.encode_family(&labels)?;
            one.encode_counter::<NoLabelSet, _, f64>(&statement.errors, None)?;
        }
        self.encode_pool(&mut encoder)
    }
}

impl StoreCollector {
    fn encode_pool(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (used, idle, most) = self.0.connections();
        let help = "Connections of the pool; the lease and the session have one more each.";
        let kind = MetricType::Gauge;
        let mut pool = encoder.encode_descriptor("pool_connections", help, None, kind)?;
        for (state, count) in [("used", used), ("idle", idle)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            pool.encode_family(&[("state", state)])?.encode_gauge(&count)?;
        }
        let help = "Most connections of the pool.";
        encoder
            .encode_descriptor("pool_connections_max", help, None, kind)?
            .encode_gauge(&i64::from(most))?;
        let metered = self.0.metered();
        let kind = MetricType::Counter;
        let help = "Connections taken out of the pool.";
        encoder
            .encode_descriptor("pool_waits", help, None, kind)?
            .encode_counter::<NoLabelSet, _, f64>(&metered.waits, None)?;
        let help = "How long was waited for them.";
        let seconds = metered.wait_time.as_secs_f64();
        encoder
            .encode_descriptor("pool_wait_seconds", help, None, kind)?
            .encode_counter::<NoLabelSet, _, f64>(&seconds, None)
    }
}

/// Upper bounds with the counts between them.
fn classes(statement: &StatementTimes) -> Vec<(f64, u64)> {
    let bounds = TIME_BOUNDS.into_iter().chain([f64::INFINITY]);
    bounds.zip(statement.classes).collect()
}
