//! The generic pipeline with fake publishers and consumers. All but the rate test run in paused
//! time, which moves only when nothing can run: waiting in it waits for a state, not for a race.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::panic, reason = "a fake may panic on purpose")]

#[path = "pipeline/batches.rs"]
mod batches;
#[path = "pipeline/budget.rs"]
mod budget;
#[path = "pipeline/fakes.rs"]
mod fakes;
#[path = "pipeline/flow.rs"]
mod flow;
#[path = "pipeline/pace.rs"]
mod pace;
#[path = "pipeline/slots.rs"]
mod slots;
#[path = "pipeline/stopping.rs"]
mod stopping;
#[path = "pipeline/throttle.rs"]
mod throttle;
