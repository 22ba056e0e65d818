//! How to reach the database.

use serde::Deserialize;

/// How to reach the database.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Connection string; `DATABASE_URL` where it is empty.
    pub url: String,
    /// Connection string for the one session connection (notifications, session lock); `url` where it
    /// is empty, none behind a pooler.
    pub session_url: String,
    /// Whether a transaction-mode pooler stands in between.
    pub pooled: bool,
    /// At most this many connections in the pool.
    pub max_connections: u32,
    /// A statement waits at most this long for a connection, milliseconds.
    pub acquire_timeout_ms: u64,
    /// The server ends a statement after this long, milliseconds.
    pub statement_timeout_ms: u64,
}

impl std::fmt::Debug for DatabaseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseSettings")
            .field("url", &hide_password(&self.url))
            .field("session_url", &hide_password(&self.session_url))
            .field("pooled", &self.pooled)
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .finish()
    }
}

/// The connection string without what stands between `//` and `@`.
fn hide_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::hide_password;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(hide_password("postgres://u:p@h:5/d"), "postgres://***@h:5/d");
        assert_eq!(hide_password("postgres://h/d"), "postgres://h/d");
    }
}
