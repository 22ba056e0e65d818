//! A schedule: what happens when, made from a seed.

use std::time::Duration;

use fastrand::Rng;

use crate::support::Reset;

/// Places for daemons; one whose process ends gets another.
pub(crate) const PLACES: std::ops::RangeInclusive<usize> = 2..=4;

/// Faults come within this time, milliseconds.
const SPAN_MS: u64 = 3_000;

/// Statements whose commit is worth a reset.
const COMMITS: [&str; 6] =
    ["end_jobs", "claim_jobs", "fail_jobs", "release_jobs", "rescue_jobs", "lease_until"];

/// What is done to a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// What it was made from.
    pub(crate) seed: u64,
    /// How many daemons.
    pub(crate) places: usize,
    /// Every statement in a transaction of its own, no session.
    pub(crate) is_pooled: bool,
    /// Daemons with kinds that panic, never end, and eat memory.
    pub(crate) has_rogues: bool,
    /// Candles that never come.
    pub(crate) has_stuck_candles: bool,
    /// Most jobs of a user claimed at once.
    pub(crate) user_cap: usize,
    /// What happens after how many milliseconds, in order.
    pub(crate) steps: Vec<(u64, Step)>,
}

/// What happens. A place is that of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// SIGKILL.
    Kill(usize),
    /// SIGTERM.
    Terminate(usize),
    /// SIGSTOP.
    Freeze(usize),
    /// SIGCONT.
    Thaw(usize),
    /// All connections are closed, and each new one.
    Cut(usize),
    /// Connections stay open and nothing passes.
    FallSilent(usize),
    /// Answers come late.
    Delay(usize, Duration),
    /// The next commit of this statement is reset.
    Reset(usize, &'static str, Reset),
    /// The network is well again.
    Mend(usize),
    /// The clock of a process is set.
    SetClock(usize, i32),
    /// Postgres stops as in a crash.
    CrashServer,
    /// It starts again.
    StartServer,
    /// All connections of the server are taken.
    HogConnections,
    /// They are given back.
    FreeConnections,
    /// More jobs come.
    Insert,
    /// A user orders a cancel: of a job, a bundle, everything.
    Cancel(u8),
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let places = rng.usize(PLACES);
        let mut plan = Self {
            seed,
            places,
            is_pooled: rng.u8(..3) == 0,
            has_rogues: rng.u8(..4) == 0,
            has_stuck_candles: rng.u8(..4) == 0,
            user_cap: rng.usize(15..40),
            steps: Vec::new(),
        };
        for _ in 0..rng.usize(3..=7) {
            let at = rng.u64(200..SPAN_MS);
            plan.add_fault(at, &mut rng);
        }
        for _ in 0..rng.usize(1..=4) {
            plan.steps.push((rng.u64(..SPAN_MS), Step::Cancel(rng.u8(..3))));
            plan.steps.push((rng.u64(..SPAN_MS), Step::Insert));
        }
        plan.steps.sort_by_key(|(at, _)| *at);
        plan
    }

    fn add_fault(&mut self, at: u64, rng: &mut Rng) {
        let place = rng.usize(..self.places);
        let while_ms = rng.u64(300..2_500);
        let side = if rng.bool() { Reset::Before } else { Reset::After };
        let mut then = |after: u64, step| self.steps.push((at + after, step));
        match rng.u8(..16) {
            0..=2 => then(0, Step::Kill(place)),
            3..=5 => {
                then(0, Step::Freeze(place));
                // Past the lease, and sometimes not.
                then(rng.u64(800..3_000), Step::Thaw(place));
            }
            6 => then(0, Step::Terminate(place)),
            7 => {
                then(0, Step::CrashServer);
                then(rng.u64(100..1_500), Step::StartServer);
            }
            8 => {
                then(0, Step::HogConnections);
                then(50, Step::Cut(place));
                then(250, Step::Mend(place));
                then(while_ms.max(500), Step::FreeConnections);
            }
            9 => {
                then(0, Step::Cut(place));
                then(while_ms, Step::Mend(place));
            }
            10 => {
                then(0, Step::FallSilent(place));
                then(while_ms, Step::Mend(place));
            }
            11 => {
                then(0, Step::Delay(place, Duration::from_millis(rng.u64(20..400))));
                then(while_ms, Step::Mend(place));
            }
            12 => then(0, Step::SetClock(place, *rng.choice(&[-86_400, -60, 60, 86_400]).unwrap())),
            _ => then(0, Step::Reset(place, rng.choice(COMMITS).unwrap(), side)),
        }
    }
}

#[test]
fn a_seed_always_makes_the_same_plan_and_seeds_make_all_faults() {
    assert_eq!(format!("{:?}", Plan::of(7)), format!("{:?}", Plan::of(7)));
    let all: String = (0..200).map(|seed| format!("{:?}", Plan::of(seed).steps)).collect();
    for step in [
        "Kill",
        "Terminate",
        "Freeze",
        "Thaw",
        "Cut",
        "FallSilent",
        "Delay",
        "Before",
        "After",
        "SetClock",
        "CrashServer",
        "HogConnections",
        "Insert",
        "Cancel",
    ] {
        assert!(all.contains(step), "no schedule has {step}");
    }
}
