//! Why a request failed, and whether another try may help.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;

use super::decode::{DecodeError, shown};

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may succeed.
    Again {
        reason: String,
        /// How long the server asks to be left alone.
        after: Option<Duration>,
    },
    /// The server's answer will not change by itself.
    Refused(String),
    /// The answer holds what cannot be used.
    Content(DecodeError),
}

impl Failure {
    pub(super) fn again(reason: impl Into<String>) -> Self {
        Self::Again { reason: reason.into(), after: None }
    }

    /// What an answer that does not begin with success means.
    pub(super) fn of_status(status: StatusCode, after: Option<Duration>, body: &[u8]) -> Self {
        let reason = format!("{status}: {}", message_in(body));
        let passing = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        // A server that lacks a feature lacks it the next time too.
        if passing && status != StatusCode::NOT_IMPLEMENTED {
            Self::Again { reason, after }
        } else {
            Self::Refused(reason)
        }
    }

    /// What a failed transfer means. Bad certificates count as passing: they are replaced while we run.
    pub(super) fn of_transfer(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = inner.source();
        }
        if error.is_builder() { Self::Refused(reason) } else { Self::again(reason) }
    }

    /// What a decoder's complaint means.
    pub(super) fn of_answer(error: DecodeError) -> Self {
        match error {
            // A cut or garbled answer, and a query that failed on its way, may go well the next time;
            // a database that is not there does not come by itself.
            DecodeError::Failed(reason) if names_nothing(&reason) => Self::Refused(reason),
            DecodeError::Cut | DecodeError::Unreadable(_) | DecodeError::Failed(_) => {
                Self::again(error.to_string())
            }
            DecodeError::Field { .. } | DecodeError::TooMany => Self::Content(error),
        }
    }
}

/// Whether the server says that what was named does not exist, or is no query.
fn names_nothing(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    ["not found", "could not find", "error parsing query", "failed to parse query", "unauthorized"]
        .iter()
        .any(|words| reason.contains(words))
}

/// The words of an error answer: JSON with `message` (2.x) or `error` (1.x), else its text.
fn message_in(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let words = json.as_ref().and_then(|json| {
        json.get("message").or_else(|| json.get("error")).and_then(serde_json::Value::as_str)
    });
    match words {
        Some(words) => shown(words.as_bytes()),
        None if body.trim_ascii().is_empty() => "no reason given".to_owned(),
        None => shown(body),
    }
}
