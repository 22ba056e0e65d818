//! Which buckets are read, and in which language.

use super::decode::{JsonDecoder, SpanRows};
use super::failure::Failure;
use super::http::Http;
use super::settings::{InfluxSettings, LanguageSetting};
use super::{ask, influxql};

/// The language a bucket is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `/api/v2/query`: 2.x.
    Flux,
    /// `/query`: 1.x, 2.x where a database is mapped to the bucket, 3.x.
    InfluxQl,
}

impl Language {
    /// As the settings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flux => "flux",
            Self::InfluxQl => "influxql",
        }
    }
}

/// A bucket, or a database, and its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the bucket or the database.
    pub name: String,
    /// The language it is read in.
    pub language: Language,
}

/// Finds where candles are and in which language they are asked for.
pub(super) async fn find(settings: &InfluxSettings, http: &Http) -> Result<Vec<Place>, Failure> {
    let all = |names: &[String], language| {
        let place = |name: &String| Place { name: name.clone(), language };
        names.iter().map(place).collect::<Vec<_>>()
    };
    let databases = match settings.database.as_str() {
        "" => settings.buckets.0.clone(),
        one => vec![one.to_owned()],
    };
    let places = match settings.language {
        LanguageSetting::Flux => all(&settings.buckets.0, Language::Flux),
        LanguageSetting::InfluxQl => all(&databases, Language::InfluxQl),
        LanguageSetting::Auto if settings.database.is_empty() => {
            let mut places = Vec::new();
            for name in databases {
                let language = speaks(settings, http, &name).await?;
                places.push(Place { name, language });
            }
            places
        }
        LanguageSetting::Auto => match speaks(settings, http, &settings.database).await? {
            Language::InfluxQl => all(&databases, Language::InfluxQl),
            Language::Flux => all(&settings.buckets.0, Language::Flux),
        },
    };
    for place in &places {
        let (bucket, language) = (&place.name, place.language.name());
        tracing::info!(bucket, language, version = http.version(), "candles from InfluxDB");
    }
    Ok(places)
}

/// `InfluxQL` where there is a database of this name, or where there is nothing else.
async fn speaks(settings: &InfluxSettings, http: &Http, name: &str) -> Result<Language, Failure> {
    match probe(settings, http, name).await {
        Ok(()) => Ok(Language::InfluxQl),
        Err(Failure::Refused(reason)) => {
            if ["401", "403"].iter().any(|status| reason.starts_with(status)) {
                return Err(Failure::Refused(reason));
            }
            let version = http.version().unwrap_or_default();
            let version = version.trim_start_matches('v');
            let has_flux = !["1.", "3."].iter().any(|major| version.starts_with(major));
            Ok(if has_flux { Language::Flux } else { Language::InfluxQl })
        }
        Err(failure) => Err(failure),
    }
}

/// Asks whether there is a database of this name that may be read.
pub(super) async fn probe(
    settings: &InfluxSettings,
    http: &Http,
    database: &str,
) -> Result<(), Failure> {
    let request = ask::influxql_request(settings, http, database, &influxql::probe(settings));
    http.read(&request, || JsonDecoder::new([influxql::TIME]), &mut SpanRows::default()).await
}
