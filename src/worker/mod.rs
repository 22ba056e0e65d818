//! This process as a worker: its id, its lease, the claims it holds.

mod budget;
mod held;
mod job_events;
mod journal;
mod lease;
mod limits;
mod session;
mod telling;
mod wakes;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Deserialize;

pub use self::budget::PipeBudget;
pub use self::held::Held;
pub use self::job_events::JobEvents;
pub use self::journal::{Entry, Event, Journal, JournalSettings, Moment};
pub use self::limits::Limits;
use self::telling::Telling;
pub use self::wakes::Wakes;
use crate::domain::job::{Claim, JobId};
use crate::guard::Guard;
use crate::kinds::outage::Outage;
use crate::store::{Store, StoreError, WorkerId};

/// How a worker holds its lease and how much it takes on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerSettings {
    /// Threads for jobs that compute; 0: cores − 2, at least 1.
    pub slots: usize,
    /// Jobs that compute are claimed ahead for this long, milliseconds of work.
    pub claim_ahead_ms: u64,
    /// Others may take the claims this long after the last renewal, milliseconds.
    pub lease_ms: u64,
    /// The lease is renewed this often, milliseconds.
    pub lease_renew_ms: u64,
    /// What `sluicegate top` shows of the process is told with a renewal this often, milliseconds; 0: never.
    pub figures_ms: u64,
    /// Running jobs may go on this long after SIGTERM, milliseconds.
    pub drain_ms: u64,
    /// They may then take this long to notice that they are cancelled, milliseconds.
    pub abort_ms: u64,
    /// Claims in the worker's name that it does not hold are given back after this long, milliseconds.
    pub orphan_after_ms: u64,
    /// A run that computes for longer keeps a checkpoint this often, milliseconds.
    pub checkpoint_after_ms: u64,
    /// Larger checkpoints are not kept, KiB.
    pub checkpoint_kb_max: usize,
}

impl WorkerSettings {
    /// Threads for jobs that compute, the automatic number resolved.
    #[must_use]
    pub fn slot_count(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        if self.slots == 0 { cores.saturating_sub(2).max(1) } else { self.slots }
    }
}

/// A handle on this process as a worker; clones share everything.
#[derive(Debug, Clone)]
pub struct Worker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    settings: WorkerSettings,
    slots: AtomicUsize,
    host: String,
    id: AtomicI32,
    trusted_until: Mutex<Instant>,
    last_failure: Mutex<Option<Instant>>,
    held: Held,
    outage: Outage,
    limits: Limits,
    guard: Guard,
    claims_stand: AtomicBool,
    others_are_silent: AtomicBool,
    journal: Journal,
    job_events: JobEvents,
    telling: Telling,
    renew_now: tokio::sync::Notify,
    new_id: tokio::sync::Notify,
}

impl Worker {
    /// Takes a new id and registers it; during an `outage` no jobs that need a slot are claimed. The lease
    /// tells what the `guard` knows. What is done with claims is noted in the `journal`.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn start(
        store: &Store,
        settings: WorkerSettings,
        outage: Outage,
        guard: Guard,
        journal: Journal,
    ) -> Result<Self, StoreError> {
        // A renewal that hangs must be given up while there is time for another one.
        let patience = Duration::from_millis(settings.lease_ms / 4);
        let worker = Self(Arc::new(Inner {
            store: store.with_patience(patience),
            settings,
            slots: AtomicUsize::new(settings.slot_count()),
            host: host_name(),
            id: AtomicI32::new(0),
            trusted_until: Mutex::new(Instant::now()),
            last_failure: Mutex::default(),
            held: Held::default(),
            outage,
            limits: Limits::default(),
            guard,
            claims_stand: AtomicBool::new(true),
            others_are_silent: AtomicBool::new(true),
            journal,
            job_events: JobEvents::default(),
            telling: Telling::every(settings.figures_ms),
            renew_now: tokio::sync::Notify::new(),
            new_id: tokio::sync::Notify::new(),
        }));
        worker.register().await?;
        Ok(worker)
    }

    /// The number under which this process works now. It changes when the process was declared dead.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.0.id.load(Ordering::Acquire)
    }

    /// The claims this process holds.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.0.held
    }

    /// Limits that change while the process runs.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What lowers the pace of this process.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// Which jobs have ended, for those who listen.
    #[must_use]
    pub fn job_events(&self) -> &JobEvents {
        &self.0.job_events
    }

    /// From now on the renewals tell these figures, JSON.
    pub fn tell(&self, figures: impl Fn() -> String + Send + Sync + 'static) {
        self.0.telling.begin(figures);
    }

    /// Notes what is done with claims, where there are any.
    pub fn note(&self, event: Event, claims: &[Claim]) {
        self.0.journal.note_some(self.id(), event, claims);
    }

    /// Notes what became of those claims whose jobs the database named: of several claims on one job it
    /// means the newest, since the others have lost it.
    pub fn note_those(&self, event: Event, claims: &[Claim], named: &HashSet<JobId>) {
        if self.0.journal.is_kept() {
            let mut newest = HashMap::new();
            for claim in claims.iter().filter(|claim| named.contains(&claim.job_id)) {
                let fence = newest.entry(claim.job_id).or_insert(claim.fence);
                *fence = claim.fence.max(*fence);
            }
            let claims = newest.into_iter().map(|(job_id, fence)| Claim { job_id, fence });
            self.note(event, &claims.collect::<Vec<_>>());
        }
    }

    /// Whether the lease was renewed recently enough to claim under it. Goes by the monotonic clock
    /// from before the renewal was sent.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        Instant::now() < *self.0.trusted_until.lock()
    }

    /// Whether the lease could always be renewed during the last `span`: who was cut off from the
    /// database must not take others for dead that were cut off with it.
    #[must_use]
    pub fn is_steady_for(&self, span: Duration) -> bool {
        self.0.last_failure.lock().is_none_or(|failed| failed.elapsed() > span)
    }

    /// Whether somebody may hold claims that nobody looks after: claims stand, as of the last look.
    #[must_use]
    pub fn claims_stand(&self) -> bool {
        self.0.claims_stand.load(Ordering::Acquire)
    }

    /// Whether another worker was silent at the last look.
    #[must_use]
    pub fn others_are_silent(&self) -> bool {
        self.0.others_are_silent.load(Ordering::Acquire)
    }

    /// Renews the lease without waiting for its turn: somebody knows that claims were taken away.
    pub fn look_now(&self) {
        self.0.renew_now.notify_one();
    }

    /// How many more jobs that need a slot to claim.
    #[must_use]
    pub fn slot_room(&self) -> usize {
        let settings = &self.0.settings;
        let ahead = Duration::from_millis(settings.claim_ahead_ms);
        self.0.outage.room(self.held().slot_room(self.slots(), ahead))
    }

    /// Whether more jobs that need a slot should be claimed soon.
    #[must_use]
    pub fn slots_run_dry(&self) -> bool {
        let settings = &self.0.settings;
        let ahead = Duration::from_millis(settings.claim_ahead_ms);
        self.held().slots_run_dry(self.slots(), ahead)
    }

    /// Threads for jobs that compute.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.0.slots.load(Ordering::Acquire)
    }

    /// Claims for another number of threads from now on; the row of the worker keeps what it began with.
    pub fn set_slots(&self, slots: usize) {
        self.0.slots.store(slots, Ordering::Release);
    }

    /// Settings the worker was started with.
    #[must_use]
    pub fn settings(&self) -> &WorkerSettings {
        &self.0.settings
    }

    async fn register(&self) -> Result<(), StoreError> {
        let inner = &self.0;
        let before = Instant::now();
        let id = inner.store.next_worker_id().await?;
        let lease_ms = i64::try_from(inner.settings.lease_ms).unwrap_or(i64::MAX);
        let slots = self.slots();
        // The session's lock comes afterwards; until it is there only the lease speaks for the worker.
        inner.store.register_worker(id, &inner.host, slots, lease_ms).await?;
        let replaced = inner.id.swap(id, Ordering::AcqRel);
        self.trust_from(before);
        inner.journal.note(id, Event::Registered, &[]);
        if replaced != 0 {
            // A session that is open holds the lock of the old id.
            inner.new_id.notify_one();
        }
        tracing::info!(worker = id, host = inner.host, slots, "registered");
        Ok(())
    }

    fn trust_from(&self, before: Instant) {
        // A tenth of the lease is kept for clocks that run at different speeds.
        let lease = Duration::from_millis(self.0.settings.lease_ms) * 9 / 10;
        *self.0.trusted_until.lock() = before + lease;
    }
}

fn host_name() -> String {
    nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| "unknown".to_owned())
}
