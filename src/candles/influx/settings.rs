//! How to reach `InfluxDB`, what candles are called there, and the limits of reading them.

use std::fmt;

use reqwest::Url;
use serde::Deserialize;

/// The most buckets one process reads.
const BUCKETS_MAX: usize = 16;

/// The section `candles.influx`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfluxSettings {
    /// `http://host:8086` or `https://host`.
    pub url: String,
    /// The organisation, in 2.x.
    pub org: String,
    /// The token; with a `username` its password. Never printed.
    pub token: String,
    /// A user of 1.x with passwords; empty: the token alone.
    pub username: String,
    /// Buckets in the order they are read: of candles with one open time the first bucket's stays.
    /// The first is written to.
    pub buckets: Names,
    /// `InfluxQL`: one database in place of those named like the buckets.
    pub database: String,
    /// `InfluxQL`: the retention policy; empty: the database's default.
    pub retention_policy: String,
    /// The language of queries.
    pub language: LanguageSetting,
    /// The measurement of candles.
    pub measurement: String,
    /// The tag with the ticker.
    pub ticker_tag: String,
    /// The tag with the timeframe, such as `1h`.
    pub timeframe_tag: String,
    /// The field with the first price.
    pub open_field: String,
    /// The field with the highest price.
    pub high_field: String,
    /// The field with the lowest price.
    pub low_field: String,
    /// The field with the last price.
    pub close_field: String,
    /// The field with the traded volume.
    pub volume_field: String,
    /// One request asks for the time of this many candles.
    pub page_candles: u32,
    /// Requests at once.
    pub requests_max: usize,
    /// Longest wait for a connection, milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest wait for a whole answer, milliseconds.
    pub request_timeout_ms: u64,
    /// Longest answer, MiB, after decompression.
    pub answer_mb_max: usize,
    /// A request is tried this often.
    pub attempts_max: u32,
    /// Delay before the second attempt, milliseconds; doubles.
    pub retry_base_ms: u64,
    /// Longest delay, also of those a server asks for, milliseconds.
    pub retry_max_ms: u64,
    /// Whether answers are asked for compressed.
    pub gzip: bool,
}

/// A list of names; in an environment variable separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Names(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Names {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(text) => Self(text.split(',').map(|name| name.trim().into()).collect()),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

/// The language of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LanguageSetting {
    /// `InfluxQL` where the server has a database of the name, else Flux.
    Auto,
    /// `/api/v2/query`.
    Flux,
    /// `/query`.
    InfluxQl,
}

impl TryFrom<String> for LanguageSetting {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "auto" => Ok(Self::Auto),
            "flux" => Ok(Self::Flux),
            "influxql" => Ok(Self::InfluxQl),
            _ => Err(format!("found {word:?}, allowed auto, flux, influxql")),
        }
    }
}

impl InfluxSettings {
    /// The fields of a candle: open, high, low, close, volume.
    pub(super) fn fields(&self) -> [&str; 5] {
        [&self.open_field, &self.high_field, &self.low_field, &self.close_field, &self.volume_field]
    }

    /// The server's address.
    ///
    /// # Errors
    ///
    /// What the address must be, in words.
    pub(super) fn address(&self) -> Result<Url, String> {
        let allowed = "http://host:8086 or https://host, without user, path and query";
        let parsed = Url::parse(&self.url).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && plain && bare
        });
        // What was found is not shown: it may hold a password.
        parsed.ok_or_else(|| format!("url: allowed {allowed}"))
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    ///
    /// The first key that cannot be, without the section's name, with what is allowed.
    pub fn validate(&self) -> Result<(), String> {
        self.address()?;
        let count = self.buckets.0.len();
        let allowed = format!("1 to {BUCKETS_MAX} names, each given once");
        let mut seen = self.buckets.0.clone();
        seen.sort();
        seen.dedup();
        let distinct = seen.len() == count && seen.iter().all(|name| !name.is_empty());
        let found = format!("{:?}", self.buckets.0);
        check((1..=BUCKETS_MAX).contains(&count) && distinct, "buckets", &found, &allowed)?;
        self.validate_names()?;
        let printable = |text: &str| text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        check(printable(&self.token), "token", "other characters", "printable ASCII")?;
        let range = |key: &str, found: u64, from: u64, to: u64| {
            check((from..=to).contains(&found), key, found, &format!("{from} to {to}"))
        };
        range("page_candles", self.page_candles.into(), 100, 10_000_000)?;
        range("requests_max", as_u64(self.requests_max), 1, 1_000)?;
        range("connect_timeout_ms", self.connect_timeout_ms, 10, 600_000)?;
        range("request_timeout_ms", self.request_timeout_ms, 10, 3_600_000)?;
        range("answer_mb_max", as_u64(self.answer_mb_max), 1, 65_536)?;
        range("attempts_max", self.attempts_max.into(), 1, 100)?;
        range("retry_base_ms", self.retry_base_ms, 1, 600_000)?;
        range("retry_max_ms", self.retry_max_ms, self.retry_base_ms, 3_600_000)
    }

    fn validate_names(&self) -> Result<(), String> {
        let [open, high, low, close, volume] = self.fields();
        let names = [
            ("measurement", self.measurement.as_str()),
            ("ticker_tag", &self.ticker_tag),
            ("timeframe_tag", &self.timeframe_tag),
            ("open_field", open),
            ("high_field", high),
            ("low_field", low),
            ("close_field", close),
            ("volume_field", volume),
        ];
        for (key, name) in names {
            check(!name.is_empty(), key, "nothing", "a name")?;
        }
        let columns = names.get(1..).unwrap_or_default();
        for (index, (key, name)) in columns.iter().enumerate() {
            let before = columns.get(..index).unwrap_or_default();
            let twice = before.iter().any(|(_, earlier)| earlier == name);
            check(!twice, key, format!("{name:?}"), "a name that no other tag or field has")?;
            let reserved = ["time", "_time", "_start", "_stop", "_measurement", "_field", "_value"];
            let allowed = "a name that InfluxDB has no use of its own for";
            check(!reserved.contains(name), key, format!("{name:?}"), allowed)?;
        }
        Ok(())
    }
}

impl fmt::Debug for InfluxSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.token.is_empty() { "" } else { "***" };
        // An address that is refused may hold a password.
        let url = self.address().map_or_else(|_| "***".to_owned(), String::from);
        f.debug_struct("InfluxSettings")
            .field("url", &url)
            .field("org", &self.org)
            .field("token", &token)
            .field("username", &self.username)
            .field("buckets", &self.buckets.0)
            .field("database", &self.database)
            .field("language", &self.language)
            .field("measurement", &self.measurement)
            .finish_non_exhaustive()
    }
}

fn as_u64(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn check(holds: bool, key: &str, found: impl fmt::Display, allowed: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{key}: found {found}, allowed {allowed}")) }
}
