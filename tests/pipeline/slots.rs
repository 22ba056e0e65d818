//! CPU slots.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use futures_util::FutureExt;
use sluicegate::pipeline::Slots;

fn slots(count: usize) -> Slots {
    Slots::new(NonZeroUsize::new(count).unwrap()).unwrap()
}

#[tokio::test]
async fn as_much_runs_at_once_as_there_are_slots_on_threads_with_names() {
    let slots = slots(3);
    // Passed only when all three run at the same time.
    let barrier = Arc::new(Barrier::new(3));
    let work = || {
        let barrier = Arc::clone(&barrier);
        slots.run(move || {
            barrier.wait();
            thread::current().name().unwrap().to_owned()
        })
    };
    let (a, b, c) = tokio::join!(work(), work(), work());
    let mut names = [a.unwrap(), b.unwrap(), c.unwrap()];
    names.sort();
    assert_eq!(names, ["slot-0", "slot-1", "slot-2"]);
    assert_eq!(slots.free(), 3);
}

#[tokio::test]
async fn a_panic_comes_back_with_its_message_and_the_slot_lives_on() {
    let slots = slots(1);
    let number = 7;
    let panicked = slots.run(move || panic!("not {number}")).await;
    let panicked: Result<(), _> = panicked;
    assert_eq!(panicked.unwrap_err().message, "not 7");
    assert_eq!(slots.run(|| 8).await.unwrap(), 8);
}

#[tokio::test]
async fn dropped_work_goes_on_once_begun_and_never_begins_otherwise() {
    let slots = slots(1);
    let (began, begin) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    let (done, end) = mpsc::channel();
    let mut running = Box::pin(slots.run(move || {
        began.send(()).unwrap();
        wait.recv().unwrap();
        done.send(()).unwrap();
    }));
    assert!((&mut running).now_or_never().is_none());
    begin.recv().unwrap();
    drop(running);
    assert_eq!(slots.free(), 0);

    let ran = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ran);
    let mut waiting = Box::pin(slots.run(move || flag.store(true, Ordering::SeqCst)));
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);

    go.send(()).unwrap();
    end.recv().unwrap();
    // The slot is given to the next in line: had the dropped work kept its turn, it would be done.
    slots.run(|| ()).await.unwrap();
    assert!(!ran.load(Ordering::SeqCst));
}
