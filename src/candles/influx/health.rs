//! Whether the server answers, and what it is.

use std::time::Duration;

use influxdb2::api::buckets::ListBucketsRequest;
use influxdb2::models::Status;
use influxdb2::{Client, ClientBuilder, RequestError};
use tokio::time::timeout;

use super::ask::{Question, ask};
use super::decode::SeriesRows;
use super::failure::Failure;
use super::http::Http;
use super::places::{self, Language, Place};
use super::settings::InfluxSettings;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfluxHealth {
    /// Whether it is ready for queries.
    pub ready: bool,
    /// What it says about that; empty in 1.x.
    pub message: String,
    /// Its version, where it tells one.
    pub version: Option<String>,
    /// What is read, and in which language; whether it is there.
    pub places: Vec<(Place, bool)>,
}

/// Asks the server how it is.
pub(super) async fn of_server(
    settings: &InfluxSettings,
    http: &Http,
) -> Result<InfluxHealth, Failure> {
    // The address was checked when the reader was made; this call panics where it is none.
    let client = ClientBuilder::new(&settings.url, &settings.org, &settings.token)
        .build()
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let limit = Duration::from_millis(settings.request_timeout_ms);
    let (ready, message, version) = match limited(limit, client.health()).await {
        Some(health) => {
            (health.status == Status::Pass, health.message.unwrap_or_default(), health.version)
        }
        // 1.x before 1.8 has no such page. And the crate knows no certificates but those of the public
        // authorities, while we trust what the machine trusts.
        None => {
            http.send(&http.get("/ping", &[])).await?;
            (true, String::new(), None)
        }
    };
    let mut places = Vec::new();
    for place in places::find(settings, http).await? {
        let found = match place.language {
            Language::Flux => has_bucket(settings, http, &client, &place).await?,
            Language::InfluxQl => has_database(settings, http, &place.name).await?,
        };
        places.push((place, found));
    }
    Ok(InfluxHealth { ready, message, version: version.or_else(|| http.version()), places })
}

async fn has_bucket(
    settings: &InfluxSettings,
    http: &Http,
    client: &Client,
    place: &Place,
) -> Result<bool, Failure> {
    let request = ListBucketsRequest {
        name: Some(place.name.clone()),
        org: Some(settings.org.clone()).filter(|org| !org.is_empty()),
        ..ListBucketsRequest::default()
    };
    let limit = Duration::from_millis(settings.request_timeout_ms);
    if let Some(found) = limited(limit, client.list_buckets(Some(request))).await {
        return Ok(found.buckets.iter().any(|bucket| bucket.name == place.name));
    }
    // A token may be allowed to read a bucket and not to list them.
    let question = Question::Series { span: &(0..1) };
    let mut rows = SeriesRows { series_max: usize::MAX, ..SeriesRows::default() };
    found(ask(settings, http, place, &question, &mut rows).await)
}

async fn has_database(settings: &InfluxSettings, http: &Http, name: &str) -> Result<bool, Failure> {
    found(places::probe(settings, http, name).await)
}

/// Whether what was asked is there.
fn found(asked: Result<(), Failure>) -> Result<bool, Failure> {
    match asked {
        Ok(()) => Ok(true),
        Err(Failure::Refused(reason))
            if reason.contains("not found") || reason.contains("could not find") =>
        {
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// A call of the client crate, which knows no limit of time itself; `None` when it fails.
async fn limited<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, RequestError>>,
) -> Option<T> {
    let reason = match timeout(limit, call).await {
        Ok(Ok(answer)) => return Some(answer),
        Ok(Err(RequestError::ReqwestProcessing { source })) => source.without_url().to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer in {} ms", limit.as_millis()),
    };
    tracing::debug!(reason, "InfluxDB: asking in another way");
    None
}
