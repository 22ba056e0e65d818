//! `set_rate`: a rate or a cap of a pipe, a kind or a user, for the whole cluster.

use serde_json::{Map, Value};

use crate::store::LimitOrder;

const KEYS: [&str; 5] = ["pipe", "kind", "user", "rate_per_second", "in_flight_max"];
const RATE_MAX: f64 = 1e6;
const IN_FLIGHT_MAX: i32 = 1_000_000;

/// Who may set limits, and of what.
#[derive(Debug, Clone, Default)]
pub struct LimitRules {
    /// Users who may.
    pub operators: Vec<String>,
    /// Names of pipes.
    pub pipes: Vec<&'static str>,
    /// Names of kinds.
    pub kinds: Vec<&'static str>,
}

/// What to change.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LimitChange {
    pub(super) scope: &'static str,
    pub(super) name: String,
    pub(super) rate: LimitOrder<f64>,
    pub(super) cap: LimitOrder<i32>,
}

impl LimitChange {
    /// Reads a change that this user wants, or says what is wrong with it.
    pub(super) fn read(args: &Value, user: &str, rules: &LimitRules) -> Result<Self, String> {
        if !rules.operators.iter().any(|operator| operator == user) {
            return Err(format!(
                "set_rate: found user {user:?}, allowed those of commands.operators"
            ));
        }
        let Some(args) = args.as_object() else {
            return Err(format!("args: found {args}, allowed an object"));
        };
        if let Some(key) = args.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("args: unknown key {key:?}, allowed: {}", KEYS.join(", ")));
        }
        let (scope, name) = whose(args, rules)?;
        let allowed = format!("a number above 0, at most {RATE_MAX}, null or \"config\"");
        let rate = number(args, "rate_per_second", &allowed, |value| {
            value.as_f64().filter(|rate| *rate > 0.0 && *rate <= RATE_MAX)
        })?;
        let allowed = format!("a whole number, 1 to {IN_FLIGHT_MAX}, null or \"config\"");
        let cap = number(args, "in_flight_max", &allowed, |value| {
            i32::try_from(value.as_i64()?).ok().filter(|cap| (1..=IN_FLIGHT_MAX).contains(cap))
        })?;
        if (rate, cap) == (LimitOrder::Keep, LimitOrder::Keep) {
            return Err("args: found nothing to set, allowed rate_per_second, in_flight_max".into());
        }
        Ok(Self { scope, name, rate, cap })
    }

    /// What it did, in words.
    pub(super) fn answer(&self) -> String {
        let whose = match (self.scope, self.name.as_str()) {
            ("user", "*") => "every user".to_owned(),
            (scope, name) => format!("{scope} {name}"),
        };
        let said = [said(self.rate, "per second"), said(self.cap, "at once")];
        format!("{whose}: {}", said.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

fn said<T: std::fmt::Display>(order: LimitOrder<T>, unit: &str) -> Option<String> {
    match order {
        LimitOrder::Keep => None,
        LimitOrder::Configured => Some(format!("as many {unit} as configured")),
        LimitOrder::Unlimited => Some(format!("any number {unit}")),
        LimitOrder::To(value) => Some(format!("at most {value} {unit}")),
    }
}

/// The one pipe, kind or user that is named.
fn whose(args: &Map<String, Value>, rules: &LimitRules) -> Result<(&'static str, String), String> {
    let scopes: Vec<_> = ["pipe", "kind", "user"]
        .into_iter()
        .filter_map(|scope| args.get(scope).map(|name| (scope, name)))
        .collect();
    let [(scope, name)] = scopes.as_slice() else {
        return Err(format!("args: found {} of pipe, kind, user, allowed one", scopes.len()));
    };
    let known: &[&str] = match *scope {
        "pipe" => &rules.pipes,
        "kind" => &rules.kinds,
        _ => &[],
    };
    match name.as_str() {
        Some(user) if *scope == "user" && !user.is_empty() => Ok((scope, user.to_owned())),
        Some(name) if known.contains(&name) => Ok((scope, name.to_owned())),
        _ if *scope == "user" => Err(format!("args.user: found {name}, allowed a user, or \"*\"")),
        _ => Err(format!("args.{scope}: found {name}, allowed: {}", known.join(", "))),
    }
}

fn number<T>(
    args: &Map<String, Value>,
    key: &str,
    allowed: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<LimitOrder<T>, String> {
    match args.get(key) {
        None => Ok(LimitOrder::Keep),
        Some(Value::Null) => Ok(LimitOrder::Unlimited),
        Some(Value::String(word)) if word == "config" => Ok(LimitOrder::Configured),
        Some(value) => read(value)
            .map(LimitOrder::To)
            .ok_or_else(|| format!("args.{key}: found {value}, allowed {allowed}")),
    }
}
