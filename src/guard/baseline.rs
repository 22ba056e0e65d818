//! What something takes while nothing disturbs it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Fewer samples say nothing.
pub(super) const SAMPLES_MIN: usize = 10;
/// Samples are put together for this long.
const BUCKET: Duration = Duration::from_secs(15);
/// What is older is forgotten: what has been slower for longer is what it takes now.
const WINDOW: Duration = Duration::from_secs(600);

/// What one of four quarters of a minute does not exceed, of the last ten minutes: low enough that busy
/// ones do not count as normal, and not the luck of one.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    began: Option<Instant>,
    samples: Vec<Duration>,
    levels: VecDeque<(Instant, Duration)>,
}

impl Baseline {
    /// Takes in a sample of an undisturbed moment.
    pub(super) fn note(&mut self, now: Instant, sample: Duration) {
        let began = *self.began.get_or_insert(now);
        self.samples.push(sample);
        if now.saturating_duration_since(began) < BUCKET || self.samples.len() < SAMPLES_MIN {
            return;
        }
        self.levels.extend(level(&self.samples).map(|level| (now, level)));
        self.samples.clear();
        self.began = None;
        self.levels.retain(|(at, _)| now.saturating_duration_since(*at) <= WINDOW);
    }

    /// The baseline; `None` before there are enough samples.
    pub(super) fn value(&self) -> Option<Duration> {
        let mut levels: Vec<Duration> = self.levels.iter().map(|(_, level)| *level).collect();
        if levels.is_empty() {
            // The first samples are of a process that is just starting: half of them are left out.
            return part(&self.samples, 2, 4).filter(|_| self.samples.len() >= SAMPLES_MIN);
        }
        levels.sort_unstable();
        levels.get((levels.len() - 1) / 4).copied()
    }
}

/// What three of four samples do not exceed: the slow ones are what others notice, and one alone is
/// chance.
pub(super) fn level<'s>(samples: impl IntoIterator<Item = &'s Duration>) -> Option<Duration> {
    part(samples, 3, 4)
}

/// What `of` in `all` samples do not exceed.
fn part<'s>(
    samples: impl IntoIterator<Item = &'s Duration>,
    of: usize,
    all: usize,
) -> Option<Duration> {
    let mut sorted: Vec<Duration> = samples.into_iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? * of / all).copied()
}
