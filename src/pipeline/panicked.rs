//! A caught panic, as an error.

use std::any::Any;

use thiserror::Error;

/// Work that panicked instead of returning.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("panicked: {message}")]
pub struct Panicked {
    /// What the panic said.
    pub message: String,
}

impl Panicked {
    /// Reads what was passed to `panic!`, as far as it is text.
    #[must_use]
    pub fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self { message: text.unwrap_or("a value that is not text").to_owned() }
    }
}
