//! All pipes and long-lived tasks of a process: added one a line, run together, stopped in order.

use std::collections::HashSet;
use std::fmt::{self, Debug, Formatter};
use std::future::Future;
use std::num::{NonZeroU64, NonZeroUsize};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::batch_loop::BatchLoop;
use super::cadence::Cadence;
use super::channel::{Receiver, Sender, bounded};
use super::consume_loop::ConsumeLoop;
use super::governor::Governor;
use super::pipe::{self, Consume};
use super::publish_loop::PublishLoop;
use super::shutdown::Shutdown;
use super::status::{PipeStatus, StatusBoard};
use super::stop_order::{PipesError, Running};
use super::wake::Wake;
use super::{BatchConsumer, BatchSettings, Consumer, PipeSettings, Publisher, StopSettings};

type Ended = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;
type Start = Box<dyn FnOnce(Shutdown) -> Ended + Send>;

/// Builds pipes; nothing runs before [`Pipes::run`].
pub struct Pipes {
    stop: StopSettings,
    parts: Vec<Part>,
    pipes: Vec<(&'static str, Start)>,
    tasks: Vec<(&'static str, Start)>,
}

struct Part {
    status: Arc<PipeStatus>,
    wake: Option<Wake>,
}

impl Debug for Pipes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names = self.pipes.iter().chain(&self.tasks).map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

impl Pipes {
    /// No pipes yet.
    #[must_use]
    pub fn new(stop: StopSettings) -> Self {
        Self { stop, parts: Vec::new(), pipes: Vec::new(), tasks: Vec::new() }
    }

    /// Adds a pipe that consumes what `publisher` claims, item by item. A consumer of other items
    /// does not compile:
    ///
    /// ```compile_fail,E0271
    /// # use sluicegate::pipeline::{Consumer, PipeSettings, Pipes, Publisher};
    /// fn wrong(
    ///     pipes: &mut Pipes,
    ///     settings: &PipeSettings,
    ///     publisher: impl Publisher<Item = u64>,
    ///     consumer: impl Consumer<Item = String>,
    /// ) {
    ///     pipes.add("wrong", settings, publisher, consumer);
    /// }
    /// ```
    pub fn add<P, C>(
        &mut self,
        name: &'static str,
        settings: &PipeSettings,
        publisher: P,
        consumer: C,
    ) where
        P: Publisher,
        C: Consumer<Item = P::Item>,
    {
        let consumer = Arc::new(consumer);
        self.add_published(name, settings, publisher, |status, shutdown| ConsumeLoop {
            consumer,
            status,
            shutdown,
        });
    }

    /// Adds a pipe that consumes what `publisher` claims, batch by batch.
    pub fn add_batched<P, C>(
        &mut self,
        name: &'static str,
        settings: &PipeSettings,
        batch: &BatchSettings,
        publisher: P,
        consumer: C,
    ) where
        P: Publisher,
        C: BatchConsumer<Item = P::Item>,
    {
        let (settings, batch) = (*settings, *batch);
        let consumer = Arc::new(consumer);
        self.add_published(name, &settings, publisher, move |status, _| BatchLoop {
            consumer,
            settings: batch,
            status,
        });
    }

    /// Adds a pipe that is fed through the returned sender, batch by batch. Its polling interval
    /// has no meaning.
    ///
    /// It ends when the last sender is gone and then all has been consumed: whoever holds a
    /// sender must let go of it when stopping. Consumers of other pipes do so by ending.
    #[must_use = "a fed pipe without a sender ends at once"]
    pub fn add_fed<C: BatchConsumer>(
        &mut self,
        name: &'static str,
        settings: &PipeSettings,
        batch: &BatchSettings,
        consumer: C,
    ) -> Sender<C::Item> {
        let (sender, items, status) = self.open(name, settings, None);
        let consuming = BatchLoop {
            consumer: Arc::new(consumer),
            settings: *batch,
            status: Arc::clone(&status),
        };
        let start: Start =
            Box::new(move |shutdown| Box::pin(pipe::run_fed(consuming, items, status, shutdown)));
        self.pipes.push((name, start));
        sender
    }

    /// Adds a long-lived task that is no pipe. It chooses when it ends by the [`Shutdown`] that
    /// it is given: after [`Shutdown::stopping`], or after [`Shutdown::stopped`] if it must
    /// outlive all pipes. Ending before a stop is an error.
    pub fn add_task<F, T>(&mut self, name: &'static str, task: F)
    where
        F: FnOnce(Shutdown) -> T + Send + 'static,
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let start: Start = Box::new(move |shutdown| Box::pin(task(shutdown)));
        self.tasks.push((name, start));
    }

    /// The handle that wakes a pipe's publisher; `None` for an unknown or a fed pipe.
    #[must_use]
    pub fn wake(&self, name: &str) -> Option<Wake> {
        self.part(name)?.wake.clone()
    }

    /// The handle that changes a pipe's rate and cap while it runs.
    #[must_use]
    pub fn governor(&self, name: &str) -> Option<Governor> {
        Some(self.part(name)?.status.governor.clone())
    }

    /// The handle that changes how many claims a pipe makes per second while it runs; one claim at a
    /// time is made anyway.
    #[must_use]
    pub fn claims_governor(&self, name: &str) -> Option<Governor> {
        Some(self.part(name)?.status.claims.clone())
    }

    /// The handle that changes how often a pipe looks, and whether at all, while it runs.
    #[must_use]
    pub fn cadence(&self, name: &str) -> Option<Cadence> {
        Some(self.part(name)?.status.cadence.clone())
    }

    /// The figures of all pipes added so far.
    #[must_use]
    pub fn status(&self) -> StatusBoard {
        let statuses = self.parts.iter().map(|part| Arc::clone(&part.status));
        StatusBoard(statuses.collect())
    }

    /// Runs everything until `shutdown` says stop, or until something ends by itself, which stops
    /// the rest.
    ///
    /// The order of stopping: publish loops end and what was not started is given back; running
    /// items go on for `drain_ms` and are then told to abort; fed pipes end as their senders
    /// vanish; after the last pipe, the tasks that wait for [`Shutdown::stopped`]. Every 5 s one
    /// line names who still runs.
    ///
    /// # Errors
    /// What went wrong first: a name given twice, a loop or task that ended by itself, failed or
    /// panicked, or pipes that did not end within `abort_ms` of being told to.
    pub async fn run(self, shutdown: Shutdown) -> Result<(), PipesError> {
        let mut names = HashSet::new();
        for (name, _) in self.pipes.iter().chain(&self.tasks) {
            if !names.insert(*name) {
                return Err(PipesError::DuplicateName { name });
            }
        }
        let board = self.status();
        let mut running = Running::new(board, self.stop, shutdown.clone());
        for (name, start) in self.tasks {
            running.tasks.spawn(name, start(shutdown.clone()));
        }
        for (name, start) in self.pipes {
            running.pipes.spawn(name, start(shutdown.clone()));
        }
        running.run().await
    }

    fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.status.name == name)
    }

    fn add_published<P, L>(
        &mut self,
        name: &'static str,
        settings: &PipeSettings,
        publisher: P,
        consuming: impl FnOnce(Arc<PipeStatus>, Shutdown) -> L + Send + 'static,
    ) where
        P: Publisher,
        L: Consume<P::Item>,
    {
        let wake = Wake::default();
        let (sender, items, status) = self.open(name, settings, Some(wake.clone()));
        let start: Start = Box::new(move |shutdown| {
            let consuming = consuming(Arc::clone(&status), shutdown.clone());
            let publishing =
                PublishLoop { publisher: Arc::new(publisher), sender, wake, status, shutdown };
            Box::pin(pipe::run_published(publishing, consuming, items))
        });
        self.pipes.push((name, start));
    }

    /// Makes a pipe's channel and the handles that outsiders ask for.
    fn open<T>(
        &mut self,
        name: &'static str,
        settings: &PipeSettings,
        wake: Option<Wake>,
    ) -> (Sender<T>, Receiver<T>, Arc<PipeStatus>) {
        let (sender, receiver) = bounded(settings.capacity);
        let governor = Governor::new(settings.rate_per_second, settings.in_flight_max);
        let claims = Governor::new(settings.claims_per_second, NonZeroUsize::MIN);
        let cadence = Cadence::new(millis(settings.poll_interval_ms), settings.paused);
        let gauge = Arc::clone(sender.gauge());
        let status = Arc::new(PipeStatus::new(name, governor, claims, cadence, gauge));
        self.parts.push(Part { status: Arc::clone(&status), wake });
        (sender, receiver, status)
    }
}

fn millis(value: NonZeroU64) -> Duration {
    Duration::from_millis(value.get())
}
