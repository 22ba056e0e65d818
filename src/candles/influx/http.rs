//! Requests to the server: with limits of time and size, and tried again where that may help.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::decode::{Decoder, Rows};
use super::failure::Failure;
use super::settings::InfluxSettings;

/// How much of an error answer is read.
const ERROR_BYTES_MAX: usize = 1 << 16;

/// A way to the server.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    address: Url,
    credentials: Credentials,
    permits: Semaphore,
    request_timeout: Duration,
    answer_mb_max: usize,
    attempts_max: u32,
    retry_base: Duration,
    retry_max: Duration,
    /// The version in the last answer that told one.
    version: Mutex<Option<String>>,
}

/// Who asks.
enum Credentials {
    None,
    Token(HeaderValue),
    User { name: String, password: String },
}

impl Credentials {
    fn of(settings: &InfluxSettings) -> Result<Self, String> {
        let InfluxSettings { token, username, .. } = settings;
        if !username.is_empty() {
            return Ok(Self::User { name: username.clone(), password: token.clone() });
        }
        if token.is_empty() {
            return Ok(Self::None);
        }
        let mut token = HeaderValue::try_from(format!("Token {token}"))
            .map_err(|_unprintable| "token: allowed printable ASCII".to_owned())?;
        token.set_sensitive(true);
        Ok(Self::Token(token))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One request, as often as it is tried.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    url: Url,
    content_type: Option<&'static str>,
    body: Bytes,
}

impl Http {
    /// Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// What cannot be, in words.
    pub(super) fn new(settings: &InfluxSettings) -> Result<Self, String> {
        // Someone else in the process may have chosen already; any will do.
        rustls::crypto::ring::default_provider().install_default().unwrap_or_else(drop);
        let client = Client::builder()
            .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
            // What is sent to one server must not be led to another one.
            .redirect(Policy::none())
            .gzip(settings.gzip)
            .build()
            .map_err(|error| format!("prepare requests: {error}"))?;
        Ok(Self {
            client,
            address: settings.address()?,
            credentials: Credentials::of(settings)?,
            permits: Semaphore::new(settings.requests_max),
            request_timeout: Duration::from_millis(settings.request_timeout_ms),
            answer_mb_max: settings.answer_mb_max,
            attempts_max: settings.attempts_max,
            retry_base: Duration::from_millis(settings.retry_base_ms),
            retry_max: Duration::from_millis(settings.retry_max_ms),
            version: Mutex::new(None),
        })
    }

    pub(super) fn get(&self, path: &str, query: &[(&str, &str)]) -> Request {
        Request {
            method: Method::GET,
            url: self.url(path, query),
            content_type: None,
            body: Bytes::new(),
        }
    }

    pub(super) fn post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        content_type: &'static str,
        body: String,
    ) -> Request {
        Request {
            method: Method::POST,
            url: self.url(path, query),
            content_type: Some(content_type),
            body: body.into(),
        }
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.address.clone();
        url.set_path(path);
        url.query_pairs_mut().extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
        url
    }

    /// The version the server has told, where it has.
    pub(super) fn version(&self) -> Option<String> {
        self.version.lock().clone()
    }

    /// Sends a request until it succeeds or cannot, and decodes the answer.
    pub(super) async fn read<D: Decoder>(
        &self,
        request: &Request,
        decoder: impl Fn() -> D,
        rows: &mut impl Rows,
    ) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            rows.restart();
            match self.limited(self.read_once(request, decoder(), rows)).await {
                Ok(()) => return Ok(()),
                Err(failure) => sleep(self.delay_after(attempt, failure)?).await,
            }
            attempt += 1;
        }
    }

    /// Sends a request until it succeeds or cannot; its answer does not matter.
    pub(super) async fn send(&self, request: &Request) -> Result<(), Failure> {
        let mut attempt = 1;
        loop {
            match self.limited(self.open(request)).await {
                Ok(_) => return Ok(()),
                Err(failure) => sleep(self.delay_after(attempt, failure)?).await,
            }
            attempt += 1;
        }
    }

    /// How long to wait after a failed attempt.
    ///
    /// # Errors
    ///
    /// The failure, when no other attempt is due.
    fn delay_after(&self, attempt: u32, failure: Failure) -> Result<Duration, Failure> {
        let Failure::Again { reason, after } = failure else { return Err(failure) };
        if let Some(after) = after.filter(|after| *after > self.retry_max) {
            let seconds = after.as_secs();
            return Err(Failure::again(format!("{reason}; come back after {seconds} s")));
        }
        if attempt >= self.attempts_max {
            return Err(Failure::again(format!("{reason} ({attempt} attempts)")));
        }
        // Half of the delay is random, so that those who failed together do not come back together.
        let doubled = self.retry_base.saturating_mul(1 << (attempt - 1).min(16));
        let delay = doubled.min(self.retry_max).mul_f64(0.5 + 0.5 * fastrand::f64());
        let delay = delay.max(after.unwrap_or_default());
        tracing::warn!(attempt, ?delay, reason, "InfluxDB: trying again");
        Ok(delay)
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let limit_ms = self.request_timeout.as_millis();
        timeout(self.request_timeout, work)
            .await
            .unwrap_or_else(|_| Err(Failure::again(format!("no whole answer in {limit_ms} ms"))))
    }

    async fn read_once(
        &self,
        request: &Request,
        mut decoder: impl Decoder,
        rows: &mut impl Rows,
    ) -> Result<(), Failure> {
        let mut response = self.open(request).await?;
        let mut room = self.answer_mb_max << 20;
        while let Some(bytes) = response.chunk().await.map_err(Failure::of_transfer)? {
            room = room.checked_sub(bytes.len()).ok_or_else(|| self.too_long())?;
            decoder.feed(&bytes, rows).map_err(Failure::of_answer)?;
        }
        decoder.finish().map_err(Failure::of_answer)
    }

    fn too_long(&self) -> Failure {
        Failure::Refused(format!(
            "found an answer of more than {} MiB, allowed candles.influx.answer_mb_max; \
             a smaller candles.influx.page_candles makes answers shorter",
            self.answer_mb_max
        ))
    }

    /// Sends a request once, and returns an answer that begins with success.
    async fn open(&self, request: &Request) -> Result<Response, Failure> {
        let mut builder = self.client.request(request.method.clone(), request.url.clone());
        builder = match &self.credentials {
            Credentials::None => builder,
            Credentials::Token(token) => builder.header(header::AUTHORIZATION, token.clone()),
            Credentials::User { name, password } => builder.basic_auth(name, Some(password)),
        };
        if let Some(content_type) = request.content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type).body(request.body.clone());
        }
        let mut response = builder.send().await.map_err(Failure::of_transfer)?;
        if let Some(version) = text(response.headers(), "x-influxdb-version") {
            *self.version.lock() = Some(version.to_owned());
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        // Seconds; the other form is a date, for which one would have to trust two clocks.
        let after = text(response.headers(), "retry-after").and_then(|text| text.parse().ok());
        let after = after.map(Duration::from_secs);
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = response.chunk().await
            && body.len() < ERROR_BYTES_MAX
        {
            body.extend_from_slice(&bytes);
        }
        Err(Failure::of_status(status, after, &body))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
