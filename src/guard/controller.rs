//! Decides how fast to go: observations in, pace and reason out. It knows no clock and no database.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::baseline::{Baseline, level};
use super::horizon::Horizon;
use super::{Cause, GuardSettings};
use crate::store::ServerLoad;

/// So many samples are judged together, and so many at least.
const RECENT: (usize, usize) = (8, 4);
/// Writes that are slower by less than this are no reason: that much is the machine's own noise.
const SLACK: Duration = Duration::from_millis(1);
/// A mean wait for a connection of the pool that is a reason.
const WAIT_MAX: Duration = Duration::from_millis(50);
/// One step down: the pace is multiplied by what would be right, within these limits.
const CUT: (f64, f64) = (0.5, 0.9);
/// The way up: this much of the full pace in a second.
const RAISE_PER_SECOND: f64 = 0.5;
/// Gaps between observations count as no longer than this.
const STEP_MAX: Duration = Duration::from_secs(1);
/// Whoever sets to work beside others begins at this pace.
const BEGIN: f64 = 0.25;
/// Using the database for a larger part of the time than this is work.
const WORK: f64 = 0.1;
/// While it works beside others it goes at the lowest pace now and then, more often while slowed, so
/// that the baseline is that of today.
const LISTEN_EVERY: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(60));
const LISTEN_FOR: Duration = Duration::from_millis(600);
/// Until then, what was under way before still disturbs.
const LISTEN_AFTER: Duration = Duration::from_millis(200);
/// Work that pauses for less than this goes on.
const PAUSE: Duration = Duration::from_secs(1);

/// What was seen since the last time.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'s> {
    /// How long a small write took with its commit, where one was made.
    pub commit: Option<Duration>,
    /// Mean wait for a connection of the pool, where one was taken.
    pub pool_wait: Option<Duration>,
    /// Statements of ours that were under way, on average.
    pub in_use: f64,
    /// What the server showed last; `None` before the first look.
    pub server: Option<&'s ServerLoad>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Above 0, at most 1.
    pub pace: f64,
    /// Why it is less than 1.
    pub slowed_by: Option<Cause>,
}

/// Additive increase, multiplicative decrease.
///
/// What a small write takes while this process hardly uses the database is the baseline: what others
/// have without it. It is learned at the start, when idle, at the lowest pace, and in short whiles of
/// listening. When writes take more than `target` times as long, the pace falls by as
/// much; as long as they do not, or this process uses the database so little that it cannot be the reason,
/// it rises bit by bit. That is for others only: where nobody else works, nothing is held back. An old snapshot and a replica that lags hold the pace down besides, by as
/// much as they exceed their limits.
#[derive(Debug)]
pub struct Controller {
    settings: GuardSettings,
    baseline: Baseline,
    horizon: Horizon,
    commits: VecDeque<Duration>,
    waits: VecDeque<Duration>,
    uses: VecDeque<f64>,
    pace: f64,
    cause: Option<Cause>,
    last: Option<Instant>,
    worked: Option<Instant>,
    had_neighbours: bool,
    listened: Option<Instant>,
    snapshot_age: Duration,
}

impl Controller {
    /// A controller that has seen nothing: it begins slowly.
    #[must_use]
    pub fn new(settings: GuardSettings) -> Self {
        Self {
            settings,
            baseline: Baseline::default(),
            horizon: Horizon::default(),
            commits: VecDeque::new(),
            waits: VecDeque::new(),
            uses: VecDeque::new(),
            pace: settings.pace_min,
            cause: Some(Cause::Listening),
            last: None,
            worked: None,
            had_neighbours: false,
            listened: None,
            snapshot_age: Duration::ZERO,
        }
    }

    /// For how long the oldest snapshot has been the oldest.
    #[must_use]
    pub fn snapshot_age(&self) -> Duration {
        self.snapshot_age
    }

    /// Exchanges the settings; what has been learned stays.
    pub fn set(&mut self, settings: GuardSettings) {
        self.settings = settings;
    }

    /// What a small write takes without us; `None` while that is being learned.
    #[must_use]
    pub fn baseline(&self) -> Option<Duration> {
        self.baseline.value()
    }

    /// Whether nothing is done here at this moment, and enough is known for when something is.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.worked.is_none() && self.pace >= 1.0 && self.baseline().is_some()
    }

    /// Whether how others fare matters at this moment: they work, and this process does or is slowed.
    #[must_use]
    pub fn is_watchful(&self) -> bool {
        let matters = self.worked.is_some() || self.pace < 1.0;
        self.baseline().is_none() || (self.had_neighbours && matters)
    }

    /// Takes in what was seen and answers what is to be done.
    pub fn observe(&mut self, now: Instant, seen: &Observation<'_>) -> Decision {
        let step = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.last = Some(now);
        let sets_to_work = self.note_work(now, seen.in_use);
        let listens = self.listens(now);
        self.learn(now, seen, listens);
        let neighbours = seen.server.is_none_or(|server| server.neighbours > 0);
        let come = neighbours && !self.had_neighbours;
        self.had_neighbours = neighbours;
        if !neighbours {
            self.raise(1.0);
        } else if self.worked.is_some() && (sets_to_work || come) && self.pace > BEGIN {
            (self.pace, self.cause) = (BEGIN, Some(Cause::Listening));
        } else if listens.is_none() {
            self.adjust(step);
        }
        self.within_ceilings(now, seen.server, listens.is_some() && neighbours)
    }

    /// For how long it has been listening; `None` while it does not.
    fn listens(&mut self, now: Instant) -> Option<Duration> {
        if self.worked.is_none() || !self.had_neighbours {
            self.listened = None;
            return None;
        }
        let began = *self.listened.get_or_insert(now);
        let every = if self.pace < 1.0 { LISTEN_EVERY.0 } else { LISTEN_EVERY.1 };
        let passed = now.saturating_duration_since(began).checked_sub(every)?;
        if passed >= LISTEN_FOR {
            self.listened = Some(now);
            return None;
        }
        Some(passed)
    }

    /// Notes whether we use the database; answers whether that begins now.
    fn note_work(&mut self, now: Instant, in_use: f64) -> bool {
        let before = self.worked;
        if in_use > WORK {
            self.worked = Some(now);
        } else if before.is_some_and(|last| now.saturating_duration_since(last) > PAUSE) {
            self.worked = None;
        }
        before.is_none() && self.worked.is_some()
    }

    fn learn(&mut self, now: Instant, seen: &Observation<'_>, listens: Option<Duration>) {
        // Before anything is known, a moment's rest will do: a slow machine may never be idle for longer.
        let rests = self.baseline().is_none() && seen.in_use <= WORK;
        let undisturbed = rests
            || self.worked.is_none()
            || self.pace <= self.settings.pace_min
            || listens.is_some_and(|passed| passed >= LISTEN_AFTER);
        if let Some(commit) = seen.commit.filter(|_| undisturbed) {
            self.baseline.note(now, commit);
        }
        if listens.is_none() {
            push(&mut self.waits, seen.pool_wait);
            push(&mut self.commits, seen.commit);
            push(&mut self.uses, Some(seen.in_use));
        }
    }

    /// One step of the pace, down or up.
    fn adjust(&mut self, step: Duration) {
        // Until the baseline is known nothing can be judged.
        let Some(usual) = self.baseline() else { return };
        let limit = usual.mul_f64(self.settings.target).max(usual + SLACK);
        let blamed = mean(&self.uses) > self.settings.fair_use;
        let commit = recent(&self.commits).filter(|took| *took > limit && blamed);
        let wait = recent(&self.waits).filter(|took| *took > WAIT_MAX);
        let (excess, cause) = match (commit, wait) {
            (Some(took), _) => (ratio(limit, took), Cause::Commits { took, usual }),
            (None, Some(took)) => (ratio(WAIT_MAX, took), Cause::PoolWait { took }),
            // What has been seen since the last step does not tell yet.
            (None, None) if self.commits.len() < RECENT.1 => return,
            (None, None) => {
                let step = step.min(STEP_MAX).as_secs_f64();
                return self.raise(self.pace + RAISE_PER_SECOND * step);
            }
        };
        self.pace = (self.pace * excess.clamp(CUT.0, CUT.1)).max(self.settings.pace_min);
        self.cause = Some(cause);
        // What comes now was seen at another pace.
        self.commits.clear();
        self.waits.clear();
    }

    fn raise(&mut self, pace: f64) {
        self.pace = pace.min(1.0);
        if self.pace >= 1.0 {
            self.cause = None;
        }
    }

    /// The pace, or less where the server has a reason of its own.
    fn within_ceilings(
        &mut self,
        now: Instant,
        server: Option<&ServerLoad>,
        listens: bool,
    ) -> Decision {
        let mut decision = Decision { pace: self.pace, slowed_by: self.cause.clone() };
        if listens && self.settings.pace_min < self.pace {
            decision = Decision { pace: self.settings.pace_min, slowed_by: Some(Cause::Listening) };
        }
        let oldest = server.and_then(|server| server.horizon.as_deref());
        let age = self.horizon.age(now, oldest);
        self.snapshot_age = age;
        let held_by = server.and_then(|server| server.held_by.clone()).unwrap_or_default();
        let lag = server.and_then(|server| server.replica_lag).unwrap_or_default();
        for (limit_ms, found, cause) in [
            (self.settings.snapshot_age_ms, age, Cause::Snapshot { age, held_by }),
            (self.settings.replica_lag_ms, lag, Cause::Replica { lag }),
        ] {
            let limit = Duration::from_millis(limit_ms);
            let ceiling = if limit.is_zero() { 1.0 } else { ratio(limit, found) };
            if ceiling < decision.pace {
                decision = Decision { pace: ceiling, slowed_by: Some(cause) };
            }
        }
        decision.pace = decision.pace.max(self.settings.pace_min);
        decision
    }
}

fn push<T>(recent: &mut VecDeque<T>, sample: Option<T>) {
    recent.extend(sample);
    if recent.len() > RECENT.0 {
        recent.pop_front();
    }
}

fn recent(samples: &VecDeque<Duration>) -> Option<Duration> {
    if samples.len() < RECENT.1 { None } else { level(samples) }
}

fn mean(samples: &VecDeque<f64>) -> f64 {
    samples.iter().sum::<f64>() / f64::from(u32::try_from(samples.len()).unwrap_or(1).max(1))
}

/// How many times `found` goes into `limit`.
fn ratio(limit: Duration, found: Duration) -> f64 {
    limit.as_secs_f64() / found.as_secs_f64().max(1e-9)
}
