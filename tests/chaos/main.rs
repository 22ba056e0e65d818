//! Nothing lost, nothing doubled: schedules of mixed faults made from a seed, against real daemons on a
//! real Postgres, and the checker that reads what became of it. `make chaos` runs many.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may panic and says what it measured"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "seeds come from the clock or the environment, and a server is crashed while all else waits"
)]

mod ground;
mod load;
mod plan;
mod planted;
mod pods;
mod recovery;
mod rogue;
mod rules;
#[path = "../faults/scene.rs"]
#[expect(dead_code, reason = "shared with the tests of single faults")]
mod scene;
mod schedule;
mod soak;
mod story;
mod suite;
#[path = "../support/mod.rs"]
mod support;
#[path = "../faults/history.rs"]
#[expect(dead_code, reason = "shared with the tests of single faults")]
mod tables;
mod tables_planted;
mod watch;
