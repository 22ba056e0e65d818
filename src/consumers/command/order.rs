//! What a command orders, read from its row.

use serde_json::Value;

use super::limit::{LimitChange, LimitRules};
use crate::store::Command;

/// What users may order.
const ACTIONS: [&str; 6] = ["cancel", "pause", "resume", "retry", "reprioritise", "set_rate"];
/// Priorities that jobs may have.
const PRIORITIES: std::ops::RangeInclusive<i64> = -1_000_000..=1_000_000;

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    Cancel,
    Pause,
    Resume,
    Retry,
    Reprioritise(i32),
    SetRate(LimitChange),
}

impl Order {
    /// Reads the order, or says what is wrong with it.
    pub(super) fn read(command: &Command, rules: &LimitRules) -> Result<Self, String> {
        let args: Value = serde_json::from_str(&command.args).unwrap_or_default();
        let order = match command.action.as_str() {
            "cancel" => Self::Cancel,
            "pause" => Self::Pause,
            "resume" => Self::Resume,
            "retry" => Self::Retry,
            "reprioritise" => Self::Reprioritise(priority(&args)?),
            "set_rate" => {
                if command.bundle_id.is_some() || command.job_id.is_some() {
                    return Err("set_rate: found bundle_id or job_id, allowed neither".to_owned());
                }
                return LimitChange::read(&args, &command.user_id, rules).map(Self::SetRate);
            }
            other => {
                return Err(format!("unknown action {other:?}, allowed: {}", ACTIONS.join(", ")));
            }
        };
        order.refuse_other_args(&args)?;
        let names_nothing = command.bundle_id.is_none() && command.job_id.is_none();
        if names_nothing && matches!(order, Self::Retry | Self::Reprioritise(_)) {
            return Err(format!(
                "{}: found no bundle_id and no job_id, allowed one",
                command.action
            ));
        }
        Ok(order)
    }

    fn refuse_other_args(&self, args: &Value) -> Result<(), String> {
        let Some(args) = args.as_object() else {
            return Err(format!("args: found {args}, allowed an object"));
        };
        let known = if matches!(self, Self::Reprioritise(_)) { "priority" } else { "none" };
        match args.keys().find(|key| *key != known) {
            Some(key) => Err(format!("args: unknown key {key:?}, allowed: {known}")),
            None => Ok(()),
        }
    }
}

fn priority(args: &Value) -> Result<i32, String> {
    let found = args.get("priority");
    let number = found.and_then(Value::as_i64).filter(|number| PRIORITIES.contains(number));
    number.and_then(|number| i32::try_from(number).ok()).ok_or_else(|| {
        let found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        let (min, max) = (PRIORITIES.start(), PRIORITIES.end());
        format!("args.priority: found {found}, allowed a whole number, {min} to {max}")
    })
}
