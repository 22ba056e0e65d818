//! Rates that all processes share.

use super::{Store, StoreError, column, run};

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
}
