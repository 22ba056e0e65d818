//! Whether the server answers, and what it is.

use std::time::Duration;

use influxdb2::api::buckets::ListBucketsRequest;
use influxdb2::models::Status;
use influxdb2::{Client, ClientBuilder, RequestError};
use tokio::time::timeout;

use super::failure::{Failure, message_in};
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

/// Asks the server how it is, without trying again.
pub(super) async fn ask(settings: &InfluxSettings, http: &Http) -> Result<InfluxHealth, Failure> {
    // The address was checked when the reader was made; this call panics where it is none.
    let client = ClientBuilder::new(&settings.url, &settings.org, &settings.token)
        .build()
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let limit = Duration::from_millis(settings.request_timeout_ms);
    let (ready, message, version) = match limited(limit, client.health()).await {
        Ok(health) => {
            (health.status == Status::Pass, health.message.unwrap_or_default(), health.version)
        }
        // 1.x before 1.8 has no such page, and a newer one may not show it to everybody.
        Err(Failure::Refused(_)) => {
            http.send(&http.get("/ping", &[])).await?;
            (true, String::new(), None)
        }
        Err(failure) => return Err(failure),
    };
    let mut places = Vec::new();
    for place in places::find(settings, http).await? {
        let found = match place.language {
            Language::Flux => has_bucket(settings, &client, limit, &place.name).await?,
            Language::InfluxQl => has_database(settings, http, &place.name).await?,
        };
        places.push((place, found));
    }
    Ok(InfluxHealth { ready, message, version: version.or_else(|| http.version()), places })
}

async fn has_bucket(
    settings: &InfluxSettings,
    client: &Client,
    limit: Duration,
    name: &str,
) -> Result<bool, Failure> {
    let request = ListBucketsRequest {
        name: Some(name.to_owned()),
        org: Some(settings.org.clone()).filter(|org| !org.is_empty()),
        ..ListBucketsRequest::default()
    };
    match limited(limit, client.list_buckets(Some(request))).await {
        Ok(found) => Ok(found.buckets.iter().any(|bucket| bucket.name == name)),
        Err(Failure::Refused(reason)) if reason.starts_with("404") => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn has_database(settings: &InfluxSettings, http: &Http, name: &str) -> Result<bool, Failure> {
    match places::probe(settings, http, name).await {
        Ok(()) => Ok(true),
        Err(Failure::Refused(reason)) if reason.contains("not found") => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// A call of the client crate, which knows no limit of time itself.
async fn limited<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, Failure> {
    let Ok(answered) = timeout(limit, call).await else {
        return Err(Failure::again(format!("no answer in {} ms", limit.as_millis())));
    };
    answered.map_err(|error| match error {
        RequestError::Http { status, text } if !status.is_server_error() => {
            Failure::Refused(format!("{status}: {}", message_in(text.as_bytes())))
        }
        RequestError::Http { status, text } => {
            Failure::again(format!("{status}: {}", message_in(text.as_bytes())))
        }
        RequestError::ReqwestProcessing { source } => {
            Failure::again(source.without_url().to_string())
        }
        other => Failure::Refused(other.to_string()),
    })
}
