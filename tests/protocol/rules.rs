//! The protocol as a model that can be explored, and what must hold in every state of it.

use stateright::{Model, Property};

use crate::actions::{Action, Fault};
use crate::state::{Claim, Found, Number, Standing, State, Status};
use crate::steps::{CRASHES_MAX, FAILURES_MAX};

/// How much of the protocol is explored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) jobs: usize,
    pub(crate) workers: usize,
    /// At most this many jobs claimed at once.
    pub(crate) cap: usize,
    /// Jobs that were claimed so often are left alone.
    pub(crate) attempts_max: Number,
    pub(crate) fault: Option<Fault>,
}

impl Protocol {
    /// What is small enough to be explored in every run of the tests.
    pub(crate) fn small() -> Self {
        Self { jobs: 1, workers: 2, cap: 1, attempts_max: 2, fault: None }
    }

    /// The state after a step, and whether what was written was accepted.
    pub(crate) fn after(&self, state: &State, action: Action) -> (State, bool) {
        let mut next = state.clone();
        let accepted = next.step(action, self.cap, self.fault);
        (next, accepted)
    }

    /// Everything that can happen now.
    pub(crate) fn possible(&self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        for (worker, it) in state.workers.iter().enumerate() {
            if it.runs {
                let may_claim = |job: &crate::state::Job| {
                    job.row.as_ref().is_none_or(|row| row.attempt < self.attempts_max)
                };
                if it.standing != Standing::Draining && state.jobs.iter().all(may_claim) {
                    actions.extend([true, false].map(|heard| Action::Claim { worker, heard }));
                }
                for &claim in &it.held {
                    actions.extend(writes(worker, claim));
                }
                actions.push(Action::Look { worker });
                if it.standing == Standing::Alive {
                    actions.push(Action::Drain { worker });
                }
                if it.standing == Standing::Draining && it.held.is_empty() {
                    actions.push(Action::Stop { worker });
                }
                actions.push(Action::Crash { worker });
            }
            if matches!(it.standing, Standing::Alive | Standing::Draining) {
                actions.push(Action::DeclareDead { worker });
            }
        }
        for job in 0..state.jobs.len() {
            actions.extend(about_job(state, job));
        }
        if let Some(found) = state.found {
            actions.push(Action::TakeAway { found });
        }
        actions
    }
}

/// What a worker may write under a claim it believes in.
fn writes(worker: usize, claim: Claim) -> impl Iterator<Item = Action> {
    let told = [true, false].into_iter().flat_map(move |heard| {
        [
            Action::Complete { worker, claim, heard },
            Action::Fail { worker, claim, heard },
            Action::Release { worker, claim, heard },
        ]
    });
    told.chain([Action::Start { worker, claim }])
}

/// What others may do to a job.
fn about_job(state: &State, job: usize) -> Vec<Action> {
    let held = &state.jobs[job];
    let mut actions = Vec::new();
    if let Some(row) = &held.row {
        actions.push(Action::Cancel { job });
        if let (Some(worker), None) = (row.worker(), state.found) {
            let standing = state.workers[worker].standing;
            let is_dead = matches!(standing, Standing::Dead | Standing::Stopped);
            let claim = Claim { job, fence: row.fence, attempt: row.attempt };
            if is_dead || row.started {
                actions.push(Action::Find { found: Found { claim, is_dead } });
            }
        }
    }
    let ended = held.end.as_ref().filter(|_| held.row.is_none());
    if ended.is_some_and(|end| end.status != Status::Completed) && !held.retried {
        actions.push(Action::Retry { job });
    }
    actions
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.jobs, self.workers)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.possible(state));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, action).0).filter(|next| next != state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NEITHER_LOST_NOR_DOUBLED, |_, state: &State| {
                state.jobs.iter().all(|job| job.row.is_some() != job.end.is_some())
            }),
            Property::always(ONE_END, |_, state: &State| {
                state.jobs.iter().all(|job| job.accepted <= 1)
            }),
            Property::always(HIGHEST_FENCE, |_, state: &State| {
                let ends = state.jobs.iter().filter_map(|job| Some((job, job.end.as_ref()?)));
                let mut written = ends.filter_map(|(job, end)| Some((job, end, end.writer?)));
                written.all(|(job, end, writer)| {
                    (writer.fence, writer.attempt) == (job.highest, end.attempt)
                })
            }),
            Property::always(NO_LATE_WRITE, |_, state: &State| !state.late_write_accepted),
            Property::always(FENCES_DIFFER, |_, state: &State| {
                let all: Vec<&Claim> = state.workers.iter().flat_map(|it| &it.held).collect();
                let clash = |a: &Claim, b: &Claim| {
                    (a.job, a.fence) == (b.job, b.fence) && a.attempt != b.attempt
                };
                !all.iter().any(|a| all.iter().any(|b| clash(a, b)))
            }),
            Property::always(CANCELLED_STAYS_SO, |_, state: &State| {
                let completed = |job: &crate::state::Job| {
                    job.end.as_ref().is_some_and(|end| end.status == Status::Completed)
                };
                !state.jobs.iter().any(|job| job.cancelled && completed(job))
            }),
            Property::always(RUNNING_IS_A_RECOUNT, |_, state: &State| {
                let told = state.lane.running - state.lane.released;
                usize::try_from(told).is_ok_and(|told| told == state.claimed())
            }),
            Property::always(CAP_HOLDS, |model: &Self, state: &State| state.claimed() <= model.cap),
            Property::always(COUNTS_ARE_A_RECOUNT, |_, state: &State| {
                [Status::Completed, Status::Failed, Status::Cancelled].into_iter().all(|status| {
                    usize::try_from(state.counts[status as usize]) == Ok(state.ended(status))
                })
            }),
            Property::always(LIMITS_HOLD, |_, state: &State| {
                let mut rows = state.jobs.iter().filter_map(|job| job.row.as_ref());
                rows.all(|row| row.failures < FAILURES_MAX && row.crashes < CRASHES_MAX)
            }),
            Property::always(RECOVERS, Self::recovers),
            Property::sometimes(
                "a worker believes in a claim that another has",
                |_, state: &State| {
                    let mut all = state.workers.iter().flat_map(|it| &it.held);
                    all.any(|claim| {
                        let row = state.jobs[claim.job].row.as_ref();
                        row.is_some_and(|row| row.worker().is_some() && row.attempt > claim.attempt)
                    })
                },
            ),
            Property::sometimes(FOUND_TOO_LATE, |_, state: &State| {
                state.found.filter(|found| found.is_dead).is_some_and(|found| {
                    let row = state.jobs[found.claim.job].row.as_ref();
                    row.is_some_and(|row| {
                        row.worker().is_some() && row.attempt > found.claim.attempt
                    })
                })
            }),
            Property::sometimes("a job is quarantined", |_, state: &State| {
                let mut ends = state.jobs.iter().filter_map(|job| job.end.as_ref());
                ends.any(|end| end.status == Status::Failed && end.writer.is_none())
            }),
            Property::sometimes("a second generation completes", |_, state: &State| {
                state.jobs.iter().any(|job| job.retried) && state.ended(Status::Completed) > 0
            }),
        ]
    }
}

pub(crate) const NEITHER_LOST_NOR_DOUBLED: &str =
    "a job has a row or an end, not both, not neither";
pub(crate) const ONE_END: &str = "at most one end is accepted";
pub(crate) const HIGHEST_FENCE: &str = "the end of a run is that of the newest claim";
pub(crate) const FENCES_DIFFER: &str = "no two claims of a job have one fence";
pub(crate) const CANCELLED_STAYS_SO: &str = "a cancelled job never completes";
pub(crate) const RUNNING_IS_A_RECOUNT: &str = "the lane's running jobs are a recount";
pub(crate) const CAP_HOLDS: &str = "no more jobs are claimed than the cap";
pub(crate) const COUNTS_ARE_A_RECOUNT: &str = "the bundle's counts are a recount";
pub(crate) const LIMITS_HOLD: &str = "no job waits that failed or crashed too often";
pub(crate) const NO_LATE_WRITE: &str = "no write under an older claim is accepted";
pub(crate) const FOUND_TOO_LATE: &str = "the canceller is about to rescue what another has by now";
pub(crate) const RECOVERS: &str = "whatever happened, a new worker brings all jobs to an end";

impl Protocol {
    /// All processes die, their claims are taken away, and a new worker runs what it is given.
    fn recovers(&self, state: &State) -> bool {
        let mut state = state.clone();
        for worker in 0..state.workers.len() {
            state.step(Action::Crash { worker }, self.cap, self.fault);
            state.step(Action::DeclareDead { worker }, self.cap, self.fault);
        }
        for job in 0..state.jobs.len() {
            let Some(row) = &state.jobs[job].row else { continue };
            let claim = Claim { job, fence: row.fence, attempt: row.attempt };
            if row.worker().is_some() {
                let found = Found { claim, is_dead: true };
                state.step(Action::TakeAway { found }, self.cap, self.fault);
            }
        }
        let worker = state.workers.len();
        state.workers.push(State::new(0, 1).workers.remove(0));
        for _ in 0..state.jobs.len() {
            state.step(Action::Claim { worker, heard: true }, self.cap, self.fault);
            for claim in state.workers[worker].held.clone() {
                let done = Action::Complete { worker, claim, heard: true };
                state.step(done, self.cap, self.fault);
            }
        }
        state.jobs.iter().all(|job| job.end.is_some())
    }
}
