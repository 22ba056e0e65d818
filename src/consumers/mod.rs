//! One file per action. A consumer never knows who publishes.

pub mod bundle_closing;
pub mod bundle_expansion;
pub mod bundle_rollup;
pub mod command;
pub mod dead_job_canceller;
mod in_hand;
mod lookups;
pub mod outcome;
pub mod pending_job;
pub mod progress;
mod requests;
pub mod retention;
