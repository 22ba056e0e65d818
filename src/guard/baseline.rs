//! What something takes while nothing disturbs it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A median of fewer samples says nothing.
pub(super) const SAMPLES_MIN: usize = 5;
/// Samples are put together for this long.
const BUCKET: Duration = Duration::from_secs(60);
/// The least of so many buckets is the baseline: what has been slower for longer is what it takes now.
const BUCKETS: usize = 10;

/// The least of the medians of ten minutes: low enough that a busy minute does not count as normal,
/// and not the luck of one sample.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    began: Option<Instant>,
    samples: Vec<Duration>,
    medians: VecDeque<Duration>,
}

impl Baseline {
    /// Takes in a sample of an undisturbed moment.
    pub(super) fn note(&mut self, now: Instant, sample: Duration) {
        let began = *self.began.get_or_insert(now);
        self.samples.push(sample);
        if now.saturating_duration_since(began) >= BUCKET && self.samples.len() >= SAMPLES_MIN {
            self.medians.extend(median(&self.samples));
            self.samples.clear();
            self.began = None;
            if self.medians.len() > BUCKETS {
                self.medians.pop_front();
            }
        }
    }

    /// Takes in a median of disturbed moments: it says something only where it is lower.
    pub(super) fn lower_to(&mut self, disturbed: Duration) {
        if let Some(newest) = self.medians.back_mut() {
            *newest = disturbed.min(*newest);
        }
    }

    /// The baseline; `None` before there are enough samples.
    pub(super) fn value(&self) -> Option<Duration> {
        let newest = (self.samples.len() >= SAMPLES_MIN).then(|| median(&self.samples)).flatten();
        self.medians.iter().copied().chain(newest).min()
    }
}

/// The median, the lower one of two.
pub(super) fn median<'s>(samples: impl IntoIterator<Item = &'s Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = samples.into_iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}
