//! The frames of `top`, drawn from what real daemons tell.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use sluicegate::top::{Action, App, draw};

use crate::scene::Scene;

/// What stands on a screen of this size.
fn drawn(app: &App, columns: u16, rows: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(app, frame)).unwrap();
    let cells = terminal.backend().buffer();
    let line = |y| (0..columns).map(|x| cells[(x, y)].symbol()).collect::<String>();
    (0..rows).map(|y| line(y).trim_end().to_owned()).collect()
}

fn press(app: &mut App, key: KeyCode) -> Action {
    app.key(KeyEvent::from(key))
}

fn shows(screen: &[String], words: &[&str]) {
    let text = screen.join("\n");
    for word in words {
        assert!(text.contains(word), "{word}\n{text}");
    }
    assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn a_small_and_a_large_screen_show_every_section_of_real_daemons() {
    let scene = Scene::new(&[]).await;
    let overview = scene.overview(|overview| overview.failures.len() == 1).await;
    let mut app = App::new(true);
    shows(&drawn(&app, 80, 24), &["reading ..."]);
    app.take(overview, None);
    let sections = [
        "2 workers, ",
        "/4 slots, 1 open bundle",
        "Postgres ",
        "small write",
        "Candles ",
        "Guard ",
        "Queue ",
        "PIPE",
        "pending_job",
        "outcome",
        "SET/S",
        "HELD",
        "WORKER",
        "works",
        "BUNDLE",
        "bob",
        "alice",
        "dave",
        "takes l",
        "running",
        "[#",
        "FAILED",
        "carol",
        "q quit",
        "? help",
    ];
    let small = drawn(&app, 80, 24);
    shows(&small, &sections);
    assert!(small.iter().any(|line| line.starts_with("> ")), "the chosen bundle is marked");
    let large = drawn(&app, 120, 40);
    shows(&large, &sections);
    shows(
        &large,
        &["retention", "dead_job_canceller", "takes long", "<script>alert(1)</script>?[2J"],
    );
    // Whatever its size, nothing breaks.
    for (columns, rows) in [(1, 1), (10, 3), (40, 10), (79, 23), (300, 100)] {
        drawn(&app, columns, rows);
    }

    app.lose("connection refused".to_owned());
    shows(&drawn(&app, 80, 24), &["DATABASE LOST, 1 tries: connection refused", "alice"]);
    press(&mut app, KeyCode::Char('?'));
    shows(&drawn(&app, 80, 24), &["KEYS", "pause it", "Any key goes back."]);
}

#[tokio::test]
async fn keys_sort_filter_open_and_ask_before_they_order() {
    let scene = Scene::new(&[]).await;
    let overview = scene.overview(|_| true).await;
    let mut app = App::default();
    app.take(overview.clone(), None);
    // The only open one stands first; ended ones follow, the newest first.
    press(&mut app, KeyCode::Down);
    assert_eq!(press(&mut app, KeyCode::End), Action::Draw);
    assert_eq!(press(&mut app, KeyCode::Enter), Action::Read);
    assert_eq!(app.open(), Some(scene.ended));
    app.take(overview.clone(), scene.reader().bundle(scene.ended).await.unwrap());
    shows(&drawn(&app, 80, 24), &["BUNDLE", "3 in all, 3 completed", "BEST VARIANTS", "sma_cross"]);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.open(), None);
    press(&mut app, KeyCode::Enter);
    app.is_gone(scene.ended);
    assert_eq!(app.open(), None);
    shows(&drawn(&app, 80, 24), &["there is no bundle", "any more"]);

    press(&mut app, KeyCode::Home);
    assert_eq!(press(&mut app, KeyCode::Char('p')), Action::Draw);
    shows(&drawn(&app, 80, 24), &[&format!("pause bundle {}? y: yes", scene.open)]);
    assert_eq!(press(&mut app, KeyCode::Char('n')), Action::Draw);
    shows(&drawn(&app, 80, 24), &["pause: not done"]);
    press(&mut app, KeyCode::Char('r'));
    let Action::Order(order) = press(&mut app, KeyCode::Char('y')) else { panic!("no order") };
    assert_eq!((order.action, order.bundle), ("resume", scene.open));

    press(&mut app, KeyCode::Char('s'));
    shows(&drawn(&app, 80, 24), &["s newest"]);
    press(&mut app, KeyCode::Char('u'));
    for sign in "alice".chars() {
        press(&mut app, KeyCode::Char(sign));
    }
    shows(&drawn(&app, 80, 24), &["alice_"]);
    assert_eq!(press(&mut app, KeyCode::Enter), Action::Read);
    app.take(scene.reader().overview(app.user()).await.unwrap(), None);
    let screen = drawn(&app, 80, 24);
    shows(&screen, &["u alice", "alice", "no failures"]);
    assert!(!screen.join("\n").contains("bob"), "{screen:?}");
    assert_eq!(press(&mut app, KeyCode::Char('q')), Action::Quit);
}
