//! Keeping the lease: renewed in time, or the process fences itself.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Event, Moment, Wakes, Worker};
use crate::pipeline::Shutdown;
use crate::store::{Condition, Look, StoreError};

impl Worker {
    /// Renews the lease until everything else has stopped, then signs off.
    ///
    /// A process that cannot renew in time stops claiming and cancels its runs: others may have them
    /// by now. One that was declared dead goes on under a new id.
    ///
    /// # Errors
    /// None; the signature is that of a long-lived task.
    pub async fn keep_lease(self, shutdown: Shutdown, wakes: Wakes) -> anyhow::Result<()> {
        let renew_every = Duration::from_millis(self.0.settings.lease_renew_ms);
        let mut failing = false;
        let mut draining = false;
        let orphans_every = Duration::from_millis(self.0.settings.orphan_after_ms / 4);
        let mut orphans_sought = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(renew_every) => {}
                () = self.0.renew_now.notified() => {}
                () = shutdown.stopped() => break,
            }
            if shutdown.is_stopping() && !draining {
                draining = self.0.store.drain_worker(self.id()).await.is_ok();
            }
            let seeks_orphans = orphans_sought.elapsed() >= orphans_every;
            match self.renew(seeks_orphans).await {
                Ok(look) => {
                    if failing {
                        tracing::info!(worker = self.id(), "lease renewed again");
                        // Nobody waits longer than it takes to know.
                        wakes.wake_all();
                    }
                    failing = false;
                    if seeks_orphans {
                        orphans_sought = Instant::now();
                    }
                    self.act_on(&look, &wakes).await;
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(worker = self.id(), %error, cause = ?error, "lease not renewed");
                    }
                    failing = true;
                    *self.0.last_failure.lock() = Some(Instant::now());
                    self.fence_if_overdue();
                }
            }
        }
        match self.0.store.stop_worker(self.id()).await {
            Ok(()) => self.0.journal.note(self.id(), Event::Stopped, &[]),
            Err(error) => {
                tracing::warn!(worker = self.id(), %error, "not signed off; the lease will run out");
            }
        }
        Ok(())
    }

    /// One look. It may take no longer than the lease is trusted for.
    async fn renew(&self, seeks_orphans: bool) -> Result<Look, StoreError> {
        let settings = &self.0.settings;
        let (before, asked) = (Instant::now(), Moment::now());
        let mut held = self.held().claims();
        let look = self
            .0
            .store
            .renew_lease(
                self.id(),
                i64::try_from(settings.lease_ms).unwrap_or(i64::MAX),
                &held,
                seeks_orphans.then(|| i64::try_from(settings.orphan_after_ms).unwrap_or(i64::MAX)),
                &self.condition(),
            )
            .await?;
        if look.alive {
            self.trust_from(before);
            held.retain(|claim| !look.lost.contains(claim));
            self.0.journal.note_at(|| asked, self.id(), Event::Renewed, &held);
        }
        Ok(look)
    }

    fn condition(&self) -> Condition {
        let known = self.0.guard.readings();
        Condition {
            waits_for: self.0.outage.reason(),
            pace: known.pace,
            slowed_by: known.slowed_by.map(|cause| cause.to_string()),
            figures: self.0.telling.due(),
            renewal_ms: i64::try_from(self.0.settings.lease_renew_ms).unwrap_or(i64::MAX / 3),
        }
    }

    async fn act_on(&self, look: &Look, wakes: &Wakes) {
        self.note(Event::Lost, &look.lost);
        let cut_off = self.held().lose(&look.lost);
        if cut_off > 0 {
            tracing::info!(worker = self.id(), claims = cut_off, "claims were taken away");
        }
        if look.orphans > 0 {
            tracing::warn!(worker = self.id(), claims = look.orphans, "gave back claims not held");
        }
        self.limits().follow(look);
        if look.commands_wait {
            wakes.wake("command");
        }
        if look.bundles_wait {
            wakes.wake("bundle_expansion");
        }
        self.0.claims_stand.store(look.claims_stand, Ordering::Release);
        self.0.others_are_silent.store(look.others_are_silent, Ordering::Release);
        if look.others_are_silent {
            // What it may have left half done.
            for pipe in ["dead_job_canceller", "bundle_rollup", "bundle_closing"] {
                wakes.wake(pipe);
            }
        }
        if !look.alive {
            let lost = self.lose_all();
            tracing::error!(worker = self.id(), lost, "declared dead; going on under a new id");
            match self.register().await {
                Ok(()) => wakes.wake_all(),
                Err(error) => tracing::warn!(%error, "not registered; trying again"),
            }
        }
    }

    /// Lets go of everything, noted before anybody else does it.
    fn lose_all(&self) -> usize {
        self.note(Event::Lost, &self.held().claims());
        self.held().lose_all()
    }

    fn fence_if_overdue(&self) {
        if !self.is_trusted() {
            let lost = self.lose_all();
            if lost > 0 {
                tracing::error!(
                    worker = self.id(),
                    lost,
                    "the lease ran out; runs are cancelled and write nothing"
                );
            }
        }
    }
}
