//! What a daemon process tells of itself: numbers that live in its memory, for whoever looks from elsewhere.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::pipeline::{PipeSnapshot, StatusBoard};
use crate::store::{Metered, Store};

/// All that one process tells. What is missing is 0: an older or newer process tells other things.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Its pipes.
    pub pipes: Vec<PipeFigures>,
    /// Threads for jobs that compute.
    pub slots: u64,
    /// Those of them that compute.
    pub slots_busy: u64,
    /// Candles in memory.
    pub cache: CacheFigures,
    /// Its statements.
    pub database: DatabaseFigures,
}

/// One pipe of one process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipeFigures {
    /// The pipe.
    pub name: String,
    /// Items in its channel.
    #[serde(skip_serializing_if = "is_zero")]
    pub depth: u64,
    /// Most items in its channel.
    pub capacity: u64,
    /// Items or batches running.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_flight: u64,
    /// Most of them at once.
    pub in_flight_max: u64,
    /// Most starts per second; `None` is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// Whether all processes share that rate.
    #[serde(skip_serializing_if = "is_false")]
    pub of_cluster: bool,
    /// Starts per second since it was told last.
    #[serde(skip_serializing_if = "is_nothing")]
    pub started_per_second: f64,
    /// Part of the time since then in which a full channel held the publisher back.
    #[serde(skip_serializing_if = "is_nothing")]
    pub held_back: f64,
    /// The same since the start of the process, seconds.
    #[serde(skip_serializing_if = "is_nothing")]
    pub back_pressure_s: f64,
    /// Items that failed since the start of the process.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Whether nothing new is taken.
    #[serde(skip_serializing_if = "is_false")]
    pub paused: bool,
}

/// The candle cache of a process; counts are since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheFigures {
    /// Bytes held in memory.
    pub bytes: u64,
    /// Loads that were in memory.
    pub hits: u64,
    /// Loads that were not.
    pub misses: u64,
    /// Reads begun at the source.
    pub loads: u64,
}

/// What the database takes for the statements of a process, milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseFigures {
    /// Mean time of a statement since it was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_ms: Option<f64>,
    /// Mean wait for a connection since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_wait_ms: Option<f64>,
    /// What a small write took last, with its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_ms: Option<f64>,
    /// What it takes without us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_ms: Option<f64>,
    /// Statements per second since it was told last.
    #[serde(skip_serializing_if = "is_nothing")]
    pub statements_per_second: f64,
    /// Sessions of others that worked lately, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<i64>,
}

/// What a process computes with, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Machine {
    /// Threads for jobs that compute.
    pub slots: u64,
    /// Those of them that have nothing to do.
    pub slots_free: u64,
    /// Candles in memory.
    pub cache: CacheFigures,
}

/// Makes the figures of this process; rates are over the time between two of them.
pub struct Recorder {
    board: StatusBoard,
    of_cluster: Vec<&'static str>,
    guard: Guard,
    store: Store,
    machine: Box<dyn Fn() -> Machine + Send + Sync>,
    before: Mutex<Option<Before>>,
}

struct Before {
    at: Instant,
    pipes: Vec<PipeSnapshot>,
    metered: Metered,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("board", &self.board).finish_non_exhaustive()
    }
}

impl Recorder {
    /// Of these pipes, of which some share their rates in the whole cluster.
    pub fn new(
        board: StatusBoard,
        of_cluster: Vec<&'static str>,
        guard: Guard,
        store: Store,
        machine: impl Fn() -> Machine + Send + Sync + 'static,
    ) -> Self {
        let before = Mutex::new(None);
        Self { board, of_cluster, guard, store, machine: Box::new(machine), before }
    }

    /// The figures at this moment.
    pub fn figures(&self) -> Figures {
        let now = Before {
            at: Instant::now(),
            pipes: self.board.snapshot(),
            metered: self.store.metered(),
        };
        let mut before = self.before.lock();
        let (seconds, pipes, metered) = match &*before {
            None => (f64::INFINITY, &[][..], now.metered),
            Some(then) => (
                now.at.duration_since(then.at).as_secs_f64().max(1e-3),
                &then.pipes[..],
                now.metered.since(&then.metered),
            ),
        };
        let machine = (self.machine)();
        let known = self.guard.readings();
        let figures = Figures {
            pipes: now
                .pipes
                .iter()
                .map(|pipe| {
                    let then = pipes.iter().find(|then| then.name == pipe.name);
                    self.pipe(pipe, then.unwrap_or(pipe), seconds)
                })
                .collect(),
            slots: machine.slots,
            slots_busy: machine.slots.saturating_sub(machine.slots_free),
            cache: machine.cache,
            database: DatabaseFigures {
                statement_ms: ms(metered.mean_statement()),
                pool_wait_ms: ms(metered.mean_wait()),
                commit_ms: ms(known.commit),
                baseline_ms: ms(known.baseline),
                statements_per_second: per(metered.statements, seconds),
                neighbours: known.server.map(|server| server.neighbours),
            },
        };
        *before = Some(now);
        figures
    }

    fn pipe(&self, pipe: &PipeSnapshot, then: &PipeSnapshot, seconds: f64) -> PipeFigures {
        PipeFigures {
            name: pipe.name.to_owned(),
            depth: pipe.depth,
            capacity: whole(pipe.capacity),
            in_flight: whole(pipe.in_flight),
            in_flight_max: whole(pipe.in_flight_max),
            rate_per_second: pipe.rate_per_second.filter(|rate| rate.is_finite()),
            of_cluster: self.of_cluster.contains(&pipe.name),
            started_per_second: per(pipe.started.saturating_sub(then.started), seconds),
            held_back: round(
                ((pipe.back_pressure_seconds - then.back_pressure_seconds) / seconds)
                    .clamp(0.0, 1.0),
            ),
            back_pressure_s: round(pipe.back_pressure_seconds),
            failed: pipe.failed,
            paused: pipe.is_paused,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn per(count: u64, seconds: f64) -> f64 {
    round(count as f64 / seconds)
}

fn ms(time: Option<Duration>) -> Option<f64> {
    time.map(|time| round(time.as_secs_f64() * 1e3))
}

/// Two digits behind the point; nothing that JSON does not have.
fn round(value: f64) -> f64 {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded.is_finite() { rounded } else { 0.0 }
}

fn whole(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_nothing(value: &f64) -> bool {
    value.abs() < f64::EPSILON
}
