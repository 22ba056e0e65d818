//! Settings: `config/default.toml` ← `config/<env>.toml` ← environment variables; unknown keys and
//! impossible relations are refused by name.

mod limits;
mod live;
mod load;
mod pipes;
mod secrets;
mod validate;

use serde::Deserialize;

pub use self::live::Difference;
pub use self::load::{Environment, Loaded, SettingsError, load, load_with_keys, texts};
pub use self::pipes::PipesSettings;
pub use self::secrets::SecretFiles;
use crate::candles::InfluxSettings;
use crate::guard::GuardSettings;
use crate::http::HttpSettings;
use crate::store::DatabaseSettings;
use crate::traces::TraceSettings;
use crate::worker::{JournalSettings, WorkerSettings};

/// All settings of a process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How to reach Postgres.
    pub database: DatabaseSettings,
    /// Files with secrets.
    pub secrets: SecretFiles,
    /// When files are read again.
    pub reload: ReloadSettings,
    /// What is logged, and how.
    pub log: LogSettings,
    /// Where traces go.
    pub traces: TraceSettings,
    /// Probes and metrics.
    pub http: HttpSettings,
    /// Slots, lease, drain.
    pub worker: WorkerSettings,
    /// Where what is done with claims is noted.
    pub journal: JournalSettings,
    /// When the pace is lowered for the sake of others.
    pub guard: GuardSettings,
    /// Where candles come from.
    pub candles: CandleSettings,
    /// What listeners are told.
    pub events: EventSettings,
    /// Limits of bundles.
    pub bundles: BundleSettings,
    /// Limits of each kind of job.
    pub kinds: KindSettings,
    /// Limits of each user.
    #[serde(default)]
    pub users: UserSettings,
    /// What is removed when it is old.
    pub retention: RetentionSettings,
    /// Who may order what.
    pub commands: CommandSettings,
    /// Rates and capacities.
    pub pipes: PipesSettings,
}

/// When files are read again.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadSettings {
    /// The files are looked at this often, milliseconds; 0: at SIGHUP only.
    pub check_interval_ms: u64,
}

/// What is removed when it is so many days old; 0: it stays.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Rows removed by one statement.
    pub batch_max: usize,
    /// Results.
    pub results_days: u32,
    /// Jobs with all that is theirs.
    pub jobs_days: u32,
    /// Bundles without jobs.
    pub bundles_days: u32,
    /// Applied commands.
    pub commands_days: u32,
    /// Workers that are no more.
    pub workers_days: u32,
    /// Lanes that nobody uses.
    pub lanes_days: u32,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// Levels by module, as `tracing` reads them.
    pub filter: String,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For collectors.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(format!("found {word:?}, allowed pretty, json")),
        }
    }
}

/// Where candles come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandleSettings {
    /// Which source.
    pub source: CandleSourceName,
    /// Candles kept in memory, megabytes.
    pub cache_mb_max: usize,
    /// How often the files of a series are looked at for changes, milliseconds.
    pub recheck_interval_ms: u64,
    /// How long what a server said of candles that may still change is trusted, milliseconds.
    pub fresh_ms: u64,
    /// How long candles may still change after they have closed, milliseconds.
    pub settle_ms: u64,
    /// How long all others are trusted, days.
    pub cache_days_max: u32,
    /// The cache on disk.
    pub disk: DiskSettings,
    /// The local store.
    pub files: FileSettings,
    /// The `InfluxDB`, where there is one.
    pub influx: InfluxSettings,
}

/// The cache of a server's candles on disk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSettings {
    /// The folder; empty: none.
    pub dir: std::path::PathBuf,
    /// All files together, MiB.
    pub mb_max: u64,
}

/// Which source of candles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum CandleSourceName {
    /// Local files.
    Files,
    /// An `InfluxDB`.
    Influx,
}

impl TryFrom<String> for CandleSourceName {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        match word.as_str() {
            "files" => Ok(Self::Files),
            "influx" => Ok(Self::Influx),
            _ => Err(format!("found {word:?}, allowed files, influx")),
        }
    }
}

/// The local store of candles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The folder with `<ticker>/<timeframe>/*.csv`.
    pub dir: std::path::PathBuf,
}

/// What listeners are told besides the ends of bundles.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// Which jobs have ended.
    pub jobs: bool,
    /// Notifications of jobs per second.
    pub per_second_max: u32,
}

/// Limits of bundles.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleSettings {
    /// Ceiling for `limits.max_jobs`.
    pub max_jobs: u64,
    /// Jobs inserted in one statement.
    pub expansion_batch_jobs: usize,
    /// An expansion that is silent for this long is continued by another process, milliseconds.
    pub expansion_hold_ms: u64,
    /// Places in a bundle's summary.
    pub ranks: usize,
    /// Daily returns that are compared with each other may take up to this much memory, MiB.
    pub returns_mb_max: u64,
    /// A bundle whose closing is silent for this long is closed by another process, milliseconds.
    pub closing_hold_ms: u64,
}

/// Limits of each kind of job.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSettings {
    /// Limits of `backtest`.
    pub backtest: BacktestSettings,
    /// Limits of `walk_forward`.
    pub walk_forward: WalkForwardSettings,
    /// Limits of `sleep`.
    pub sleep: SleepSettings,
}

/// Limits of the kind `backtest`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BacktestSettings {
    /// Most of its jobs claimed per second, all processes together; `None`: no limit.
    pub rate_per_second: Option<f64>,
    /// Most of its jobs claimed at once, all processes together; `None`: no limit.
    pub in_flight_max: Option<u32>,
    /// Longest run, milliseconds.
    pub timeout_ms: u64,
    /// Longest time without progress, milliseconds.
    pub stall_ms: u64,
    /// Candles cut to a range and its warm-up, MiB.
    pub windows_mb_max: u64,
    /// Indicators and signals shared by variants, MiB.
    pub series_mb_max: u64,
    /// Cancellation and progress are looked at every so many candles.
    pub slice_candles: usize,
}

/// Limits of the kind `walk_forward`; the rest is that of `backtest`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkForwardSettings {
    /// Most of its jobs claimed per second, all processes together; `None`: no limit.
    pub rate_per_second: Option<f64>,
    /// Most of its jobs claimed at once, all processes together; `None`: no limit.
    pub in_flight_max: Option<u32>,
    /// Longest run, milliseconds.
    pub timeout_ms: u64,
    /// Longest time without progress, milliseconds.
    pub stall_ms: u64,
}

/// Limits of the kind `sleep`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SleepSettings {
    /// Most of its jobs claimed per second, all processes together; `None`: no limit.
    pub rate_per_second: Option<f64>,
    /// Most of its jobs claimed at once, all processes together; `None`: no limit.
    pub in_flight_max: Option<u32>,
    /// Longest run, milliseconds.
    pub timeout_ms: u64,
}

/// Limits of each user, all processes together.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// Most of a user's jobs claimed per second; `None`: no limit.
    pub rate_per_second: Option<f64>,
    /// Most of a user's jobs claimed at once; `None`: no limit.
    pub in_flight_max: Option<u32>,
}

/// Who may order what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// Users who may set limits of the whole cluster.
    pub operators: Vec<String>,
}
