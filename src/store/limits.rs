//! Rates and caps that all processes share.

use super::{Store, StoreError, column, run};

/// The rate and the cap of a kind or a user, as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `kind` or `user`.
    pub scope: &'static str,
    /// A kind, or `*` for every user.
    pub name: &'static str,
    /// Most jobs claimed per second; `None`: nothing is said.
    pub rate_per_second: Option<f64>,
    /// Most jobs claimed at once; `None`: nothing is said.
    pub in_flight_max: Option<u32>,
}

/// What a command says of one number of a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimitOrder<T> {
    /// Nothing: it stays as it is.
    Keep,
    /// As configured.
    Configured,
    /// No limit.
    Unlimited,
    /// This.
    To(T),
}

impl<T> LimitOrder<T> {
    fn says_something(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    fn or_unlimited(self, unlimited: T) -> Option<T> {
        match self {
            Self::Keep | Self::Configured => None,
            Self::Unlimited => Some(unlimited),
            Self::To(value) => Some(value),
        }
    }
}

/// What commands say of a pipe.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedLimit {
    /// The pipe.
    pub pipe: String,
    /// Most starts per second; infinite: no limit. `None`: as configured.
    pub rate_per_second: Option<f64>,
    /// Most items or batches at once. `None`: as configured.
    pub in_flight_max: Option<i32>,
}

impl Store {
    /// Leases `want` starts of a pipe's budget of `rate` per second. Answers how many there are, and in
    /// how many milliseconds the first is due; no starts where others have leased far ahead.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn lease_starts(
        &self,
        pipe: &str,
        rate: f64,
        want: u32,
    ) -> Result<(u32, f64), StoreError> {
        const WHAT: &str = "lease starts";
        let want = i32::try_from(want).unwrap_or(i32::MAX);
        let row = run!(self, "lease starts", "lease_starts", fetch_one, pipe, rate, want);
        let starts: i32 = column(&row, "starts", WHAT)?;
        let begins_in_ms: f64 = column(&row, "begins_in_ms", WHAT)?;
        Ok((u32::try_from(starts).unwrap_or(0), begins_in_ms))
    }

    /// In how many milliseconds the rate of a kind or a user lets a waiting job start; `None` where
    /// none waits for a rate.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn next_start_in_ms(&self) -> Result<Option<f64>, StoreError> {
        const WHAT: &str = "find the next start";
        let row = run!(self, "find the next start", "next_start_in_ms", fetch_one);
        column(&row, "ms", WHAT)
    }

    /// Writes what is configured of kinds and users, in place of what was before.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn configure_limits(&self, limits: &[Limit]) -> Result<(), StoreError> {
        let said =
            |limit: &&Limit| limit.rate_per_second.is_some() || limit.in_flight_max.is_some();
        let limits: Vec<&Limit> = limits.iter().filter(said).collect();
        let scopes: Vec<&str> = limits.iter().map(|limit| limit.scope).collect();
        let names: Vec<&str> = limits.iter().map(|limit| limit.name).collect();
        let rates: Vec<Option<f64>> = limits.iter().map(|limit| limit.rate_per_second).collect();
        let caps: Vec<Option<i32>> = limits
            .iter()
            .map(|limit| limit.in_flight_max.map(|cap| i32::try_from(cap).unwrap_or(i32::MAX)))
            .collect();
        run!(self, "configure limits", "configure_limits", execute, scopes, names, rates, caps);
        Ok(())
    }

    /// Writes what a command says of a limit.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn order_limit(
        &self,
        command: i64,
        scope: &str,
        name: &str,
        rate: LimitOrder<f64>,
        cap: LimitOrder<i32>,
    ) -> Result<(), StoreError> {
        run!(
            self,
            "order a limit",
            "order_limit",
            execute,
            command,
            scope,
            name,
            rate.says_something(),
            rate.or_unlimited(f64::INFINITY),
            cap.says_something(),
            cap.or_unlimited(i32::MAX)
        );
        Ok(())
    }
}
