//! Traces of real jobs, as a collector gets them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use support::{DaemonProcess, TestDatabase, eventually};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Keeps what it is sent.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Value>>>);

impl Collector {
    /// Listens; answers where.
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kept = self.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                kept.take(stream).await;
            }
        });
        format!("http://{address}")
    }

    async fn take(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            if let Some(bytes) = line.strip_prefix("content-length: ") {
                length = bytes.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let spans = body.pointer("/resourceSpans/0/scopeSpans/0/spans").unwrap();
        self.0.lock().extend(spans.as_array().unwrap().iter().cloned());
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    }

    /// The spans of a trace, once its job is complete.
    async fn trace(&self, id: &str) -> Vec<Value> {
        eventually(PATIENCE, "the trace", async || {
            let of_trace = |span: &&Value| span["traceId"] == id;
            let spans: Vec<Value> = self.0.lock().iter().filter(of_trace).cloned().collect();
            spans.iter().any(|span| span["name"] == "job").then_some(spans)
        })
        .await
    }
}

fn nanos(span: &Value, key: &str) -> u128 {
    span[key].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_job_is_one_trace_that_goes_on_with_its_users() {
    let (db, collector) = (TestDatabase::new().await, Collector::default());
    let settings = [("traces.endpoint", &*collector.listen().await), ("traces.sample", "0")];
    let _daemon = DaemonProcess::run(&db.url(), &settings);
    let insert = r#"insert into sluicegate.jobs (user_id, kind, spec, traceparent) values
        ('alice', 'sleep', '{"seconds": 0.1}', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'),
        ('alice', 'sleep', '{"seconds": 0}', '00-5bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'),
        ('alice', 'sleep', '{"seconds": 0}', null)"#;
    sqlx::query(insert).execute(db.pool()).await.unwrap();
    let spans = collector.trace(TRACE).await;
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["insert to claim", "claim to start", "load", "run", "outcome", "job"]);
    let job = spans.last().unwrap();
    assert_eq!(job["parentSpanId"], "00f067aa0ba902b7");
    for span in &spans {
        let (start, end) = (nanos(span, "startTimeUnixNano"), nanos(span, "endTimeUnixNano"));
        assert!(start <= end, "{span}");
        if span["name"] != "job" {
            assert_eq!(span["parentSpanId"], job["spanId"]);
        }
    }
    let ran = nanos(&spans[3], "endTimeUnixNano") - nanos(&spans[3], "startTimeUnixNano");
    assert!(ran >= 100_000_000, "{ran} ns");
    let asked = "select count(*) from sluicegate.outcomes where status = 1";
    eventually(PATIENCE, "all end", async || {
        sqlx::query_scalar::<_, i64>(asked).fetch_one(db.pool()).await.unwrap() == 3
    })
    .await;
    let others = collector.0.lock().iter().filter(|span| span["traceId"] != TRACE).count();
    assert_eq!(others, 0, "one is not sampled, and of the others none is");
}

#[tokio::test]
async fn jobs_of_a_bundle_are_parts_of_its_trace_and_a_collector_that_is_gone_delays_nothing() {
    let (db, collector) = (TestDatabase::new().await, Collector::default());
    let endpoint = collector.listen().await;
    let _daemon = DaemonProcess::run(&db.url(), &[("traces.endpoint", &endpoint)]);
    let gone = [("traces.endpoint", "http://127.0.0.1:1"), ("traces.sample", "1")];
    let daemon = DaemonProcess::run(&db.url(), &gone);
    let bundle = r#"insert into sluicegate.bundles (user_id, traceparent, universal_config, ticker_variants, date_ranges, scenario_variants)
        values ('alice', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '{"timeframe": "1d"}', '["NASDAQ"]',
                '[{"from": "2010-01-01", "until": "2011-01-01"}]', '[{"preset": "sma_cross", "params": {"fast": {"from": 2, "to": 41, "step": 1}, "slow": [100]}}]')"#;
    sqlx::query(bundle).execute(db.pool()).await.unwrap();
    let asked = "select count(*) from sluicegate.bundle_status where status = 'completed' and completed = 40";
    eventually(PATIENCE, "the bundle ends", async || {
        sqlx::query_scalar::<_, i64>(asked).fetch_one(db.pool()).await.unwrap() == 1
    })
    .await;
    let jobs = "insert into sluicegate.jobs (user_id, kind, spec) select 'bob', 'sleep', '{\"seconds\": 0}' from generate_series(1, 40)";
    sqlx::query(jobs).execute(db.pool()).await.unwrap();
    let said = "traces are not sent";
    eventually(PATIENCE, said, async || daemon.log().contains(said)).await;
    let completed = "select count(*) from sluicegate.outcomes where status = 1";
    eventually(PATIENCE, "all end", async || {
        sqlx::query_scalar::<_, i64>(completed).fetch_one(db.pool()).await.unwrap() == 80
    })
    .await;
    assert!(!collector.trace(TRACE).await.is_empty());
}
