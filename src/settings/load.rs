//! Reading settings from their layers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::Settings;

/// What is built in: the file that documents every key.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// All environment variables.
    pub variables: BTreeMap<String, String>,
    /// The folder given on the command line.
    pub config_dir: Option<PathBuf>,
    /// Where `config/` is looked for otherwise.
    pub working_dir: PathBuf,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process(config_dir: Option<PathBuf>) -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        Self {
            variables: std::env::vars_os().map(|(key, value)| (text(key), text(value))).collect(),
            config_dir,
            working_dir: std::env::current_dir().unwrap_or_default(),
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read, or a value is of the wrong kind.
    #[error("{}", in_one_line(.0))]
    Unreadable(#[from] ConfigError),
    /// A folder or file that was asked for does not exist.
    #[error("{what}: {} does not exist", path.display())]
    Missing {
        /// Who asked for it.
        what: &'static str,
        /// The path.
        path: PathBuf,
    },
    /// A key nobody knows.
    #[error("unknown key {key}{hint}")]
    UnknownKey {
        /// Its path.
        key: String,
        /// The nearest known one.
        hint: String,
    },
    /// A value that cannot be, by itself or beside another one.
    #[error("{0}")]
    Impossible(String),
}

/// The key first, as everywhere; a message over several lines joined to one.
fn in_one_line(error: &ConfigError) -> String {
    match error {
        ConfigError::Type { key: Some(key), unexpected, expected, .. } => {
            format!("{key}: found {unexpected}, allowed {expected}")
        }
        ConfigError::At { key: Some(key), error, .. } => format!("{key}: {error}"),
        ConfigError::FileParse { uri: Some(file), cause } => {
            let cause = cause.to_string();
            let lines: Vec<&str> = cause.lines().filter(|line| !line.contains(" |")).collect();
            format!("{file}: {}", lines.join(", "))
        }
        other => other.to_string(),
    }
}

/// Settings, and every key as it was given.
#[derive(Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The value of each key that is set, as text; secrets too, so it is never shown as it is.
    pub(super) keys: BTreeMap<String, String>,
}

/// Without the keys, which have secrets.
impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Reads, merges and checks all layers.
///
/// # Errors
/// The first thing that is wrong, with its key.
pub fn load(environment: &Environment) -> Result<Settings, SettingsError> {
    load_with_keys(environment).map(|loaded| loaded.settings)
}

/// The text of each file that applies: what is different has to be read again.
#[must_use]
pub fn texts(environment: &Environment) -> Vec<Option<String>> {
    let Ok(files) = files(environment) else { return Vec::new() };
    files.iter().map(|file| std::fs::read_to_string(file).ok()).collect()
}

/// Reads, merges and checks all layers, and tells what was given.
///
/// # Errors
/// The first thing that is wrong, with its key.
pub fn load_with_keys(environment: &Environment) -> Result<Loaded, SettingsError> {
    let defaults =
        Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build()?;
    let known = known_keys(&defaults.collect()?);
    let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
    for file in files(environment)? {
        builder = builder.add_source(File::from(file).format(FileFormat::Toml));
    }
    let variables = config::Environment::with_prefix("SLUICEGATE")
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.variables.clone().into_iter().collect()));
    let merged = builder.add_source(variables).build()?;
    let given = values(&merged.collect()?, "");
    for key in given.keys() {
        refuse_unknown(key, &known)?;
    }
    let mut settings: Settings = merged.try_deserialize()?;
    settings.take_secrets().map_err(SettingsError::Impossible)?;
    if settings.database.url.is_empty() {
        environment
            .variable("DATABASE_URL")
            .unwrap_or_default()
            .clone_into(&mut settings.database.url);
    }
    settings.validate().map_err(SettingsError::Impossible)?;
    Ok(Loaded { settings, keys: given })
}

/// The files of the config folder that apply, lowest layer first.
fn files(environment: &Environment) -> Result<Vec<PathBuf>, SettingsError> {
    let asked = environment.config_dir.clone().map(|dir| ("--config-dir", dir)).or_else(|| {
        environment
            .variable("SLUICEGATE_CONFIG_DIR")
            .map(|dir| ("SLUICEGATE_CONFIG_DIR", dir.into()))
    });
    let dir = match asked {
        Some((what, path)) if !path.is_dir() => return Err(SettingsError::Missing { what, path }),
        Some((_, path)) => path,
        None => environment.working_dir.join("config"),
    };
    let mut files: Vec<PathBuf> = vec![dir.join("default.toml")];
    files.retain(|file| file.is_file());
    if let Some(name) = environment.variable("SLUICEGATE_ENV") {
        let path = dir.join(format!("{name}.toml"));
        if !path.is_file() {
            return Err(SettingsError::Missing { what: "SLUICEGATE_ENV", path });
        }
        files.push(path);
    }
    Ok(files)
}

/// All values in a tree by their paths.
fn values(tree: &Map<String, Value>, above: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in tree {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match &value.kind {
            ValueKind::Table(table) => found.extend(values(table, &path)),
            _ => drop(found.insert(path, value.to_string())),
        }
    }
    found
}

/// The keys that have a default, and the limits that may be left out.
fn known_keys(defaults: &Map<String, Value>) -> Vec<String> {
    let mut known: Vec<String> = values(defaults, "").into_keys().collect();
    let sections = |key: &str| -> Vec<String> {
        known.iter().filter_map(|name| name.strip_suffix(key)).map(str::to_owned).collect()
    };
    let (pipes, kinds) = (sections(".poll_interval_ms"), sections(".timeout_ms"));
    known.push("pipes.pending_job.claims_per_second".to_owned());
    for limited in pipes.iter().chain(&kinds).map(String::as_str).chain(["users"]) {
        known.push(format!("{limited}.rate_per_second"));
    }
    // What ran is always written.
    let pausable = pipes.iter().filter(|pipe| *pipe != "pipes.outcome");
    known.extend(pausable.map(|pipe| format!("{pipe}.paused")));
    for limited in kinds.iter().map(String::as_str).chain(["users"]) {
        known.push(format!("{limited}.in_flight_max"));
    }
    known
}

fn refuse_unknown(key: &str, known: &[String]) -> Result<(), SettingsError> {
    if known.iter().any(|known| known == key) {
        return Ok(());
    }
    let hint = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, key), known))
        .min()
        .filter(|(distance, _)| *distance <= key.len() / 3)
        .map_or_else(String::new, |(_, nearest)| format!(", did you mean {nearest}?"));
    Err(SettingsError::UnknownKey { key: key.to_owned(), hint })
}
