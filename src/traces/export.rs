//! Sends spans to a collector: OTLP over HTTP, as JSON. What cannot be sent is dropped; no job waits for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use super::Span;

/// Most spans in one request.
const BATCH_MAX: usize = 512;
/// What has ended is sent at least this often.
const BATCH_AGE: Duration = Duration::from_secs(1);
/// A collector that takes longer is given up for this batch.
const PATIENCE: Duration = Duration::from_secs(2);
/// More of an answer is not read.
const ANSWER_BYTES_MAX: u64 = 65_536;

/// Where the collector listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    path: String,
}

impl Address {
    /// Reads `http://host:port` with or without a path; `/v1/traces` is added.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn read(endpoint: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "found {endpoint:?}, allowed http://host:port; for TLS put a collector beside the process"
            )
        };
        let rest = endpoint.strip_prefix("http://").ok_or_else(refused)?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() || host.contains(|c: char| c.is_whitespace() || c == '@') {
            return Err(refused());
        }
        let path = path.trim_end_matches('/');
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        Ok(Self { host: host.to_owned(), path: format!("{path}/v1/traces") })
    }
}

/// Sends what is ended.
#[derive(Debug)]
pub struct Exporter {
    address: Address,
    spans: mpsc::Receiver<Span>,
}

impl Exporter {
    pub(super) fn new(address: Address, spans: mpsc::Receiver<Span>) -> Self {
        Self { address, spans }
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
        let sent = timeout(PATIENCE, self.post(spans)).await;
        match sent.context("no answer in time").flatten() {
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
        let Address { host, path } = &self.address;
        let body = request(spans).to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(host).await.context("connect to the collector")?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let first = answer.lines().next().unwrap_or_default();
        let status = first.split(' ').nth(1).unwrap_or_default();
        ensure!(status.starts_with('2'), "the collector says {first:?}");
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
    fn an_endpoint_is_a_host_with_a_port_and_perhaps_a_path() {
        let read = |text| Address::read(text).map(|it| format!("{}{}", it.host, it.path));
        assert_eq!(read("http://localhost:4318").unwrap(), "localhost:4318/v1/traces");
        assert_eq!(read("http://h:1/otlp/").unwrap(), "h:1/otlp/v1/traces");
        for wrong in ["localhost:4318", "https://h:1", "http://h", "http://u:p@h:1", ""] {
            assert!(read(wrong).unwrap_err().starts_with("found "), "{wrong}");
        }
    }
}
