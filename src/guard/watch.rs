//! The task that watches: samples, asks the controller, sets the pace, and says when its state changes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{Cause, Controller, Decision, Guard, GuardSettings, Observation, Readings};
use crate::pipeline::Shutdown;
use crate::store::{Metered, ServerLoad, Store};

/// How often the pace is thought over.
const TICK: Duration = Duration::from_millis(100);
/// How often a small write is made: while that can matter, it is every tick.
const CANARY_EVERY: Duration = Duration::from_secs(1);
/// While nothing is done here, neither write nor look is needed that often.
const IDLE_EVERY: Duration = Duration::from_secs(10);
/// A small write that takes longer is given up.
const CANARY_PATIENCE: Duration = Duration::from_secs(5);
/// How often the server is asked.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Whoever worked within this time is a neighbour.
const RECENT: Duration = Duration::from_secs(5);
/// A state is said when it has lasted this long.
const LASTING: Duration = Duration::from_secs(5);

impl Guard {
    /// Watches until a stop is asked for; what then is left to write goes at full pace.
    ///
    /// # Errors
    /// None; the signature is that of a long-lived task.
    pub async fn watch(
        self,
        store: Store,
        settings: GuardSettings,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let mut watch = Watch {
            store,
            controller: Controller::new(settings),
            enabled: settings.enabled,
            metered: Metered::default(),
            observed: Instant::now(),
            server: None,
            looked: None,
            wrote: None,
            spoken: Spoken::default(),
        };
        loop {
            let tick = async {
                sleep(TICK).await;
                watch.tick(&self).await;
            };
            tokio::select! {
                () = tick => {}
                () = shutdown.stopping() => break,
            }
        }
        self.0.throttle.set(1.0);
        *self.0.readings.lock() = Readings::default();
        Ok(())
    }
}

struct Watch {
    store: Store,
    controller: Controller,
    enabled: bool,
    metered: Metered,
    observed: Instant,
    server: Option<ServerLoad>,
    looked: Option<Instant>,
    wrote: Option<Instant>,
    spoken: Spoken,
}

impl Watch {
    async fn tick(&mut self, guard: &Guard) {
        if let Some(settings) = guard.0.changed.lock().take() {
            self.enabled = settings.enabled;
            self.controller.set(settings);
        }
        if !self.enabled {
            guard.0.throttle.set(1.0);
            *guard.0.readings.lock() = Readings::default();
            return;
        }
        // The guard's own statements are not the work: on a slow database they alone would seem to be.
        let lately = self.store.metered().since(&self.metered);
        let passed = Instant::now().saturating_duration_since(self.observed).as_secs_f64();
        let commit = self.canary().await;
        self.look().await;
        let now = Instant::now();
        (self.metered, self.observed) = (self.store.metered(), now);
        let decision = self.controller.observe(
            now,
            &Observation {
                commit,
                pool_wait: lately.mean_wait(),
                in_use: lately.statement_time.as_secs_f64() / passed.max(1e-3),
                server: self.server.as_ref(),
            },
        );
        guard.0.throttle.set(decision.pace);
        self.spoken.say(now, &decision);
        let mut readings = guard.0.readings.lock();
        *readings = Readings {
            pace: decision.pace,
            slowed_by: decision.slowed_by,
            commit: commit.or(readings.commit),
            baseline: self.controller.baseline(),
            statement: lately.mean_statement().or(readings.statement),
            pool_wait: lately.mean_wait().or(readings.pool_wait),
            snapshot_age: self.server.is_some().then(|| self.controller.snapshot_age()),
            server: self.server.clone(),
        };
    }

    /// Whether what was done last is due again: after `every`, later while nothing is done here.
    fn is_due(&self, last: Option<Instant>, now: Instant, every: Duration) -> bool {
        let every = if self.controller.is_idle() { IDLE_EVERY } else { every };
        last.is_none_or(|last| now.saturating_duration_since(last) >= every)
    }

    /// A small write where one is due; what went wrong with it is for others to say.
    async fn canary(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if !self.controller.is_watchful() && !self.is_due(self.wrote, now, CANARY_EVERY) {
            return None;
        }
        self.wrote = Some(now);
        self.store.canary(CANARY_PATIENCE).await.ok()
    }

    async fn look(&mut self) {
        let now = Instant::now();
        if self.is_due(self.looked, now, LOOK_EVERY) {
            self.looked = Some(now);
            if let Ok(load) = self.store.server_load(RECENT).await {
                self.server = Some(load);
            }
        }
    }
}

/// What was said last of the state.
#[derive(Debug, Default)]
struct Spoken {
    said: Option<Cause>,
    differs_since: Option<Instant>,
}

impl Spoken {
    /// One line when the state has changed and lasts, none for a change of figures.
    fn say(&mut self, now: Instant, decision: &Decision) {
        let same = match (&self.said, &decision.slowed_by) {
            (Some(said), Some(cause)) => said.is_like(cause),
            // It listens now and then in whatever state it is.
            (_, Some(Cause::Listening)) | (None, None) => true,
            _ => false,
        };
        if same {
            self.differs_since = None;
            return;
        }
        let since = *self.differs_since.get_or_insert(now);
        if now.saturating_duration_since(since) < LASTING {
            return;
        }
        self.differs_since = None;
        self.said.clone_from(&decision.slowed_by);
        match &decision.slowed_by {
            Some(cause) => {
                tracing::info!(pace = decision.pace, reason = %cause, "slowed, out of regard for others");
            }
            None => tracing::info!("at full pace again"),
        }
    }
}
