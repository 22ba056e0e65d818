//! What a command did, or why not, in words. Somebody else's is answered like a missing one.

use super::order::Order;
use crate::store::{Command, Target};

pub(super) fn answer(order: &Order, command: &Command, target: &Target) -> String {
    let user = &command.user_id;
    if let Some(bundle) = command.bundle_id {
        let Some(status) = target.bundle_status.as_deref() else {
            return format!("user {user:?} has no bundle {bundle}");
        };
        return of_bundle(order, &format!("bundle {bundle}"), status, target);
    }
    if let Some(job) = command.job_id {
        let Some(status) = target.job_status.as_deref() else {
            return format!("user {user:?} has no job {job}");
        };
        return of_job(order, &format!("job {job}"), status, target);
    }
    let jobs = counted(target.jobs, "open job");
    match order {
        Order::Pause => format!("paused all jobs of user {user:?}, those to come included"),
        Order::Resume => format!("resumed all jobs of user {user:?}"),
        _ => format!("cancelled {} and {jobs}", counted(target.bundles, "open bundle")),
    }
}

fn of_bundle(order: &Order, bundle: &str, status: &str, target: &Target) -> String {
    let is_open = matches!(status, "pending" | "expanding" | "running");
    let jobs = |noun| counted(target.jobs, noun);
    match order {
        Order::Cancel if target.reached => format!("cancelled {bundle}: {}", jobs("open job")),
        Order::Retry if target.jobs > 0 => format!("retried {} of {bundle}", jobs("job")),
        Order::Retry if target.dedupe_key_taken => cannot_open(bundle),
        Order::Retry => format!("{bundle} has no job that failed or was cancelled: {status}"),
        _ if !is_open => format!("{bundle} has ended already: {status}"),
        Order::Cancel => format!("{bundle} was cancelled before"),
        Order::Pause => format!("paused {bundle}: {}", jobs("waiting job")),
        Order::Resume => format!("resumed {bundle}: {}", jobs("waiting job")),
        Order::Reprioritise(priority) => {
            format!("{bundle} has priority {priority}: {}", jobs("waiting job"))
        }
        Order::SetRate(change) => change.answer(),
    }
}

fn of_job(order: &Order, job: &str, status: &str, target: &Target) -> String {
    let is_open = status == "open";
    match order {
        Order::Cancel if target.reached => format!("cancelled {job}"),
        Order::Retry if target.jobs > 0 => format!("retried {job}"),
        Order::Retry if is_open => format!("{job} has not ended"),
        Order::Retry if target.dedupe_key_taken => cannot_open(&format!("the bundle of {job}")),
        Order::Retry => format!("{job} has ended already: {status}"),
        _ if !is_open => format!("{job} has ended already: {status}"),
        Order::Cancel => format!("{job} is not cancelled"),
        Order::Pause if target.jobs > 0 => format!("paused {job}"),
        Order::Pause => format!("{job} is claimed or paused already"),
        Order::Resume if target.jobs > 0 => format!("resumed {job}"),
        Order::Resume => format!("{job} was not paused"),
        Order::Reprioritise(priority) if target.jobs > 0 => {
            format!("{job} has priority {priority}")
        }
        Order::Reprioritise(priority) => {
            format!("{job} is claimed or has priority {priority} already")
        }
        Order::SetRate(change) => change.answer(),
    }
}

fn cannot_open(bundle: &str) -> String {
    format!("{bundle} cannot be opened again: another open bundle has its dedupe_key")
}

fn counted(count: i32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
