//! The checker sees what is planted, and says nothing of a story in which nothing is wrong.

use std::collections::HashMap;

use sluicegate::worker::{Entry, Event};

use crate::rules::wrongs;
use crate::story::{End, Journal, Story};

/// One line of a journal: microseconds, what, with which claims.
type Line<'a> = (u64, Event, &'a [(i64, i64)]);

fn journal(worker: i32, lines: &[Line<'_>]) -> Journal {
    let registered = (0, Event::Registered, &[][..]);
    let entry = |&(at_us, event, claims): &Line<'_>| Entry {
        at_us,
        process: worker.unsigned_abs(),
        worker,
        event,
        claims: claims.to_vec(),
    };
    let entries = std::iter::once(&registered).chain(lines).map(entry).collect();
    Journal { entries, has_true_clock: true }
}

fn completed(fence: i64) -> End {
    End { fence, status: 1, is_of_run: true }
}

/// Jobs 1 to 3 of alice. Worker 1 is frozen with job 1, which worker 2 rescues and ends; job 2 fails and
/// is tried again; job 3 is cancelled while it runs.
fn good() -> Story {
    let frozen = journal(
        1,
        &[
            (10, Event::Claimed, &[(1, 1), (2, 1), (3, 1)]),
            (11, Event::Started, &[(1, 1), (2, 1), (3, 1)]),
            (20, Event::Failing, &[(2, 1)]),
            (21, Event::Accepted, &[(2, 1)]),
            (25, Event::Renewed, &[(1, 1), (3, 1)]),
            (90, Event::Ending, &[(1, 1), (3, 1)]),
            (91, Event::Refused, &[(1, 1), (3, 1)]),
            (92, Event::Lost, &[(1, 1)]),
        ],
    );
    let rescuer = journal(
        2,
        &[
            (50, Event::Rescued, &[(1, 1)]),
            (51, Event::Claimed, &[(1, 3), (2, 3)]),
            (52, Event::Started, &[(1, 3), (2, 3)]),
            (60, Event::Ending, &[(1, 3)]),
            // The reply got lost, and it was written again.
            (64, Event::Ending, &[(1, 3)]),
            (65, Event::Accepted, &[(1, 3)]),
            (66, Event::Releasing, &[(2, 3)]),
            (67, Event::Released, &[(2, 3)]),
            (70, Event::Claimed, &[(2, 5)]),
            (75, Event::Ending, &[(2, 5)]),
            (76, Event::Accepted, &[(2, 5)]),
        ],
    );
    Story {
        journals: vec![frozen, rescuer],
        ends: HashMap::from([
            (1, completed(3)),
            (2, completed(5)),
            (3, End { fence: 2, status: 3, is_of_run: false }),
        ]),
        jobs: (1..=3).map(|job| (job, "alice".to_owned())).collect(),
        user_cap: Some(3),
    }
}

/// The good story with something wrong in it.
fn planted(plant: impl FnOnce(&mut Story)) -> Vec<String> {
    let mut story = good();
    plant(&mut story);
    wrongs(&story)
}

/// Appends a line to the journal of a process.
fn note(story: &mut Story, process: usize, line: Line<'_>) {
    let worker = story.journals[process].entries[0].worker;
    let more = journal(worker, &[line]).entries.pop().unwrap();
    story.journals[process].entries.push(more);
}

#[test]
fn nothing_is_wrong_with_rescues_refusals_retries_and_cancels() {
    assert_eq!(wrongs(&good()), [""; 0]);
    let figures = good().figures();
    assert_eq!((figures.claimed, figures.accepted, figures.refused), (6, 3, 2));
    assert_eq!((figures.rescued, figures.released, figures.lost), (1, 1, 1));
}

#[test]
fn a_lost_job_is_named() {
    let said = planted(|story| story.jobs.extend([(4, "alice".to_owned())]));
    assert_eq!(said, ["job 4 was inserted and has no end"]);
}

#[test]
fn a_late_write_that_was_accepted_is_named() {
    let said = planted(|story| {
        story.user_cap = None;
        story.journals[0].entries[7].event = Event::Accepted;
    });
    assert_eq!(
        said,
        [
            "(1, 1) ended more than once: [Accepted, Rescued]",
            "(1, 1) was accepted as the end, the table has fence 3",
            "(3, 1) was accepted as the end, the table has fence 2",
            "job 1 has 2 accepted ends, under fences [1, 3]",
        ]
    );
}

#[test]
fn an_end_in_the_table_that_is_not_the_newest_claims_is_named() {
    let said = planted(|story| story.ends.extend([(1, completed(1))]));
    assert_eq!(
        said,
        [
            "(1, 1) was refused and accepted",
            "(1, 3) came after the job's end under fence 1",
            "(1, 3) was accepted as the end, the table has fence 1",
        ]
    );
}

#[test]
fn a_claim_given_to_two_or_started_twice_is_named() {
    let said = planted(|story| {
        note(story, 1, (95, Event::Claimed, &[(3, 1)]));
        note(story, 1, (96, Event::Started, &[(3, 1)]));
    });
    assert_eq!(said, ["(3, 1) was claimed twice", "(3, 1) was started 2 times"]);
}

#[test]
fn a_run_without_a_claim_and_an_end_without_a_run_are_named() {
    let said = planted(|story| note(story, 1, (95, Event::Started, &[(3, 2)])));
    assert_eq!(said, ["process 1: Started of (3, 2), which it was never given"]);
    let said = planted(|story| {
        story.jobs.insert(4, "alice".to_owned());
        story.ends.insert(4, completed(1));
    });
    assert_eq!(said, ["job 4 ended under fence 1, which no process wrote"]);
}

#[test]
fn a_job_that_was_given_back_and_ended_by_the_same_claim_is_named() {
    let said = planted(|story| {
        note(story, 1, (95, Event::Released, &[(2, 5)]));
    });
    assert_eq!(said, ["(2, 5) ended more than once: [Accepted, Released]"]);
}

#[test]
fn a_claim_on_a_job_that_was_cancelled_is_named() {
    let said = planted(|story| note(story, 1, (95, Event::Claimed, &[(3, 3)])));
    assert_eq!(said, ["(3, 3) came after the job's end under fence 2"]);
}

#[test]
fn a_cap_that_was_exceeded_for_certain_is_named() {
    // Jobs 1 and 3 stood from 10 to 25, job 2 from 10 to 20.
    let said = planted(|story| story.user_cap = Some(2));
    assert_eq!(said, ["alice had 3 jobs claimed at once, allowed 2"]);
    let said = planted(|story| {
        story.user_cap = Some(2);
        story.journals[0].has_true_clock = false;
    });
    assert_eq!(said, [""; 0], "whose clock is wrong proves nothing");
}

#[test]
fn a_number_given_to_two_processes_is_named() {
    let said = planted(|story| story.journals[1].entries[0].worker = 1);
    assert_eq!(said, ["worker 1 registered twice"]);
}

#[test]
fn a_line_that_was_cut_is_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let line = serde_json::to_string(&journal(1, &[]).entries[0]).unwrap();
    std::fs::write(&path, format!("{line}\n{}", line.split_at(20).0)).unwrap();
    let said = Journal::read(&path, true).unwrap_err();
    assert!(said.starts_with("a line that is none: "), "{said}");
    std::fs::write(&path, format!("{line}\n")).unwrap();
    assert_eq!(Journal::read(&path, true).unwrap().entries.len(), 1);
}
