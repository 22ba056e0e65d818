//! A fixed pool of named threads for work that keeps a CPU busy.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, oneshot};

use super::Panicked;

type Job = Box<dyn FnOnce() + Send>;

/// Threads apart from the runtime's, so that a busy CPU never delays what the runtime does.
///
/// The threads are never joined: they end when the pool is dropped and they are idle, and one
/// that never returns does not keep the process from exiting.
pub struct Slots {
    jobs: flume::Sender<Job>,
    free: Arc<Semaphore>,
    count: NonZeroUsize,
}

impl Debug for Slots {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut slots = f.debug_struct("Slots");
        slots.field("count", &self.count).field("free", &self.free());
        slots.finish()
    }
}

impl Slots {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(count: NonZeroUsize) -> io::Result<Self> {
        let (jobs, work) = flume::bounded::<Job>(count.get());
        for number in 0..count.get() {
            let work = work.clone();
            thread::Builder::new()
                .name(format!("slot-{number}"))
                .spawn(move || work.iter().for_each(|job| job()))?;
        }
        Ok(Self { jobs, free: Arc::new(Semaphore::new(count.get())), count })
    }

    /// How many threads there are.
    #[must_use]
    pub fn count(&self) -> NonZeroUsize {
        self.count
    }

    /// How many threads have nothing to do now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits for a free thread, in the order of the calls, and runs `work` on it.
    ///
    /// Dropping the future takes work back that has not begun. Work that has begun goes on and
    /// keeps its thread: it must look at a flag of its own.
    ///
    /// # Errors
    /// [`Panicked`] when `work` panics; the thread lives on.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Panicked>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let gone = || Panicked { message: "the slots have ended".to_owned() };
        let place = Arc::clone(&self.free).acquire_owned().await;
        let place = place.map_err(|_| gone())?;
        let (reply, answer) = oneshot::channel();
        let job = move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(place);
            // Nobody may be waiting any more, and that is fine.
            drop(reply.send(result));
        };
        // The queue has as many places as there are permits, so there is one for this job.
        self.jobs.try_send(Box::new(job)).map_err(|_| gone())?;
        let result = answer.await.map_err(|_| gone())?;
        result.map_err(|payload| Panicked::new(payload.as_ref()))
    }
}
