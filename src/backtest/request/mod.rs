//! What a user asks for: a bundle's JSON read strictly, counted, and taken apart into variants.
//!
//! Nothing is written out that is not asked for: a product of 10^18 variants is refused by its
//! count, and an accepted one gives any of its variants by number, so that expansion can stop
//! and go on anywhere.

mod axis;
mod bounds;
mod bundle_walks;
mod condition;
mod config;
mod error;
mod grid;
mod json;
mod market;
mod money;
mod node;
mod own_rules;
mod param;
mod repeats;
mod scenario;
mod schema;
mod tokens;
mod walk_forward;

use std::collections::BTreeSet;

use serde_json::Value;

use self::bundle_walks::BundleWalks;
use self::config::{JOBS_MAX, Shared, config_to_json};
use self::market::{Market, read_markets, read_ranges};
use self::money::{MoneyVariants, read_money_managements};
use self::node::Node;
use self::scenario::{ScenarioRequest, ScenarioVariants, read_scenarios};
use super::variant::{Config, Range, Variant};

pub use self::error::InputError;
pub use self::grid::{Grid, GridAxis};
pub use self::json::{parse_spec, range_to_json, variant_to_json};
pub use self::money::money_management_to_json;
pub use self::node::read_json;
pub use self::scenario::scenario_to_json;
pub use self::schema::{bundle_schema, job_schema, walk_forward_schema};
pub use self::walk_forward::{WalkForwardRequest, parse_walk_forward};

/// Most text in the specs of a bundle's jobs, not counting what each has of its own, bytes: a rule
/// set or a funding rate is written to every job.
const SPEC_BYTES_MAX: u64 = 4 << 30;

/// What a bundle's `universal_config` says to all of its variants.
///
/// # Errors
/// The first thing in it that makes no sense.
pub fn read_universal_config(universal_config: &Value) -> Result<Config, InputError> {
    let shared = Shared::read(&Node::column("universal_config", universal_config), JOBS_MAX)?;
    Ok(shared.config)
}

/// The columns of a bundle that say what to run.
#[derive(Debug, Clone, Copy)]
pub struct RequestColumns<'v> {
    /// What all variants share.
    pub universal_config: &'v Value,
    /// What is traded.
    pub ticker_variants: &'v Value,
    /// The times in which trading is allowed.
    pub date_ranges: &'v Value,
    /// When to enter and leave.
    pub scenario_variants: &'v Value,
    /// How much, and where to stop.
    pub money_management_variants: &'v Value,
}

/// What the columns are called in a complaint.
const COLUMNS: [&str; 5] = [
    "universal_config",
    "ticker_variants",
    "date_ranges",
    "scenario_variants",
    "money_management_variants",
];

/// A bundle that makes sense: the cross product of its variants, less what was left out.
#[derive(Debug)]
pub struct Request {
    markets: Vec<Market>,
    ranges: Vec<Range>,
    scenarios: Vec<ScenarioVariants>,
    money_managements: Vec<MoneyVariants>,
    config: Config,
    walks: Option<BundleWalks>,
    len: u64,
    left_out: u64,
}

impl Request {
    /// Reads and checks a bundle; `jobs_ceiling` is the most that the operator lets
    /// `limits.max_jobs` be, itself at most a million.
    ///
    /// Up to a million combinations of parameters are tried, which takes some 70 ms: too long for
    /// a thread of the runtime.
    ///
    /// # Errors
    /// The first thing that makes no sense, with its path, or more variants than allowed.
    pub fn parse(columns: RequestColumns<'_>, jobs_ceiling: u64) -> Result<Self, InputError> {
        Self::parse_at(COLUMNS, columns, jobs_ceiling)
    }

    /// The same for columns that go by other names.
    fn parse_at(
        [universal, tickers, ranges, scenarios, money]: [&str; 5],
        columns: RequestColumns<'_>,
        jobs_ceiling: u64,
    ) -> Result<Self, InputError> {
        let universal = Node::column(universal, columns.universal_config);
        let shared = Shared::read(&universal, jobs_ceiling)?;
        let tickers = Node::column(tickers, columns.ticker_variants);
        let markets = read_markets(&tickers, &shared.timeframe)?;
        let ranges = read_ranges(&Node::column(ranges, columns.date_ranges))?;
        let scenarios = read_scenarios(&Node::column(scenarios, columns.scenario_variants))?;
        let money = Node::column(money, columns.money_management_variants);
        let maintenance_pct = shared.config.maintenance_margin_pct;
        let money_managements = read_money_managements(&money, maintenance_pct)?;

        let money_count = sum(money_managements.iter().map(MoneyVariants::len));
        let jobs = |scenario_count: u64| {
            product([markets.len() as u64, ranges.len() as u64, scenario_count, money_count])
        };
        for timeframe in BTreeSet::from_iter(markets.iter().map(|market| market.timeframe)) {
            shared.check_timeframe(timeframe)?;
            scenarios.iter().try_for_each(|scenario| scenario.check_timeframes(timeframe))?;
        }
        let scenario_count = sum(scenarios.iter().map(ScenarioRequest::len));
        let all = jobs(scenario_count);
        if scenario_count > JOBS_MAX {
            return Err(shared.too_many(all, " before any are left out"));
        }
        let scenarios =
            scenarios.into_iter().map(ScenarioRequest::thin_out).collect::<Result<Vec<_>, _>>()?;
        let len = jobs(sum(scenarios.iter().map(ScenarioVariants::len)));
        if len > shared.jobs_max {
            return Err(shared.too_many(len, ""));
        }
        let per_scenario = jobs(1);
        let templates = sum(scenarios.iter().map(ScenarioVariants::template_bytes));
        let shared_bytes = config_to_json(&shared.config).to_string().len() as u64;
        let spec_bytes = sum([product([templates, per_scenario]), product([shared_bytes, len])]);
        if spec_bytes > SPEC_BYTES_MAX {
            return Err(shared.too_large(len, spec_bytes, SPEC_BYTES_MAX));
        }
        let places = markets.len() as u64 * ranges.len() as u64;
        let walks = BundleWalks::read(&universal, columns, len / places)?;
        let left_out = all - len;
        let config = shared.config;
        Ok(Self { markets, ranges, scenarios, money_managements, config, walks, len, left_out })
    }

    /// How many variants there are; at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a request without a variant is refused")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// How many variants of the cross product were left out, because their `where` is false or
    /// two parameters are in the wrong order.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The variant with this number, from zero; none from [`Self::len`] on.
    ///
    /// The order never changes: tickers vary slowest, then ranges, then scenarios with their
    /// parameters, then money managements.
    #[must_use]
    pub fn variant(&self, index: u64) -> Option<Variant> {
        let mut rest = index;
        let money_count = sum(self.money_managements.iter().map(MoneyVariants::len));
        let money_management = take_digit(&mut rest, money_count);
        let scenario_count = sum(self.scenarios.iter().map(ScenarioVariants::len));
        let scenario = take_digit(&mut rest, scenario_count);
        let range = take_digit(&mut rest, self.ranges.len() as u64);
        let market = self.markets.get(usize::try_from(rest).ok()?)?;
        let (scenario, number) = locate(&self.scenarios, ScenarioVariants::len, scenario)?;
        let (money, money_number) =
            locate(&self.money_managements, MoneyVariants::len, money_management)?;
        Some(Variant {
            ticker: market.ticker.clone(),
            timeframe: market.timeframe,
            range: *self.ranges.get(usize::try_from(range).ok()?)?,
            scenario: scenario.get(number)?,
            money_management: money.get(money_number)?,
            config: self.config.clone(),
        })
    }
}

/// Counts that are too large to be true are refused, not added up wrong.
fn sum(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

fn product(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(1, u64::saturating_mul)
}

/// Takes the lowest digit, of a base above zero, off a number.
fn take_digit(number: &mut u64, base: u64) -> u64 {
    let digit = *number % base;
    *number /= base;
    digit
}

/// The entry in which the variant with this number lies, and its number within.
fn locate<T>(entries: &[T], len: impl Fn(&T) -> u64, mut number: u64) -> Option<(&T, u64)> {
    entries.iter().find_map(|entry| {
        let len = len(entry);
        if number < len {
            return Some((entry, number));
        }
        number -= len;
        None
    })
}
