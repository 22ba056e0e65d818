//! `sluicegate replay` and `sluicegate explain` on jobs that a real daemon ran.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod explain;
mod replay;
mod scene;
