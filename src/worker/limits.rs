//! Limits that change while the process runs: of the pipes, as configured unless a command says
//! otherwise, and whether kinds and users have any.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::pipeline::Governor;
use crate::store::{Look, OrderedLimit};

/// Limits of this process' pipes; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Limits(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pipes: Mutex<Pipes>,
    of_jobs: AtomicBool,
}

#[derive(Debug, Default)]
struct Pipes {
    governed: HashMap<String, Governed>,
    ordered: Vec<OrderedLimit>,
}

#[derive(Debug)]
struct Governed {
    governor: Governor,
    rate_per_second: Option<f64>,
    in_flight_max: NonZeroUsize,
}

impl Limits {
    /// Takes a pipe in, with the rate and the cap that its governor has now as what is configured.
    pub fn govern(&self, pipe: &str, governor: &Governor) {
        let governed = Governed {
            governor: governor.clone(),
            rate_per_second: governor.rate_per_second(),
            in_flight_max: NonZeroUsize::new(governor.in_flight_max()).unwrap_or(NonZeroUsize::MIN),
        };
        self.0.pipes.lock().governed.insert(pipe.to_owned(), governed);
    }

    /// Changes what is configured of a pipe; without a cap, that stays.
    pub fn configure(
        &self,
        pipe: &str,
        rate_per_second: Option<f64>,
        in_flight_max: Option<NonZeroUsize>,
    ) {
        let mut pipes = self.0.pipes.lock();
        let Pipes { governed, ordered } = &mut *pipes;
        let Some(found) = governed.get_mut(pipe) else { return };
        found.rate_per_second = rate_per_second;
        found.in_flight_max = in_flight_max.unwrap_or(found.in_flight_max);
        found.follow(ordered.iter().find(|order| order.pipe == pipe));
    }

    /// Whether kinds or users have limits.
    #[must_use]
    pub fn of_jobs(&self) -> bool {
        self.0.of_jobs.load(Ordering::Acquire)
    }

    /// Follows what commands say.
    pub(super) fn follow(&self, look: &Look) {
        self.0.of_jobs.store(look.limits_jobs, Ordering::Release);
        let mut pipes = self.0.pipes.lock();
        if pipes.ordered == look.ordered_limits {
            return;
        }
        pipes.ordered.clone_from(&look.ordered_limits);
        tracing::info!(limits = ?look.ordered_limits, "limits that commands set");
        let Pipes { governed, ordered } = &mut *pipes;
        for (pipe, found) in governed {
            found.follow(ordered.iter().find(|order| order.pipe == *pipe));
        }
    }
}

impl Governed {
    fn follow(&self, order: Option<&OrderedLimit>) {
        let rate = match order.and_then(|order| order.rate_per_second) {
            Some(rate) => Some(rate).filter(|rate| rate.is_finite()),
            None => self.rate_per_second,
        };
        let cap = order
            .and_then(|order| order.in_flight_max)
            .and_then(|cap| NonZeroUsize::new(usize::try_from(cap).ok()?))
            .unwrap_or(self.in_flight_max);
        self.governor.set(rate, cap);
    }
}
