//! A TCP proxy in front of a server that delays what passes, cuts it off, and counts who comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

/// A running proxy; dropping it closes all connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: String,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Way {
    server: String,
    delay_ms: AtomicU64,
    is_cut: watch::Sender<bool>,
    connections: AtomicUsize,
}

impl Proxy {
    /// A proxy in front of the server at `host:port`.
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way = Arc::new(Way {
            server: server.to_owned(),
            delay_ms: AtomicU64::new(0),
            is_cut: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
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
        self.way.is_cut.send_replace(true);
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.way.is_cut.send_replace(false);
    }

    /// How many connections were opened, those that were closed at once too.
    pub(crate) fn connections(&self) -> usize {
        self.way.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
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

async fn serve(client: TcpStream, way: Arc<Way>) {
    let mut is_cut = way.is_cut.subscribe();
    tokio::select! {
        biased;
        _ = is_cut.wait_for(|cut| *cut) => {}
        // A connection that breaks ends, as it would without us.
        _ = pass(client, &way) => {}
    }
}

async fn pass(mut client: TcpStream, way: &Way) -> std::io::Result<()> {
    let mut server = TcpStream::connect(&way.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let asking = tokio::io::copy(&mut from_client, &mut to_server);
    let answering = async {
        let mut piece = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut piece).await?;
            if read == 0 {
                return Ok::<_, std::io::Error>(());
            }
            sleep(Duration::from_millis(way.delay_ms.load(Ordering::Relaxed))).await;
            to_client.write_all(&piece[..read]).await?;
        }
    };
    tokio::select! {
        asked = asking => asked.map(drop),
        answered = answering => answered,
    }
}
