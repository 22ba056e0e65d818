//! The claims a process holds, from the claim until its end is written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::domain::job::{Claim, JobId, Progress};
use crate::kinds::{Limits, RunControl};

/// A claim whose percent has not moved by a tenth is still reported this often, so that it is seen
/// to be alive.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// Runs per slot that take turns and leave the place of a claim to others; more than these count.
const TURN_TAKERS_PER_SLOT: usize = 4;

/// The claims a process holds.
#[derive(Debug, Default)]
pub struct Held(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    claims: HashMap<JobId, HeldClaim>,
    slot_use: SlotUse,
}

/// What the claims held do to the slots.
#[derive(Debug, Clone, Copy, Default)]
struct SlotUse {
    /// Claims that need a slot for their whole run and have not ended.
    waiting: usize,
    /// Runs that take turns and have not ended.
    turn_takers: usize,
    /// Running mean of how long jobs keep a slot, seconds; `None` before the first has ended.
    seconds: Option<f64>,
}

#[derive(Debug)]
struct HeldClaim {
    claim: Claim,
    needs_slot: bool,
    takes_turns: bool,
    claimed: Instant,
    control: Arc<RunControl>,
    limits: Option<Limits>,
    reported: Option<Reported>,
    run_ended: bool,
}

#[derive(Debug, Clone, Copy)]
struct Reported {
    percent: f64,
    at: Instant,
}

impl Held {
    /// Takes a claim in. A claim on the same job under an older fence is replaced and cancelled.
    pub fn insert(&self, claim: Claim, needs_slot: bool) {
        let held = HeldClaim {
            claim,
            needs_slot,
            claimed: Instant::now(),
            takes_turns: false,
            control: Arc::default(),
            limits: None,
            reported: None,
            run_ended: false,
        };
        let mut inner = self.0.lock();
        inner.slot_use.waiting += usize::from(needs_slot);
        if let Some(older) = inner.claims.insert(claim.job_id, held) {
            older.control.cancel();
            inner.slot_use.left_by(&older);
        }
    }

    /// The control of a claim; `None` when it is not held (any more).
    #[must_use]
    pub fn control(&self, claim: Claim) -> Option<Arc<RunControl>> {
        let inner = self.0.lock();
        let held = inner.claims.get(&claim.job_id).filter(|held| held.claim == claim)?;
        Some(Arc::clone(&held.control))
    }

    /// Notes how long a run may take; from then on its progress is reported.
    pub fn run_begins(&self, claim: Claim, limits: Limits) {
        let mut inner = self.0.lock();
        let held = inner.claims.get_mut(&claim.job_id).filter(|held| held.claim == claim);
        if let Some(held) = held {
            held.limits = Some(limits);
        }
    }

    /// When it was claimed; `None` where it is not held.
    #[must_use]
    pub fn claimed(&self, claim: Claim) -> Option<Instant> {
        let inner = self.0.lock();
        let held = inner.claims.get(&claim.job_id).filter(|held| held.claim == claim);
        held.map(|held| held.claimed)
    }

    /// Notes that a run gives its slot back again and again: there is room beside it.
    pub fn takes_turns(&self, claim: Claim) {
        let mut inner = self.0.lock();
        let Inner { claims, slot_use } = &mut *inner;
        let held = claims.get_mut(&claim.job_id).filter(|held| held.claim == claim);
        if let Some(held) = held.filter(|held| held.needs_slot && !held.takes_turns) {
            slot_use.left_by(held);
            slot_use.turn_takers += 1;
            held.takes_turns = true;
        }
    }

    /// Notes that a run is over and only its end is left to write.
    pub fn run_ended(&self, claim: Claim) {
        let mut inner = self.0.lock();
        let Inner { claims, slot_use } = &mut *inner;
        let Some(held) = claims.get_mut(&claim.job_id).filter(|held| held.claim == claim) else {
            return;
        };
        slot_use.left_by(held);
        if held.keeps_slot()
            && let Some(begun) = held.control.begun()
        {
            let took = begun.elapsed().as_secs_f64();
            let mean = slot_use.seconds.unwrap_or(took);
            slot_use.seconds = Some(mean + 0.1 * (took - mean));
        }
        held.run_ended = true;
    }

    /// Lets go of a claim whose end is written, or that was given back or lost.
    pub fn remove(&self, claim: Claim) {
        self.run_ended(claim);
        let mut inner = self.0.lock();
        if inner.claims.get(&claim.job_id).is_some_and(|held| held.claim == claim) {
            inner.claims.remove(&claim.job_id);
        }
    }

    /// Lets go of claims that are lost and asks their runs to end. Answers how many had not ended:
    /// a claim also looks lost between the write of its end and its removal here.
    pub fn lose(&self, claims: &[Claim]) -> usize {
        let ended = |claim: &Claim| {
            let inner = self.0.lock();
            let held = inner.claims.get(&claim.job_id).filter(|held| held.claim == *claim);
            held.is_none_or(|held| held.run_ended)
        };
        let mut cut_off = 0;
        for claim in claims {
            cut_off += usize::from(!ended(claim));
            if let Some(control) = self.control(*claim) {
                control.cancel();
            }
            self.remove(*claim);
        }
        cut_off
    }

    /// Lets go of everything and asks all runs to end. Answers how many had not.
    pub fn lose_all(&self) -> usize {
        self.lose(&self.claims())
    }

    /// All claims held, for the look.
    #[must_use]
    pub fn claims(&self) -> Vec<Claim> {
        self.0.lock().claims.values().map(|held| held.claim).collect()
    }

    /// Whether the slots will soon have nothing to do: less than half of what they can do within
    /// `ahead` is held.
    #[must_use]
    pub fn slots_run_dry(&self, slots: usize, ahead: Duration) -> bool {
        let room = self.slot_room(slots, ahead);
        room > 0 && room >= self.0.lock().slot_use.waiting
    }

    /// How many more jobs that need a slot to claim: what `slots` threads can do within `ahead`, at
    /// least one each, less what is held.
    #[must_use]
    pub fn slot_room(&self, slots: usize, ahead: Duration) -> usize {
        let inner = self.0.lock();
        let SlotUse { waiting, turn_takers, seconds } = inner.slot_use;
        // Before anything is known, one each: whoever takes more may sit on what others could run.
        let each = seconds.map_or(1.0, |mean| ahead.as_secs_f64() / mean.max(1e-6));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 10,000"
        )]
        let each = each.clamp(1.0, 10_000.0) as usize;
        let beyond = turn_takers.saturating_sub(slots * TURN_TAKERS_PER_SLOT);
        (slots * each).saturating_sub(waiting + beyond)
    }

    /// At most `limit` running jobs that have something to report: begun and not marked yet, moved by
    /// a tenth, or moved at all and silent for long.
    #[must_use]
    pub fn progress_due(&self, limit: usize) -> Vec<Progress> {
        let now = Instant::now();
        let mut inner = self.0.lock();
        inner
            .claims
            .values_mut()
            .filter(|held| !held.run_ended)
            .filter_map(|held| {
                let (limits, begun) = (held.limits?, held.control.begun()?);
                let percent = held.control.percent();
                let due = held.reported.is_none_or(|last| {
                    (percent / 10.0).floor() > (last.percent / 10.0).floor()
                        || (percent > last.percent && now - last.at > REPORT_EVERY)
                });
                due.then(|| {
                    held.reported = Some(Reported { percent, at: now });
                    Progress {
                        claim: held.claim,
                        percent,
                        elapsed_ms: i64::try_from((now - begun).as_millis()).unwrap_or(i64::MAX),
                        timeout_ms: limits.timeout_ms,
                        stall_ms: limits.stall_ms,
                    }
                })
            })
            .take(limit)
            .collect()
    }

    /// Makes claims report again: their last report was not written.
    pub fn report_again(&self, claims: impl IntoIterator<Item = Claim>) {
        let mut inner = self.0.lock();
        for claim in claims {
            let held = inner.claims.get_mut(&claim.job_id).filter(|held| held.claim == claim);
            if let Some(held) = held {
                held.reported = None;
            }
        }
    }
}

impl HeldClaim {
    /// Whether its run has a slot for itself until it ends.
    fn keeps_slot(&self) -> bool {
        self.needs_slot && !self.takes_turns && !self.run_ended
    }
}

impl SlotUse {
    /// Takes out what a claim counted for that has not ended.
    fn left_by(&mut self, held: &HeldClaim) {
        self.waiting -= usize::from(held.keeps_slot());
        self.turn_takers -= usize::from(held.takes_turns && !held.run_ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { timeout_ms: 1_000, stall_ms: None };

    fn claim(job_id: JobId, fence: i64) -> Claim {
        Claim { job_id, fence }
    }

    #[test]
    fn a_newer_claim_on_the_same_job_cancels_the_older_run() {
        let held = Held::default();
        held.insert(claim(1, 1), true);
        let older = held.control(claim(1, 1)).unwrap();
        held.insert(claim(1, 3), true);
        assert!(older.is_cancelled());
        assert!(held.control(claim(1, 1)).is_none());
        held.remove(claim(1, 1));
        assert_eq!(held.claims(), [claim(1, 3)]);
    }

    #[test]
    fn slots_are_claimed_one_each_until_runs_prove_short() {
        let held = Held::default();
        held.insert(claim(1, 1), true);
        assert_eq!(held.slot_room(3, Duration::from_millis(200)), 2, "nothing is known yet");
        held.0.lock().slot_use.seconds = Some(60.0);
        assert_eq!(held.slot_room(3, Duration::from_millis(200)), 2);
        held.0.lock().slot_use.seconds = Some(0.01);
        assert_eq!(held.slot_room(3, Duration::from_millis(200)), 59);
        assert!(held.slots_run_dry(3, Duration::from_millis(200)));
    }

    #[test]
    fn runs_that_take_turns_leave_room_until_there_are_many_and_teach_nothing_of_how_long_runs_are()
    {
        let held = Held::default();
        let ahead = Duration::from_millis(200);
        for job in 1..=5 {
            held.insert(claim(job, 1), true);
            assert_eq!(held.slot_room(1, ahead), 0, "it has not said yet that it takes turns");
            held.takes_turns(claim(job, 1));
            held.takes_turns(claim(job, 1));
            assert_eq!(held.slot_room(1, ahead), usize::from(job <= 4), "job {job}");
        }
        held.control(claim(1, 1)).unwrap().begin();
        held.run_ended(claim(1, 1));
        assert_eq!(held.slot_room(1, ahead), 1);
        assert_eq!(held.0.lock().slot_use.seconds, None);
        held.insert(claim(2, 3), true);
        assert_eq!(held.0.lock().slot_use.turn_takers, 3, "an older claim counts no more");
    }

    #[test]
    fn progress_is_due_at_the_start_and_at_every_tenth() {
        let held = Held::default();
        held.insert(claim(1, 1), false);
        held.run_begins(claim(1, 1), LIMITS);
        assert!(held.progress_due(9).is_empty(), "nothing has begun");
        let control = held.control(claim(1, 1)).unwrap();
        control.begin();
        assert_eq!(held.progress_due(9).len(), 1);
        control.set_percent(9.0);
        assert!(held.progress_due(9).is_empty());
        control.set_percent(11.0);
        assert_eq!(held.progress_due(9).len(), 1);
        held.run_ended(claim(1, 1));
        control.set_percent(50.0);
        assert!(held.progress_due(9).is_empty(), "the run is over");
    }
}
