//! A fixed pool of named threads for work that keeps a CPU busy.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Panicked;

type Job = Box<dyn FnOnce() + Send>;

/// Most threads there can be.
const MOST: usize = 1_024;

/// Threads apart from the runtime's, so that a busy CPU never delays what the runtime does.
///
/// The threads are never joined: they end when the pool is dropped and they are idle, and one
/// that never returns does not keep the process from exiting.
pub struct Slots {
    jobs: flume::Sender<Job>,
    work: flume::Receiver<Job>,
    free: Arc<Semaphore>,
    size: Mutex<Size>,
}

/// How many threads were started, and how many of them may work at once.
#[derive(Debug, Clone, Copy)]
struct Size {
    threads: usize,
    count: NonZeroUsize,
}

impl Debug for Slots {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut slots = f.debug_struct("Slots");
        slots.field("count", &self.count()).field("free", &self.free());
        slots.finish()
    }
}

impl Slots {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(count: NonZeroUsize) -> io::Result<Self> {
        let (jobs, work) = flume::bounded::<Job>(MOST);
        let size = Size { threads: 0, count };
        let free = Arc::new(Semaphore::new(count.get()));
        let slots = Self { jobs, work, free, size: Mutex::new(size) };
        slots.start(&mut slots.size.lock(), count.get())?;
        Ok(slots)
    }

    /// Starts threads until there are so many.
    fn start(&self, size: &mut Size, threads: usize) -> io::Result<()> {
        while size.threads < threads.min(MOST) {
            let work = self.work.clone();
            thread::Builder::new()
                .name(format!("slot-{}", size.threads))
                .spawn(move || work.iter().for_each(|job| job()))?;
            size.threads += 1;
        }
        Ok(())
    }

    /// Changes how many may work at once. Work that has begun goes on: fewer holds as it ends.
    ///
    /// # Errors
    /// When the system refuses a thread; then nothing has changed.
    pub fn resize(&self, count: NonZeroUsize) -> io::Result<()> {
        let mut size = self.size.lock();
        let (before, after) = (size.count.get(), count.get().min(MOST));
        self.start(&mut size, after)?;
        size.count = NonZeroUsize::new(after).unwrap_or(NonZeroUsize::MIN);
        self.free.add_permits(after.saturating_sub(before));
        let less = before.saturating_sub(after);
        let in_use = less - self.free.forget_permits(less);
        for _ in 0..in_use {
            let free = Arc::clone(&self.free);
            // Whoever gets it gives it back to nobody.
            tokio::spawn(
                async move { free.acquire_owned().await.map(OwnedSemaphorePermit::forget) },
            );
        }
        Ok(())
    }

    /// How many threads there are.
    #[must_use]
    pub fn count(&self) -> NonZeroUsize {
        self.size.lock().count
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
            super::huge_pages::allow();
            let result = catch_unwind(AssertUnwindSafe(work));
            drop(place);
            // Nobody may be waiting any more, and that is fine.
            drop(reply.send(result));
        };
        // There are never more permits than places in the queue, so there is one for this job.
        self.jobs.try_send(Box::new(job)).map_err(|_| gone())?;
        let result = answer.await.map_err(|_| gone())?;
        result.map_err(|payload| Panicked::new(payload.as_ref()))
    }
}
