//! What the figures must reach.

use crate::report::Bar;
use crate::report::Limit::{AtLeast, AtMost};

pub(crate) const BARS: &[Bar] = &[
    Bar {
        workload: "W1",
        what: "50,000 waiting no-ops: jobs/s by those of the bare loop",
        figure: ("throughput", "ratio_to_bare_loop"),
        must: AtLeast(0.5),
        stretch: Some(AtLeast(0.7)),
    },
    Bar {
        workload: "W1",
        what: "WAL per job, bytes",
        figure: ("throughput", "wal_bytes_per_job"),
        must: AtMost(1536.0),
        stretch: Some(AtMost(1024.0)),
    },
    Bar {
        workload: "W1",
        what: "transactions per job",
        figure: ("throughput", "transactions_per_job"),
        must: AtMost(0.02),
        stretch: None,
    },
    Bar {
        workload: "W1",
        what: "CPU of the daemon per job, µs",
        figure: ("throughput", "worker_cpu_us_per_job"),
        must: AtMost(30.0),
        stretch: None,
    },
    Bar {
        workload: "W2",
        what: "idle: insert to run, median, ms",
        figure: ("idle", "insert_to_claimed_p50_ms"),
        must: AtMost(2.5),
        stretch: Some(AtMost(1.2)),
    },
    Bar {
        workload: "W2",
        what: "idle: insert to run, 99 of 100, ms",
        figure: ("idle", "insert_to_claimed_p99_ms"),
        must: AtMost(8.0),
        stretch: Some(AtMost(3.0)),
    },
    Bar {
        workload: "W3",
        what: "pgbench beside a backlog at 1,000/s: p99 by that alone",
        figure: ("beside", "at_rate_p99_ratio"),
        must: AtMost(1.25),
        stretch: None,
    },
    Bar {
        workload: "W3",
        what: "the same: jobs/s by the rate",
        figure: ("beside", "at_rate_of_rate"),
        must: AtLeast(0.98),
        stretch: None,
    },
    Bar {
        workload: "W3",
        what: "pgbench beside a backlog without a rate, guarded: p99 by that alone",
        figure: ("beside", "guarded_p99_ratio"),
        must: AtMost(2.0),
        stretch: None,
    },
    Bar {
        workload: "W3",
        what: "the same: jobs/s by those without pgbench",
        figure: ("beside", "guarded_of_throughput"),
        must: AtLeast(0.4),
        stretch: None,
    },
    Bar {
        workload: "W4",
        what: "400/s of 4 processes, one killed, one stopped, one more: most in a second",
        figure: ("cluster_rate", "most_in_a_second"),
        must: AtMost(904.0),
        stretch: Some(AtMost(504.0)),
    },
    Bar {
        workload: "W4",
        what: "the same: average off the rate by, %",
        figure: ("cluster_rate", "average_off_pct"),
        must: AtMost(3.0),
        stretch: None,
    },
    Bar {
        workload: "W6",
        what: "100 users behind one with a million: done after, by their own work",
        figure: ("crowd", "done_after_by_own_work"),
        must: AtMost(2.2),
        stretch: None,
    },
];
