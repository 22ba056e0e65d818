//! `sluicegate doctor`: one line for each thing that must be in order, with the remedy where it is not.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::candles::CandleSource as _;
use crate::settings::Settings;
use crate::store::{Examined, Store};
use crate::topology;

/// Clocks further apart than this deserve a word, milliseconds. Nothing breaks by it: no decision hangs on
/// the daemon's clock.
const CLOCKS_APART_MS: f64 = 1_000.0;
/// A transaction that is open for so many seconds keeps old row versions.
const OLD_S: f64 = 300.0;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Wrong,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    state: State,
    thing: &'static str,
    found: String,
    remedy: Option<String>,
}

impl Finding {
    fn ok(thing: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Ok, thing, found: found.into(), remedy: None }
    }

    fn not(
        state: State,
        thing: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { state, thing, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// Fine where `holds`, otherwise `state` with the remedy.
    fn held(
        holds: bool,
        state: State,
        thing: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        if holds { Self::ok(thing, found) } else { Self::not(state, thing, found, remedy) }
    }

    fn line(&self) -> String {
        let word = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Wrong => "wrong",
        };
        let remedy = self.remedy.as_ref().map_or_else(String::new, |remedy| format!("; {remedy}"));
        format!("{word:<8} {:<12} {}{remedy}", self.thing, self.found)
    }
}

#[expect(clippy::print_stdout, reason = "the answer of the command")]
pub(super) async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let mut findings = vec![Finding::ok("settings", "read and consistent")];
    findings.extend(database(settings).await);
    findings.push(candles(settings).await);
    for finding in &findings {
        println!("{}", finding.line());
    }
    let wrong = findings.iter().any(|finding| finding.state == State::Wrong);
    Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn database(settings: &Settings) -> Vec<Finding> {
    let wrong = |thing, error: anyhow::Error, remedy: &str| {
        Finding::not(State::Wrong, thing, super::one_line(&error), remedy)
    };
    let reached = async {
        let store = Store::new(&settings.database)?;
        store.ping().await?;
        anyhow::Ok(store)
    };
    let store = match reached.await {
        Ok(store) => store,
        Err(error) => {
            let remedy = "check database.url, the network and pg_hba.conf";
            return vec![wrong("connection", error, remedy)];
        }
    };
    let mut findings = match store.examine().await {
        Ok(seen) => server(settings, &seen, now_ms()),
        Err(error) => vec![wrong("server", error.into(), "see the server's log")],
    };
    findings.push(match store.check_schema().await {
        Ok(()) => Finding::ok("schema", "as this program needs it"),
        Err(error) => wrong("schema", error.into(), "sluicegate migrate, under the owner's role"),
    });
    findings.push(match store.is_behind_a_pooler().await {
        Ok(pooled) => pooler(pooled, settings.database.pooled),
        Err(error) => wrong("pooler", error.into(), "two connections at once must be possible"),
    });
    findings
}

/// What is between us and the server, against what the settings say.
fn pooler(found: bool, said: bool) -> Finding {
    match (found, said) {
        (true, false) => Finding::not(
            State::Wrong,
            "pooler",
            "a pooler in transaction mode",
            "set database.pooled = true, and database.session_url to the server itself for notifications",
        ),
        (false, true) => Finding::not(
            State::Warning,
            "pooler",
            "none in transaction mode, and database.pooled is set",
            "without it statements are prepared and wake-ups are instant",
        ),
        (true, true) => Finding::ok("pooler", "transaction mode, as the settings say"),
        (false, false) => Finding::ok("pooler", "none in transaction mode"),
    }
}

/// What the server shows, in the order in which one would look.
fn server(settings: &Settings, seen: &Examined, now_ms: f64) -> Vec<Finding> {
    let mut findings = connections(settings, seen);
    findings.extend(upkeep(seen));
    let apart_ms = (seen.server_ms - now_ms).abs();
    findings.push(Finding::held(
        apart_ms < CLOCKS_APART_MS,
        State::Warning,
        "clock",
        format!("{apart_ms:.0} ms from the server's"),
        "look at time synchronisation; the daemon goes by the server's clock alone",
    ));
    findings
}

/// Who we are to the server, and what we may.
fn connections(settings: &Settings, seen: &Examined) -> Vec<Finding> {
    let Examined { version, role, connections, connections_max, .. } = seen;
    let ours = i64::from(settings.database.max_connections) + 2;
    let room = i64::from(*connections_max) - connections;
    let not = |holds: bool| if holds { "" } else { "not " };
    vec![
        Finding::held(
            seen.version_num >= 140_000,
            State::Wrong,
            "connection",
            format!("PostgreSQL {version}, role {role}"),
            "14 is the oldest that will do",
        ),
        Finding::held(
            seen.is_local || seen.is_encrypted,
            State::Warning,
            "encryption",
            format!("{}encrypted", not(seen.is_encrypted)),
            "add sslmode=verify-full to database.url",
        ),
        Finding::held(
            seen.forbidden.is_empty(),
            State::Wrong,
            "privileges",
            format!("tables that {role} may not change: {}", list(&seen.forbidden)),
            "run roles/roles.sql, and use the role sluicegate_daemon",
        ),
        Finding::held(
            seen.sees_others,
            State::Warning,
            "statistics",
            format!("sessions of others are {}seen", not(seen.sees_others)),
            format!("grant pg_read_all_stats to {role}: without it all others count as busy"),
        ),
        Finding::held(
            room >= ours,
            State::Warning,
            "connections",
            format!("{connections} of {connections_max} in use, a replica takes up to {ours}"),
            "raise max_connections, or lower database.max_connections",
        ),
    ]
}

/// Whether old rows are removed.
fn upkeep(seen: &Examined) -> Vec<Finding> {
    let held = seen.held_s.unwrap_or(0.0);
    let holder = seen.held_by.as_deref().unwrap_or("nobody");
    vec![
        Finding::held(
            seen.vacuums,
            State::Wrong,
            "autovacuum",
            if seen.vacuums { "on" } else { "off" },
            "set autovacuum and track_counts to on: a queue without vacuum gets slower and slower",
        ),
        Finding::held(
            seen.not_vacuumed.is_empty(),
            State::Wrong,
            "vacuum",
            format!("tables that are never vacuumed: {}", list(&seen.not_vacuumed)),
            "alter table … reset (autovacuum_enabled)",
        ),
        Finding::held(
            seen.bloated.is_empty(),
            State::Warning,
            "bloat",
            format!("tables with more dead rows than live ones: {}", list(&seen.bloated)),
            "vacuum them; find out what keeps autovacuum from it (snapshot, below)",
        ),
        Finding::held(
            held < OLD_S,
            State::Warning,
            "snapshot",
            format!("the oldest transaction is {held:.0} s old ({holder})"),
            "end it (pg_terminate_backend), or set idle_in_transaction_session_timeout",
        ),
        Finding::held(
            seen.idle_slots == 0,
            State::Warning,
            "slots",
            format!("{} replication slots that nobody reads", seen.idle_slots),
            "drop them: they keep WAL and old rows",
        ),
    ]
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

async fn candles(settings: &Settings) -> Finding {
    let listed = async {
        let source = topology::candle_source(settings)?;
        source.answers().await?;
        anyhow::Ok(source.list().await?.len())
    };
    match listed.await {
        Ok(0) => Finding::not(
            State::Warning,
            "candles",
            "no series",
            "fill the store: sluicegate candles import, or see candles.files.dir",
        ),
        Ok(series) => Finding::ok("candles", format!("{series} series")),
        Err(error) => Finding::not(
            State::Wrong,
            "candles",
            super::one_line(&error),
            "see [candles] in the settings",
        ),
    }
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the server's")]
fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_state_thing_finding_and_remedy() {
        let finding = Finding::not(State::Warning, "clock", "5000 ms apart", "look at it");
        assert_eq!(finding.line(), "warning  clock        5000 ms apart; look at it");
        assert_eq!(Finding::ok("schema", "fine").line(), "ok       schema       fine");
    }

    #[test]
    fn a_pooler_is_wrong_only_where_the_settings_do_not_know_of_it() {
        let states = [(true, false), (false, true), (true, true), (false, false)]
            .map(|(found, said)| pooler(found, said).state);
        assert_eq!(states, [State::Wrong, State::Warning, State::Ok, State::Ok]);
    }
}
