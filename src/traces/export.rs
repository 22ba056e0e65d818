//! Sends spans to a collector: OTLP over HTTP, as JSON. What cannot be sent is dropped; no job waits for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::interval;

use super::Span;

/// Most spans in one request.
const BATCH_MAX: usize = 512;
/// What has ended is sent at least this often.
const BATCH_AGE: Duration = Duration::from_secs(1);
/// A collector that takes longer is given up for this batch.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the collector listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// Reads `http://host:port` or `https://host`, with or without a path; `/v1/traces` is added.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn read(endpoint: &str) -> Result<Self, String> {
        let refused =
            || format!("found {endpoint:?}, allowed http://host:port or https://host:port");
        let mut url = Url::parse(endpoint).map_err(|_unreadable| refused())?;
        let names_nobody = url.username().is_empty() && url.password().is_none();
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !names_nobody || !is_plain {
            return Err(refused());
        }
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self(url))
    }
}

/// Sends what is ended.
#[derive(Debug)]
pub struct Exporter {
    client: Client,
    address: Address,
    spans: mpsc::Receiver<Span>,
}

impl Exporter {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// What of TLS cannot be prepared, in words.
    pub(super) fn new(address: Address, spans: mpsc::Receiver<Span>) -> Result<Self, String> {
        // Someone else in the process may have chosen already; any will do.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_else(drop);
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .build()
            .map_err(|error| format!("traces: prepare requests: {error}"))?;
        Ok(Self { client, address, spans })
    }

    /// Sends until `stopped`, and then what is left.
    pub async fn run(mut self, stopped: impl Future<Output = ()>) {
        tokio::pin!(stopped);
        let (mut batch, mut failing, mut ends) = (Vec::new(), false, false);
        let mut ticks = interval(BATCH_AGE);
        while !ends {
            tokio::select! {
                Some(span) = self.spans.recv() => {
                    batch.push(span);
                    if batch.len() < BATCH_MAX {
                        continue;
                    }
                }
                _ = ticks.tick() => {}
                () = &mut stopped => {
                    while let Ok(span) = self.spans.try_recv() {
                        batch.push(span);
                    }
                    ends = true;
                }
            }
            for part in batch.chunks(BATCH_MAX) {
                self.send_once(part, &mut failing).await;
            }
            batch.clear();
        }
    }

    /// One line when it begins to fail, and one when it works again.
    async fn send_once(&self, spans: &[Span], failing: &mut bool) {
        match self.post(spans).await {
            Ok(()) if *failing => tracing::info!("traces are sent again"),
            Ok(()) => {}
            Err(error) if !*failing => {
                let error = format!("{error:#}");
                tracing::warn!(error, "traces are not sent");
                *failing = true;
                return;
            }
            Err(_) => return,
        }
        *failing = false;
    }

    async fn post(&self, spans: &[Span]) -> anyhow::Result<()> {
        let body = request(spans).to_string();
        let request = self.client.post(self.address.0.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let answer = request.send().await.context("send to the collector")?;
        let status = answer.status();
        ensure!(status.is_success(), "the collector says {status}");
        Ok(())
    }
}

/// Spans as OTLP writes them.
fn request(spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(span_json).collect();
    let service = json!({"key": "service.name", "value": {"stringValue": "sluicegate"}});
    let scope = json!({"name": "sluicegate", "version": env!("CARGO_PKG_VERSION")});
    json!({"resourceSpans": [{
        "resource": {"attributes": [service]},
        "scopeSpans": [{"scope": scope, "spans": spans}],
    }]})
}

fn span_json(span: &Span) -> Value {
    const INTERNAL: i32 = 1;
    const CONSUMER: i32 = 5;
    const FAILED: i32 = 2;
    let attributes: Vec<Value> = span
        .attributes
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    json!({
        "traceId": format!("{:032x}", span.trace_id),
        "spanId": format!("{:016x}", span.span_id),
        "parentSpanId": span.parent_id.map(|id| format!("{id:016x}")).unwrap_or_default(),
        "name": span.name,
        "kind": if span.name == "job" { CONSUMER } else { INTERNAL },
        "startTimeUnixNano": nanos(span.start).to_string(),
        "endTimeUnixNano": nanos(span.end).to_string(),
        "attributes": attributes,
        "status": if span.failed { json!({"code": FAILED}) } else { json!({}) },
    })
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_endpoint_is_an_address_with_or_without_a_path() {
        let read = |text| Address::read(text).map(|it| it.0.to_string());
        assert_eq!(read("http://localhost:4318").unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(read("https://h/otlp/").unwrap(), "https://h/otlp/v1/traces");
        for wrong in ["localhost:4318", "ftp://h:1", "http://", "http://u:p@h:1", "http://h?a", ""]
        {
            assert!(read(wrong).unwrap_err().starts_with("found "), "{wrong}");
        }
    }
}
