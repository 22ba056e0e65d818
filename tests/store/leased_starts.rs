//! Starts leased from the budgets that all processes share.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::rig::Rig;

/// Milliseconds from now until the next start of the pipe may be leased.
async fn due_in_ms(rig: &Rig) -> f64 {
    rig.one(
        "select (extract(epoch from due - clock_timestamp()) * 1000)::float8 from sluicegate.budgets
          where name = 'jobs'",
    )
    .await
}

#[tokio::test]
async fn leases_are_slices_of_time_one_after_the_other_up_to_a_second_ahead() {
    let rig = Rig::new().await;
    let lease = async || rig.store.lease_starts("jobs", 100.0, 40).await.unwrap();
    let (starts, begins) = lease().await;
    assert_eq!((starts, begins), (40, 0.0));
    let mut before = begins;
    let mut taken = 1;
    let (none, again_in) = loop {
        let (starts, begins) = lease().await;
        if starts == 0 {
            break (starts, begins);
        }
        assert!(begins > before && begins <= f64::from(taken) * 400.0, "{begins}");
        (before, taken) = (begins, taken + 1);
        assert!(taken < 100, "others lease without an end");
    };
    // Three slices of 400 ms are more than a second; a slow machine takes one more for every 400 ms.
    assert!(taken >= 3, "{taken}");
    assert!(none == 0 && again_in > 0.0 && again_in <= 400.0, "{again_in}");
    // Pipes do not know each other.
    assert_eq!(rig.store.lease_starts("outcomes", 100.0, 1).await.unwrap(), (1, 0.0));
}

#[tokio::test]
async fn an_idle_spell_saves_up_no_more_than_a_hundredth_of_a_second() {
    let rig = Rig::new().await;
    rig.store.lease_starts("jobs", 10.0, 1).await.unwrap();
    rig.run("update sluicegate.budgets set due = now() - interval '1 hour'").await;
    rig.store.lease_starts("jobs", 0.01, 1).await.unwrap();
    let due = due_in_ms(&rig).await;
    // A hundred seconds for one start, less the time that this test took and what may be made good.
    assert!((60_000.0..=100_000.0).contains(&due), "{due}");
    let reserved: bool =
        rig.one("select due >= clock_timestamp() + interval '60 s' from sluicegate.budgets").await;
    assert!(reserved);
}

#[tokio::test]
async fn whoever_leases_at_once_never_gets_one_start_twice() {
    let rig = Rig::new().await;
    rig.store.lease_starts("jobs", 1_000.0, 1).await.unwrap();
    let begin: f64 =
        rig.one("select extract(epoch from due)::float8 from sluicegate.budgets").await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = rig.store.clone();
        tasks.spawn(async move {
            let mut starts = 0;
            while starts < 500 {
                let (got, wait_ms) = store.lease_starts("jobs", 1_000.0, 25).await.unwrap();
                starts += got;
                if got == 0 {
                    tokio::time::sleep(Duration::from_secs_f64(wait_ms / 1e3)).await;
                }
            }
            starts
        });
    }
    let starts: u32 = tasks.join_all().await.into_iter().sum();
    let end: f64 = rig.one("select extract(epoch from due)::float8 from sluicegate.budgets").await;
    // Each start took its millisecond; time that nobody leased in comes on top.
    assert!(end - begin >= f64::from(starts) / 1e3 - 0.011, "{starts} starts in {}", end - begin);
}

#[tokio::test]
async fn at_a_new_rate_what_was_leased_ahead_is_as_many_starts_as_before() {
    let rig = Rig::new().await;
    rig.store.lease_starts("jobs", 0.01, 1).await.unwrap();
    assert!(due_in_ms(&rig).await > 60_000.0);
    let (starts, begins) = rig.store.lease_starts("jobs", 1_000.0, 10).await.unwrap();
    assert!(starts == 10 && begins <= 1.0, "{starts} starts in {begins} ms");
    let due = due_in_ms(&rig).await;
    assert!(due <= 11.0, "{due}");
}
