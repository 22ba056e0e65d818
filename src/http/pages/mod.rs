//! Pages to look at: the same as `sluicegate top`, read-only, for whoever reaches the port. They must not be
//! felt by the database: one connection, and an answer that is younger than a second is given again.

mod bundle;
mod home;
mod job;
mod parts;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use moka::future::Cache;
use serde::Deserialize;
use tokio::time::timeout;
use uuid::Uuid;

use self::parts::page;
use crate::overview::Reader;

/// Whoever asks within this time gets the same answer.
const FRESH: Duration = Duration::from_secs(1);
/// Answers that are kept.
const KEPT_MAX: u64 = 64;
/// A page whose statements take longer altogether is given up.
const PATIENCE: Duration = Duration::from_secs(8);
/// A name of a user is not longer.
const USER_MAX: usize = 200;

const STYLE: &str = include_str!("style.css");
/// Nothing from elsewhere, no program, no frame around it.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What the pages are made of.
#[derive(Debug, Clone)]
pub struct Pages {
    reader: Reader,
    fresh: Cache<Asked, Arc<Answer>>,
}

/// What a page is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    All { user: Option<String> },
    Bundle(Uuid),
    Job(i64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    of: Of,
    /// Whether the page loads itself again.
    live: bool,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    text: String,
}

/// What stands behind the question mark.
#[derive(Debug, Default, Deserialize)]
struct Wishes {
    user: Option<String>,
    still: Option<String>,
}

impl Wishes {
    fn live(&self) -> bool {
        self.still.is_none()
    }
}

impl Pages {
    /// Pages of what this reads.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        let fresh = Cache::builder().max_capacity(KEPT_MAX).time_to_live(FRESH).build();
        Self { reader, fresh }
    }

    /// Where they are.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(all))
            .route("/bundles/{id}", get(one_bundle))
            .route("/jobs/{id}", get(one_job))
            .route("/style.css", get(style))
            .with_state(self)
    }

    async fn answer(&self, asked: Asked) -> Response {
        // Many who ask at once wait for one reading.
        let answer = self.fresh.get_with(asked.clone(), self.made(asked)).await;
        (answer.status, headers("text/html; charset=utf-8"), answer.text.clone()).into_response()
    }

    async fn made(&self, asked: Asked) -> Arc<Answer> {
        let made = timeout(PATIENCE, self.read(&asked)).await;
        Arc::new(match made {
            Ok(Ok(Some(text))) => Answer { status: StatusCode::OK, text: text.into_string() },
            Ok(Ok(None)) => missing(),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a page was not read");
                gone()
            }
            Err(_elapsed) => gone(),
        })
    }

    async fn read(&self, asked: &Asked) -> Result<Option<Markup>, crate::overview::ReadError> {
        let live = asked.live;
        Ok(match &asked.of {
            Of::All { user } => {
                let overview = self.reader.overview(user.as_deref()).await?;
                Some(home::page(&overview, user.as_deref(), live))
            }
            Of::Bundle(id) => self.reader.bundle(*id).await?.map(|it| bundle::page(&it, live)),
            Of::Job(id) => self.reader.job(*id).await?.map(|it| job::page(&it, live)),
        })
    }
}

async fn all(State(pages): State<Pages>, Query(wishes): Query<Wishes>) -> Response {
    let live = wishes.live();
    let user = wishes.user.filter(|name| !name.is_empty() && name.chars().count() <= USER_MAX);
    pages.answer(Asked { of: Of::All { user }, live }).await
}

async fn one_bundle(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Response {
    match Uuid::try_parse(&id) {
        Ok(id) => pages.answer(Asked { of: Of::Bundle(id), live: wishes.live() }).await,
        Err(_) => missing().into_response(),
    }
}

async fn one_job(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    Query(wishes): Query<Wishes>,
) -> Response {
    match id.parse() {
        Ok(id) => pages.answer(Asked { of: Of::Job(id), live: wishes.live() }).await,
        Err(_) => missing().into_response(),
    }
}

async fn style() -> Response {
    (StatusCode::OK, headers("text/css; charset=utf-8"), STYLE).into_response()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, headers("text/html; charset=utf-8"), self.text).into_response()
    }
}

fn headers(content: &'static str) -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(content)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}

fn missing() -> Answer {
    let text = page("Not found", None, &html! { p { "There is no such bundle or job." } });
    Answer { status: StatusCode::NOT_FOUND, text: text.into_string() }
}

fn gone() -> Answer {
    let said = html! { p.bad { "The database does not answer." } };
    let text = page("No answer", Some(true), &said);
    Answer { status: StatusCode::SERVICE_UNAVAILABLE, text: text.into_string() }
}
