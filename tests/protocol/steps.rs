//! What each step changes: one call of the store, or an event outside.

use crate::actions::{Action, Fault};
use crate::state::{Claim, End, Number, Place, Row, Standing, State, Status};

/// A job that failed this often has failed for good.
pub(crate) const FAILURES_MAX: Number = 2;
/// A job at whose claim a started run died this often is quarantined.
pub(crate) const CRASHES_MAX: Number = 1;

impl State {
    /// Takes one step. Answers whether what was written was accepted.
    pub(crate) fn step(&mut self, action: Action, cap: usize, fault: Option<Fault>) -> bool {
        let newest = |claim: Claim| {
            self.jobs[claim.job].row.as_ref().is_some_and(|row| row.attempt == claim.attempt)
        };
        let late = action.claim().is_some_and(|claim| !newest(claim));
        let accepted = self.apply(action, cap, fault);
        self.late_write_accepted |= late && accepted;
        accepted
    }

    fn apply(&mut self, action: Action, cap: usize, fault: Option<Fault>) -> bool {
        match action {
            Action::Claim { worker, heard } => {
                let got = self.claim(worker, cap, fault);
                if let Some(claim) = got.filter(|_| heard) {
                    self.hold(worker, claim);
                }
                got.is_some()
            }
            Action::Start { claim, .. } => {
                let stands = self.standing(claim).is_some();
                if let Some(row) = self.jobs[claim.job].row.as_mut().filter(|_| stands) {
                    row.started = true;
                }
                stands
            }
            Action::Complete { worker, claim, heard } => {
                let accepted = self.end_run(claim, Status::Completed, fault);
                self.let_go(worker, claim, heard);
                accepted
            }
            Action::Fail { worker, claim, heard } => {
                let accepted = self.fail(claim, fault);
                self.let_go(worker, claim, heard);
                accepted
            }
            Action::Release { worker, claim, heard } => {
                let accepted = self.release(claim, fault);
                self.let_go(worker, claim, heard);
                accepted
            }
            Action::Cancel { job } => self.cancel(job, fault),
            Action::Retry { job } => self.retry(job, fault),
            _ => self.apply_to_workers(action, fault),
        }
    }

    /// What happens to workers, and what the canceller makes of it.
    fn apply_to_workers(&mut self, action: Action, fault: Option<Fault>) -> bool {
        match action {
            Action::Look { worker } => self.look(worker, fault),
            Action::Drain { worker } => {
                if self.workers[worker].standing == Standing::Alive {
                    self.workers[worker].standing = Standing::Draining;
                }
                true
            }
            Action::Stop { worker } => {
                self.workers[worker].standing = Standing::Stopped;
                self.workers[worker].runs = false;
                true
            }
            Action::Crash { worker } => {
                self.workers[worker].held.clear();
                self.workers[worker].runs = false;
                true
            }
            Action::DeclareDead { worker } => {
                self.workers[worker].standing = Standing::Dead;
                true
            }
            Action::Find { found } => {
                self.found = Some(found);
                true
            }
            Action::TakeAway { found } => {
                self.found = None;
                if found.is_dead {
                    return self.rescue(found.claim, fault);
                }
                self.standing(found.claim).is_some()
                    && self.end(found.claim.job, Status::Cancelled, None, fault)
            }
            _ => false,
        }
    }

    fn claim(&mut self, worker: usize, cap: usize, fault: Option<Fault>) -> Option<Claim> {
        if self.workers[worker].standing != Standing::Alive {
            return None;
        }
        for job in 0..self.jobs.len() {
            let row = self.jobs[job].row.as_mut();
            if let Some(row) = row.filter(|row| row.place == Place::Delayed) {
                row.place = Place::Ready;
                self.tell_ready(job);
            }
        }
        let lane = &mut self.lane;
        lane.running -= lane.released;
        lane.released = 0;
        if let Some(low) = lane.made_ready.take() {
            lane.has_ready = true;
            lane.low = lane.low.min(low);
        }
        let has_room = usize::try_from(lane.running).is_ok_and(|running| running < cap);
        if !lane.has_ready || !(has_room || fault == Some(Fault::ClaimIgnoresCap)) {
            return None;
        }
        let takes = |row: &Row| {
            row.place == Place::Ready
                || fault == Some(Fault::ClaimTakesClaimed) && row.worker().is_some()
        };
        let mut from_low = lane.low..self.jobs.len();
        let oldest = from_low.find(|&job| self.jobs[job].row.as_ref().is_some_and(takes));
        self.lane.has_ready = oldest.is_some();
        let job = oldest?;
        self.lane.low = job + 1;
        self.lane.running += 1;
        let row = self.jobs[job].row.as_mut()?;
        row.place = Place::Claimed(worker);
        row.attempt += 1;
        row.started = false;
        let attempt = row.attempt;
        let fence = self.raise_fence(job, fault);
        Some(Claim { job, fence, attempt })
    }

    /// The end that a run writes under its claim.
    fn end_run(&mut self, claim: Claim, status: Status, fault: Option<Fault>) -> bool {
        let row = self.jobs[claim.job].row.as_ref();
        let stands = if fault == Some(Fault::EndIgnoresFence) {
            row.is_some()
        } else {
            self.standing(claim).is_some()
        };
        stands && self.end(claim.job, status, Some(claim), fault)
    }

    /// A job's row goes, its end stays.
    fn end(
        &mut self,
        job: usize,
        status: Status,
        writer: Option<Claim>,
        fault: Option<Fault>,
    ) -> bool {
        let Some(row) = self.jobs[job].row.clone() else { return false };
        let raised = Number::from(writer.is_none());
        let failed = Number::from(status == Status::Failed && writer.is_some());
        let held = &mut self.jobs[job];
        held.end = Some(End {
            status,
            fence: row.fence + raised,
            attempt: row.attempt,
            failures: row.failures + failed,
            writer,
        });
        held.accepted += 1;
        if fault != Some(Fault::EndKeepsRow) {
            held.row = None;
        }
        if row.worker().is_some() && fault != Some(Fault::EndForgetsLane) {
            self.lane.released += 1;
        }
        self.counts[status as usize] += 1;
        true
    }

    fn fail(&mut self, claim: Claim, fault: Option<Fault>) -> bool {
        let Some(row) = self.standing(claim) else { return false };
        if row.failures + 1 >= FAILURES_MAX {
            if fault == Some(Fault::FailureLost) {
                self.jobs[claim.job].row = None;
                self.lane.released += 1;
                return true;
            }
            return self.end(claim.job, Status::Failed, Some(claim), fault);
        }
        if let Some(row) = self.jobs[claim.job].row.as_mut() {
            row.place = Place::Delayed;
            row.failures += 1;
            row.started = false;
        }
        self.raise_fence(claim.job, fault);
        self.lane.released += 1;
        true
    }

    fn release(&mut self, claim: Claim, fault: Option<Fault>) -> bool {
        let row = self.jobs[claim.job].row.as_ref();
        let stands = row.is_some_and(|row| {
            row.worker().is_some()
                && (row.fence == claim.fence || fault == Some(Fault::ReleaseIgnoresFence))
        });
        if stands {
            self.make_ready(claim.job, fault);
            self.tell_ready(claim.job);
        }
        stands
    }

    /// The look: what is claimed in the worker's name without being held is given back; what is held
    /// and does not stand is let go of.
    fn look(&mut self, worker: usize, fault: Option<Fault>) -> bool {
        let standing = self.workers[worker].standing;
        let alive = matches!(standing, Standing::Alive | Standing::Draining);
        let held = std::mem::take(&mut self.workers[worker].held);
        for job in 0..self.jobs.len() {
            let Some(row) = &self.jobs[job].row else { continue };
            let claim = Claim { job, fence: row.fence, attempt: row.attempt };
            if row.worker() == Some(worker) && !held.contains(&claim) {
                self.release(claim, fault);
            }
        }
        let stands =
            |claim: &Claim| self.standing(*claim).is_some_and(|row| row.worker() == Some(worker));
        let kept: Vec<Claim> = held.into_iter().filter(stands).collect();
        // Who was declared dead gives everything up.
        self.workers[worker].runs = alive;
        self.workers[worker].held = if alive { kept } else { Vec::new() };
        alive
    }

    fn rescue(&mut self, claim: Claim, fault: Option<Fault>) -> bool {
        let Some(row) = self.standing(claim) else { return false };
        let weight = 5 * row.crashes + row.orphaned + if row.started { 5 } else { 1 };
        if weight >= 5 * CRASHES_MAX {
            return self.end(claim.job, Status::Failed, None, fault);
        }
        if let Some(row) = self.jobs[claim.job].row.as_mut() {
            row.crashes += Number::from(row.started);
            row.orphaned += Number::from(!row.started);
        }
        self.make_ready(claim.job, fault);
        if fault != Some(Fault::RescueForgetsLane) {
            self.tell_ready(claim.job);
        }
        true
    }

    fn cancel(&mut self, job: usize, fault: Option<Fault>) -> bool {
        let Some(row) = &self.jobs[job].row else { return false };
        let only_asks = fault == Some(Fault::CancelOnlyAsks) && row.worker().is_some();
        self.jobs[job].cancelled = true;
        only_asks || self.end(job, Status::Cancelled, None, fault)
    }

    fn retry(&mut self, job: usize, fault: Option<Fault>) -> bool {
        let Some(end) = self.jobs[job].end.take() else { return false };
        let fence = end.fence + Number::from(fault != Some(Fault::FenceStays));
        let retried = &mut self.jobs[job];
        retried.row = Some(Row::waiting(fence, end.attempt));
        retried.highest = fence;
        retried.accepted = 0;
        retried.cancelled = false;
        retried.retried = true;
        if fault != Some(Fault::RetryForgetsCounts) {
            self.counts[end.status as usize] -= 1;
        }
        self.tell_ready(job);
        true
    }

    fn make_ready(&mut self, job: usize, fault: Option<Fault>) {
        if let Some(row) = self.jobs[job].row.as_mut() {
            row.place = Place::Ready;
            row.started = false;
        }
        self.raise_fence(job, fault);
        self.lane.released += 1;
    }

    fn raise_fence(&mut self, job: usize, fault: Option<Fault>) -> Number {
        let job = &mut self.jobs[job];
        let Some(row) = job.row.as_mut() else { return job.highest };
        row.fence += Number::from(fault != Some(Fault::FenceStays));
        job.highest = job.highest.max(row.fence);
        row.fence
    }

    fn tell_ready(&mut self, job: usize) {
        let news = &mut self.lane.made_ready;
        *news = Some(news.map_or(job, |low| low.min(job)));
    }

    /// A claim on a job replaces an older one of the same process.
    fn hold(&mut self, worker: usize, claim: Claim) {
        let held = &mut self.workers[worker].held;
        held.retain(|older| older.job != claim.job);
        held.push(claim);
        held.sort_unstable_by_key(|claim| claim.job);
    }

    fn let_go(&mut self, worker: usize, claim: Claim, heard: bool) {
        if heard {
            self.workers[worker].held.retain(|held| *held != claim);
        }
    }
}
