//! What users asked for in a bundle, read from its row.

use crate::backtest::request::{InputError, Request, RequestColumns, read_json};
use crate::store::BundleRequest;

/// Reads a bundle that may make up to `jobs_max` jobs. Takes too long for a thread of the runtime.
pub(super) fn read_request(asked: &BundleRequest, jobs_max: u64) -> Result<Request, InputError> {
    let [universal_config, tickers, ranges, scenarios, money] = &asked.columns;
    Request::parse(
        RequestColumns {
            universal_config: &read_json("universal_config", universal_config)?,
            ticker_variants: &read_json("ticker_variants", tickers)?,
            date_ranges: &read_json("date_ranges", ranges)?,
            scenario_variants: &read_json("scenario_variants", scenarios)?,
            money_management_variants: &read_json("money_management_variants", money)?,
        },
        jobs_max,
    )
}
