//! What the product promises when processes die, freeze, or lose their database. Real daemons on a
//! real Postgres; what happened is read from the tables and from what the daemons logged.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

#[path = "faults/cancel.rs"]
mod cancel;
#[path = "faults/claim.rs"]
mod claim;
#[path = "faults/drain.rs"]
mod drain;
#[path = "faults/expand.rs"]
mod expand;
#[path = "faults/freeze.rs"]
mod freeze;
#[path = "faults/history.rs"]
mod history;
#[path = "faults/kill.rs"]
mod kill;
#[path = "faults/limits.rs"]
mod limits;
#[path = "faults/outage.rs"]
mod outage;
#[path = "faults/poison.rs"]
mod poison;
#[path = "faults/pooled.rs"]
mod pooled;
#[path = "faults/scene.rs"]
mod scene;
#[path = "faults/start.rs"]
mod start;
