//! Since when somebody has kept old row versions from being removed.

use std::time::{Duration, Instant};

/// The oldest transaction id that somebody needs, and since when it has been the same. We write at
/// least once a second, so an id that does not move is held. Nobody's privileges are needed for that.
#[derive(Debug, Default)]
pub(super) struct Horizon(Option<(String, Instant)>);

impl Horizon {
    /// For how long the horizon has stood where it stands now.
    pub(super) fn age(&mut self, now: Instant, oldest: Option<&str>) -> Duration {
        match (&self.0, oldest) {
            (Some((known, since)), Some(oldest)) if known == oldest => {
                now.saturating_duration_since(*since)
            }
            (_, oldest) => {
                self.0 = oldest.map(|oldest| (oldest.to_owned(), now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_stays_the_oldest_grows_old_and_any_other_begins_anew() {
        let (mut horizon, begin) = (Horizon::default(), Instant::now());
        let at = |s| begin + Duration::from_secs(s);
        let seen = [
            (0, Some("7")),
            (60, Some("7")),
            (90, Some("8")),
            (95, Some("8")),
            (96, None),
            (97, Some("8")),
        ];
        let ages = seen.map(|(s, oldest)| horizon.age(at(s), oldest).as_secs());
        assert_eq!(ages, [0, 60, 0, 5, 0, 0]);
    }
}
