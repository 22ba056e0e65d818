//! Which jobs have ended, for those who listen: noted as it happens, told now and then. Nobody waits for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::domain::job::JobId;
use crate::pipeline::Shutdown;
use crate::store::Store;

/// Jobs in one notification, whose payload has less than 8,000 bytes.
const TOLD_MAX: usize = 360;
/// Jobs that wait to be told; of a flood the rest is only counted.
const WAITING_MAX: usize = 2_000;

/// Ends that have not been told; off until somebody wants them.
#[derive(Debug, Default)]
pub struct JobEvents {
    wanted: AtomicBool,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<JobId>,
    more: i64,
}

impl JobEvents {
    /// Notes ends from now on.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    /// Notes that these jobs have ended, or may have: what has not is passed over when they are told.
    pub fn note(&self, jobs: impl IntoIterator<Item = JobId>) {
        if !self.wanted.load(Ordering::Acquire) {
            return;
        }
        let mut waiting = self.waiting.lock();
        for job in jobs {
            if waiting.jobs.len() < WAITING_MAX {
                waiting.jobs.push_back(job);
            } else {
                waiting.more += 1;
            }
        }
        if !waiting.is_empty() {
            self.news.notify_one();
        }
    }

    /// Tells what was noted, at most so often, until everything has stopped.
    pub async fn tell(&self, store: &Store, per_second_max: u32, shutdown: &Shutdown) {
        let pause = Duration::from_secs(1) / per_second_max.max(1);
        let mut failing = false;
        while !shutdown.is_stopped() {
            tokio::select! {
                () = self.news.notified() => {}
                () = shutdown.stopped() => {}
            }
            self.tell_some(store, &mut failing).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.stopped() => {}
            }
        }
        self.tell_some(store, &mut failing).await;
    }

    /// Tells what fits into one notification. What cannot be told is only counted, and said in the log as it
    /// begins.
    async fn tell_some(&self, store: &Store, failing: &mut bool) {
        let (jobs, more) = self.waiting.lock().take();
        if jobs.is_empty() && more == 0 {
            return;
        }
        let told = store.tell_ended_jobs(&jobs, more).await;
        let begins = !std::mem::replace(failing, told.is_err());
        if let Err(error) = told {
            if begins {
                tracing::warn!(jobs = jobs.len(), %error, "ends of jobs were not told");
            }
            let untold = i64::try_from(jobs.len()).unwrap_or(0) + more;
            self.waiting.lock().more += untold;
        }
        if !self.waiting.lock().is_empty() {
            self.news.notify_one();
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.more == 0
    }

    /// What fits into one notification.
    fn take(&mut self) -> (Vec<JobId>, i64) {
        let told = self.jobs.len().min(TOLD_MAX);
        (self.jobs.drain(..told).collect(), std::mem::take(&mut self.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_noted_that_nobody_wants() {
        let events = JobEvents::default();
        events.note([1]);
        assert!(events.waiting.lock().is_empty());
    }

    #[test]
    fn of_a_flood_the_rest_is_counted() {
        let events = JobEvents::default();
        events.want();
        events.note(0..10_000);
        let mut told = 0;
        let (first, more) = events.waiting.lock().take();
        told += first.len();
        assert_eq!((told, more), (TOLD_MAX, 8_000));
        while !events.waiting.lock().is_empty() {
            let (jobs, more) = events.waiting.lock().take();
            assert_eq!(more, 0);
            told += jobs.len();
        }
        assert_eq!(told, WAITING_MAX);
    }
}
