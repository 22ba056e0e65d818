//! One file per condition watched. A publisher claims what is due and never sees the channel.

pub mod bundle_closing;
pub mod bundle_expansion;
pub mod bundle_rollup;
pub mod command;
pub mod dead_job_canceller;
pub mod pending_job;
pub mod progress;
pub mod retention;
