//! The rules that every story must keep, whatever faults were in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use sluicegate::worker::{Entry, Event};

use crate::story::{Journal, Story};

/// A job and a fence.
type Claim = (i64, i64);

/// What is known of one claim.
#[derive(Debug, Default)]
struct Known {
    claimed_at: Option<u64>,
    /// When its end, its failure or its release was first about to be written.
    first_intent_at: Option<u64>,
    /// When it was last seen to stand.
    stood_at: Option<u64>,
    /// What was last about to be written.
    intent: Option<Event>,
    started: usize,
    fates: Vec<Event>,
    refused: bool,
}

/// Everything that is wrong with a story, a line each.
pub(crate) fn wrongs(story: &Story) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut all: BTreeMap<Claim, Known> = BTreeMap::new();
    let mut workers = HashSet::new();
    for (process, journal) in story.journals.iter().enumerate() {
        read(process, journal, &mut all, &mut workers, &mut wrongs);
    }
    for (claim, known) in &all {
        check_claim(*claim, known, story, &mut wrongs);
    }
    check_jobs(&all, story, &mut wrongs);
    if let Some(cap) = story.user_cap {
        check_cap(cap, story, &mut wrongs);
    }
    wrongs
}

/// Reads one journal: what it says of claims must be of claims that this process was given.
fn read(
    process: usize,
    journal: &Journal,
    all: &mut BTreeMap<Claim, Known>,
    workers: &mut HashSet<i32>,
    wrongs: &mut Vec<String>,
) {
    let mut mine = HashSet::new();
    for Entry { event, claims, worker, .. } in &journal.entries {
        if *event == Event::Registered && !workers.insert(*worker) {
            wrongs.push(format!("worker {worker} registered twice"));
        }
        for claim in claims {
            let known = all.entry(*claim).or_default();
            if *event == Event::Claimed {
                if known.claimed_at.replace(0).is_some() {
                    wrongs.push(format!("{claim:?} was claimed twice"));
                }
                mine.insert(*claim);
            } else if is_of_owner(*event) && !mine.contains(claim) {
                wrongs.push(format!(
                    "process {process}: {event:?} of {claim:?}, which it was never given"
                ));
            }
            match event {
                Event::Started => known.started += 1,
                Event::Ending | Event::Failing => known.intent = Some(*event),
                Event::Accepted
                | Event::Released
                | Event::Rescued
                | Event::Quarantined
                | Event::Cancelled => known.fates.push(*event),
                Event::Refused => known.refused = true,
                _ => {}
            }
        }
    }
}

/// Whether only the process that was given a claim may do this with it.
fn is_of_owner(event: Event) -> bool {
    !matches!(event, Event::Rescued | Event::Quarantined | Event::Cancelled)
}

fn check_claim(claim: Claim, known: &Known, story: &Story, wrongs: &mut Vec<String>) {
    let (job, fence) = claim;
    if known.started > 1 {
        wrongs.push(format!("{claim:?} was started {} times", known.started));
    }
    if known.fates.len() > 1 {
        wrongs.push(format!("{claim:?} ended more than once: {:?}", known.fates));
    }
    let is_accepted = known.fates.contains(&Event::Accepted);
    if is_accepted && known.intent.is_none() {
        wrongs.push(format!("{claim:?} was accepted and never written"));
    }
    let Some(end) = story.ends.get(&job) else { return };
    if fence > end.fence {
        wrongs.push(format!("{claim:?} came after the job's end under fence {}", end.fence));
    }
    if is_accepted && known.intent == Some(Event::Ending) && end.fence != fence {
        wrongs
            .push(format!("{claim:?} was accepted as the end, the table has fence {}", end.fence));
    }
    if known.refused && (is_accepted || end.fence == fence && end.is_of_run) {
        wrongs.push(format!("{claim:?} was refused and accepted"));
    }
}

/// Every job that was acknowledged has an end, of which there is one and which somebody wrote.
fn check_jobs(all: &BTreeMap<Claim, Known>, story: &Story, wrongs: &mut Vec<String>) {
    let mut lost: Vec<i64> =
        story.jobs.keys().filter(|job| !story.ends.contains_key(job)).copied().collect();
    lost.sort_unstable();
    wrongs.extend(lost.iter().map(|job| format!("job {job} was inserted and has no end")));
    let mut accepted: HashMap<i64, Vec<i64>> = HashMap::new();
    for (&(job, fence), known) in all {
        if known.fates.contains(&Event::Accepted) && known.intent == Some(Event::Ending) {
            accepted.entry(job).or_default().push(fence);
        }
    }
    for (job, fences) in accepted {
        if fences.len() > 1 {
            wrongs.push(format!(
                "job {job} has {} accepted ends, under fences {fences:?}",
                fences.len()
            ));
        }
    }
    for (&job, end) in story.ends.iter().filter(|(_, end)| end.is_of_run) {
        if all.get(&(job, end.fence)).is_none_or(|known| known.intent.is_none()) {
            wrongs
                .push(format!("job {job} ended under fence {}, which no process wrote", end.fence));
        }
    }
}

/// At no moment were more of a user's jobs claimed than the cap allows. Counted are the times in which a
/// claim stood for certain: from the reply to its claim until the write that ended it was sent, or until
/// a renewal last found it.
fn check_cap(cap: usize, story: &Story, wrongs: &mut Vec<String>) {
    let mut changes: HashMap<&str, Vec<(u64, i32)>> = HashMap::new();
    for journal in story.journals.iter().filter(|journal| journal.has_true_clock) {
        for ((job, _), (from, until)) in spans(journal) {
            let Some(user) = story.jobs.get(&job) else { continue };
            changes.entry(user).or_default().extend([(from, 1), (until, -1)]);
        }
    }
    for (user, mut changes) in changes {
        // What ends at a moment makes room for what begins at it.
        changes.sort_unstable();
        let mut running = 0;
        let most = changes.iter().map(|(_, change)| {
            running += change;
            running
        });
        let most = usize::try_from(most.max().unwrap_or_default()).unwrap();
        if most > cap {
            wrongs.push(format!("{user} had {most} jobs claimed at once, allowed {cap}"));
        }
    }
}

/// From when until when each claim of a process stood for certain, where that is a time at all.
fn spans(journal: &Journal) -> Vec<(Claim, (u64, u64))> {
    let mut all: BTreeMap<Claim, Known> = BTreeMap::new();
    for Entry { at_us, event, claims, .. } in &journal.entries {
        for claim in claims {
            let known = all.entry(*claim).or_default();
            match event {
                Event::Claimed => known.claimed_at = Some(*at_us),
                Event::Renewed => known.stood_at = Some(*at_us),
                Event::Ending | Event::Failing | Event::Releasing => {
                    known.first_intent_at.get_or_insert(*at_us);
                }
                Event::Accepted | Event::Released => known.fates.push(*event),
                _ => {}
            }
        }
    }
    let span = |known: &Known| {
        let written = known.first_intent_at;
        let until = if known.fates.is_empty() {
            known.stood_at?.min(written.unwrap_or(u64::MAX))
        } else {
            written?
        };
        known.claimed_at.filter(|from| *from < until).map(|from| (from, until))
    };
    all.iter().filter_map(|(claim, known)| Some((*claim, span(known)?))).collect()
}
