//! `sluicegate top` on a terminal: keys go in, what stands on the screen comes out, and the terminal is as
//! it was afterwards.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use parking_lot::Mutex;

use crate::scene::{PATIENCE, Scene};
use crate::support::{Proxy, eventually};

/// The program on a terminal of 24 rows and 80 columns; dropping it kills it.
struct Top {
    process: Child,
    keyboard: File,
    /// Kept open, so that the terminal outlives the program and can be looked at.
    terminal: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Top {
    fn start(url: &str) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let (keyboard, terminal) = (File::from(pty.master), File::from(pty.slave));
        let side = || Stdio::from(terminal.try_clone().unwrap());
        // A session of its own, whose terminal this is.
        let process = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_sluicegate"), "top", "--interval-ms", "200"])
            .env("DATABASE_URL", url)
            .env("SLUICEGATE__DATABASE__ACQUIRE_TIMEOUT_MS", "500")
            .env("TERM", "xterm-256color")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let cells = |count| NonZero::new(count).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(24), cells(80), 0)));
        let (mut output, seen) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read) = output.read(&mut bytes) {
                seen.lock().process(&bytes[..read]);
            }
        });
        Self { process, keyboard, terminal, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().screen().contents()
    }

    async fn until(&self, said: &str) {
        let shown = async || self.text().contains(said);
        if tokio::time::timeout(PATIENCE, eventually(PATIENCE * 2, said, shown)).await.is_err() {
            panic!("never on the screen: {said}\n{}", self.text());
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn has_its_ways(&self) -> bool {
        let flags = tcgetattr(&self.terminal).unwrap().local_flags;
        flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG)
    }

    /// Waits for the end, after which the terminal is as it was.
    async fn ends(&mut self, code: i32) {
        let status =
            eventually(PATIENCE, "top ends", async || self.process.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(code), "{}", self.text());
        assert!(self.has_its_ways(), "keys are shown and make lines again");
        eventually(Duration::from_secs(5), "the screen is as it was", async || {
            let screen = self.screen.lock();
            !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
        })
        .await;
    }
}

impl Drop for Top {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[tokio::test]
async fn a_bundle_is_opened_and_cancelled_by_keys() {
    let scene = Scene::new(&[]).await;
    let mut top = Top::start(&scene.db.url());
    top.until("takes long").await;
    assert!(!top.has_its_ways(), "keys come one by one");
    assert!(top.screen.lock().screen().alternate_screen());
    top.press("\r");
    top.until(&format!("BUNDLE {}", scene.open)).await;
    top.press("c");
    top.until(&format!("cancel bundle {}?", scene.open)).await;
    top.press("y");
    scene
        .until(&format!(
            "select status = 'cancelled' from sluicegate.bundles where id = '{}'",
            scene.open
        ))
        .await;
    let by = format!(
        "select user_id = 'bob' from sluicegate.commands where bundle_id = '{}'",
        scene.open
    );
    scene.until(&by).await;
    top.until("cancel: ").await;
    top.until("cancelled").await;
    top.press("q");
    top.ends(0).await;
}

#[tokio::test]
async fn a_lost_database_is_said_and_come_back_to_and_a_signal_leaves_the_terminal_as_it_was() {
    let scene = Scene::new(&[]).await;
    let url = scene.db.url();
    let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    let proxy = Proxy::start(server).await;
    let mut top = Top::start(&proxy.url(&url));
    top.until("takes long").await;
    proxy.cut();
    top.until("DATABASE LOST").await;
    top.until("takes long").await;
    proxy.mend();
    eventually(PATIENCE, "it is back", async || !top.text().contains("DATABASE LOST")).await;
    top.until("Postgres ").await;
    kill(Pid::from_raw(top.process.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    top.ends(0).await;

    let mut top = Top::start(&url);
    top.until("takes long").await;
    // Ctrl-C, as it comes from a keyboard.
    top.press("\u{3}");
    top.ends(0).await;
}

#[tokio::test]
async fn one_frame_is_plain_text_and_without_a_terminal_there_is_no_live_view() {
    let scene = Scene::new(&[]).await;
    scene.overview(|_| true).await;
    let (code, frame, complaint) = scene.sluicegate(&["top", "--once"]);
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(frame.is_ascii() && !frame.contains('\u{1b}'), "{frame}");
    assert!(frame.lines().count() <= 24 && frame.lines().all(|line| line.len() <= 80), "{frame}");
    for word in ["pending_job", "takes long", "alice", "carol", "Guard"] {
        assert!(frame.contains(word), "{word}\n{frame}");
    }
    let (_, wide, _) =
        scene.sluicegate(&["top", "--once", "--columns", "120", "--rows", "40", "--user", "alice"]);
    assert!(wide.contains("retention") && !wide.contains("bob"), "{wide}");
    let (code, _, complaint) = scene.sluicegate(&["top"]);
    assert_eq!(code, Some(1));
    assert_eq!(complaint, "top: found no terminal; --once prints one frame as plain text\n");
}
