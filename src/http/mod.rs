//! Probes and metrics over HTTP, read-only. They are answered from memory: no such request reaches the database.
//! Pages to look at do, and are off unless somebody wants them.

mod ask;
mod pages;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;

pub use self::ask::ask;
pub use self::pages::Pages;
use crate::metrics::Metrics;
use crate::pipeline::{Shutdown, StatusBoard};
use crate::worker::Worker;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where to listen, and when a loop counts as stuck.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Address and port; empty: no HTTP.
    pub listen: String,
    /// Whether there are pages to look at as well.
    pub pages: bool,
    /// A process with a loop that shows no sign of life for this long is not alive, milliseconds.
    pub stuck_ms: u64,
}

/// What the answers are taken from.
#[derive(Debug, Clone)]
pub struct Health {
    metrics: Metrics,
    stuck: Duration,
    running: Arc<OnceLock<Running>>,
}

#[derive(Debug)]
struct Running {
    board: StatusBoard,
    worker: Worker,
    shutdown: Shutdown,
}

impl Health {
    /// A process that has just started: alive, and not ready.
    #[must_use]
    pub fn new(metrics: &Metrics, settings: &HttpSettings) -> Self {
        Self {
            metrics: metrics.clone(),
            stuck: Duration::from_millis(settings.stuck_ms),
            running: Arc::default(),
        }
    }

    /// From now on its pipes and its lease are looked at.
    pub fn show(&self, board: StatusBoard, worker: &Worker, shutdown: &Shutdown) {
        let running = Running { board, worker: worker.clone(), shutdown: shutdown.clone() };
        if self.running.set(running).is_err() {
            tracing::debug!("shown before");
        }
    }

    /// Why it should be restarted. A database that is gone is no reason.
    fn why_not_alive(&self) -> Option<String> {
        let silence = self.running.get()?.board.longest_silence();
        (silence > self.stuck).then(|| format!("a loop is silent for {} s", silence.as_secs()))
    }

    /// Why it does no work at present.
    fn why_not_ready(&self) -> Option<&'static str> {
        match self.running.get() {
            None => Some("starting"),
            Some(running) if running.shutdown.is_stopping() => Some("draining"),
            Some(running) if !running.worker.is_trusted() => Some("the lease has run out"),
            Some(_) => None,
        }
    }
}

/// Opens the port. Where it cannot be had the process goes on without: a second one on a machine must
/// not fail for it.
pub async fn listen(settings: &HttpSettings) -> Option<TcpListener> {
    if settings.listen.is_empty() {
        return None;
    }
    match TcpListener::bind(&settings.listen).await {
        Ok(listener) => {
            let address = listener.local_addr().map_or_else(|_| String::new(), |at| at.to_string());
            tracing::info!(address, "probes and metrics");
            Some(listener)
        }
        Err(error) => {
            tracing::warn!(listen = settings.listen, %error, "no probes and no metrics");
            None
        }
    }
}

/// Answers until it is dropped; with pages where there are some.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    health: Health,
    pages: Option<Pages>,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
        .merge(pages.map(Pages::router).unwrap_or_default());
    axum::serve(listener, router).await
}

async fn livez(State(health): State<Health>) -> impl IntoResponse {
    answer(health.why_not_alive())
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    answer(health.why_not_ready().map(str::to_owned))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    match health.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn answer(wrong: Option<String>) -> (StatusCode, String) {
    match wrong {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}
