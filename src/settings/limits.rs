//! Limits of kinds and users that all processes share.

use super::Settings;
use crate::store::Limit;

impl Settings {
    /// What is configured of every kind, and of every user.
    #[must_use]
    pub fn limits(&self) -> [Limit; 4] {
        let (kinds, users) = (&self.kinds, &self.users);
        let limit = |scope, name, rate_per_second, in_flight_max| Limit {
            scope,
            name,
            rate_per_second,
            in_flight_max,
        };
        [
            limit("kind", "backtest", kinds.backtest.rate_per_second, kinds.backtest.in_flight_max),
            limit(
                "kind",
                "walk_forward",
                kinds.walk_forward.rate_per_second,
                kinds.walk_forward.in_flight_max,
            ),
            limit("kind", "sleep", kinds.sleep.rate_per_second, kinds.sleep.in_flight_max),
            limit("user", "*", users.rate_per_second, users.in_flight_max),
        ]
    }
}
