//! A TCP proxy in front of a Postgres that delays what passes, cuts it off, falls silent, resets a
//! connection at a commit, and counts who comes.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::wire::Follower;

/// A running proxy; dropping it closes all connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: String,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

/// On which side of a commit a connection is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    /// The server never hears of the commit.
    Before,
    /// The server has committed; the client never hears of it.
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Through,
    Cut,
    /// Connections stay open and nothing passes.
    Silent,
}

#[derive(Debug)]
struct Way {
    server: String,
    delay_ms: AtomicU64,
    flow: watch::Sender<Flow>,
    connections: AtomicUsize,
    /// What a commit must contain to be reset, and how.
    ambush: Mutex<Option<(String, Reset)>>,
    resets: AtomicUsize,
}

/// A connection that is to be reset.
struct Resets;

impl Proxy {
    /// A proxy in front of the server of this URL.
    pub(crate) async fn before(url: &str) -> Self {
        let server = url.split('@').nth(1).and_then(|rest| rest.split('/').next());
        Self::start(server.unwrap()).await
    }

    /// A proxy in front of the server at `host:port`.
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way = Arc::new(Way {
            server: server.to_owned(),
            delay_ms: AtomicU64::new(0),
            flow: watch::Sender::new(Flow::Through),
            connections: AtomicUsize::new(0),
            ambush: Mutex::default(),
            resets: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&way)));
        Self { address, way, task }
    }

    /// A URL with the server's address replaced by the proxy's.
    pub(crate) fn url(&self, url: &str) -> String {
        url.replace(&self.way.server, &self.address)
    }

    /// From now on each piece of an answer comes this much later.
    pub(crate) fn delay(&self, delay: Duration) {
        self.way.delay_ms.store(delay.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }

    /// Closes all connections, and each new one as it comes.
    pub(crate) fn cut(&self) {
        self.way.flow.send_replace(Flow::Cut);
    }

    /// Lets nothing pass any more and tells neither side. The connections of now stay silent for ever, new
    /// ones until [`mend`](Self::mend).
    pub(crate) fn fall_silent(&self) {
        self.way.flow.send_replace(Flow::Silent);
    }

    /// Lets new connections through again, without delay and ambush.
    pub(crate) fn mend(&self) {
        self.delay(Duration::ZERO);
        *self.way.ambush.lock().unwrap() = None;
        self.way.flow.send_replace(Flow::Through);
    }

    /// Resets the next connection that commits a statement with this text in it.
    pub(crate) fn reset_at_commit_of(&self, text: &str, reset: Reset) {
        *self.way.ambush.lock().unwrap() = Some((text.to_owned(), reset));
    }

    /// How many connections were opened, those that were closed at once too.
    pub(crate) fn connections(&self) -> usize {
        self.way.connections.load(Ordering::Relaxed)
    }

    /// How many connections were reset at a commit.
    pub(crate) fn resets(&self) -> usize {
        self.way.resets.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    /// Whether a commit of these statements meets the ambush, which is then over.
    fn springs(&self, statements: &str) -> Option<Reset> {
        let mut ambush = self.ambush.lock().unwrap();
        let (_, reset) = ambush.take_if(|(text, _)| statements.contains(text.as_str()))?;
        self.resets.fetch_add(1, Ordering::Relaxed);
        Some(reset)
    }
}

async fn accept(listener: TcpListener, way: Arc<Way>) {
    let mut open = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        way.connections.fetch_add(1, Ordering::Relaxed);
        open.spawn(serve(client, Arc::clone(&way)));
        while open.try_join_next().is_some() {}
    }
}

async fn serve(mut client: TcpStream, way: Arc<Way>) {
    let mut flow = way.flow.subscribe();
    if *flow.borrow_and_update() == Flow::Cut {
        return;
    }
    // A server that is not there closes the connection, as it would without us.
    let Ok(mut server) = TcpStream::connect(&way.server).await else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let is_silent = tokio::select! {
        biased;
        disturbed = flow.wait_for(|flow| *flow != Flow::Through) => {
            disturbed.is_ok_and(|flow| *flow == Flow::Silent)
        }
        passed = pass(&mut client, &mut server, &way) => {
            if matches!(passed, Ok(Some(Resets))) {
                client.set_zero_linger().ok();
            }
            false
        }
    };
    if is_silent {
        let mut swallowed = [0; 4_096];
        while client.read(&mut swallowed).await.is_ok_and(|read| read > 0) {}
    }
}

/// Passes both ways until one side ends, or until the connection is to be reset.
async fn pass(
    client: &mut TcpStream,
    server: &mut TcpStream,
    way: &Way,
) -> std::io::Result<Option<Resets>> {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let is_lost = AtomicBool::new(false);
    let asking = async {
        let (mut piece, mut follower) = (vec![0; 65_536], Follower::default());
        loop {
            let read = from_client.read(&mut piece).await?;
            if read == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            for message in follower.take(&piece[..read]) {
                match message.commits.and_then(|statements| way.springs(&statements)) {
                    Some(Reset::Before) => return Ok(Some(Resets)),
                    Some(Reset::After) => is_lost.store(true, Ordering::Relaxed),
                    None => {}
                }
                to_server.write_all(&message.bytes).await?;
            }
        }
    };
    let answering = async {
        let mut piece = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut piece).await?;
            if read == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            if is_lost.load(Ordering::Relaxed) {
                return Ok(Some(Resets));
            }
            sleep(Duration::from_millis(way.delay_ms.load(Ordering::Relaxed))).await;
            to_client.write_all(&piece[..read]).await?;
        }
    };
    tokio::select! {
        asked = asking => asked,
        answered = answering => answered,
    }
}
