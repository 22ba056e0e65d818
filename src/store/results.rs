//! Results of finished backtests, read again.

use std::collections::HashMap;

use serde_json::Value;

use super::{Store, StoreError, column, run};

impl Store {
    /// Stored results of variants with these digests, as rows keyed by column, without what belongs
    /// to their jobs; `reused_from` is the job that computed them.
    ///
    /// # Errors
    /// The statement failed.
    pub async fn find_results(
        &self,
        variant_digests: &[String],
    ) -> Result<HashMap<String, Value>, StoreError> {
        const WHAT: &str = "find equal results";
        let rows = run!(self, "find equal results", "find_results", fetch_all, variant_digests);
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let answer: String = column(row, "answer", WHAT)?;
            // What cannot be read is computed again.
            if let Ok(answer) = serde_json::from_str(&answer) {
                found.insert(column(row, "variant_digest", WHAT)?, answer);
            }
        }
        Ok(found)
    }
}
