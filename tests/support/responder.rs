//! A local HTTP server that replays recorded answers, and cuts, delays and frames them as told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and path with the query.
    pub(crate) target: String,
    /// Headers, names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Seen {
    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let path = self.target.split(' ').nth(1).unwrap();
        let url = reqwest::Url::parse("http://host").unwrap().join(path).unwrap();
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The Flux in the body.
    pub(crate) fn flux(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["query"].as_str().unwrap().to_owned()
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Chunked transfer coding.
    Chunked,
    /// By closing the connection, as an old proxy does: a cut body looks whole.
    Close,
}

/// An answer and what happens to it on its way.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    head: String,
    body: Vec<u8>,
    framing: Framing,
    cut_at: Option<usize>,
    delay: Duration,
    stalls: bool,
}

impl Reply {
    /// The answer recorded as `name`.
    pub(crate) fn recorded(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/influx2");
        let bytes = fs::read(path.join(format!("{name}.http"))).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self::of(head, bytes[end + 4..].to_vec())
    }

    /// An answer of the tests' own.
    pub(crate) fn new(status: &str, headers: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::of(format!("HTTP/1.1 {status}\r\n{headers}"), body.into())
    }

    fn of(head: String, body: Vec<u8>) -> Self {
        let framing = Framing::Chunked;
        Self { head, body, framing, cut_at: None, delay: Duration::ZERO, stalls: false }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// The connection is closed after so many bytes of the body.
    pub(crate) fn cut_at(self, at: usize) -> Self {
        Self { cut_at: Some(at), ..self }
    }

    /// Nothing is sent before this time has passed.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The connection stays open after half of the body, and nothing more comes.
    pub(crate) fn stalls(self) -> Self {
        Self { stalls: true, ..self }
    }

    async fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        tokio::time::sleep(self.delay).await;
        let lines = self.head.lines().filter(|line| {
            let line = line.to_lowercase();
            !line.starts_with("transfer-encoding") && !line.starts_with("content-length")
        });
        let mut head: String =
            lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
        head.push_str("Connection: close\r\n");
        if self.framing == Framing::Chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await?;
        let end = if self.stalls { self.body.len() / 2 } else { self.body.len() };
        let end = self.cut_at.map_or(end, |cut| cut.min(end));
        // Pieces of many lengths, so that no border of a line is one of a piece.
        for piece in self.body[..end].chunks(997) {
            if self.framing == Framing::Chunked {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
                stream.write_all(piece).await?;
                stream.write_all(b"\r\n").await?;
            } else {
                stream.write_all(piece).await?;
            }
        }
        if self.stalls {
            std::future::pending::<()>().await;
        }
        if self.framing == Framing::Chunked && self.cut_at.is_none() {
            stream.write_all(b"0\r\n\r\n").await?;
        }
        stream.shutdown().await
    }
}

/// A server that answers as `answer` says, given the request and how many came before it.
#[derive(Debug)]
pub(crate) struct Responder {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Responder {
    pub(crate) async fn start(
        answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, log) = (Arc::new(answer), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&log)));
            }
        });
        Self { url, seen, task }
    }

    /// One that gives each request the same answer.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Seen, usize) -> Reply>,
    log: Arc<Mutex<Vec<Seen>>>,
) {
    let Some(seen) = receive(&mut stream).await else { return };
    let reply = {
        let mut log = log.lock().unwrap();
        let reply = answer(&seen, log.len());
        log.push(seen);
        reply
    };
    // A client that had enough closes the connection.
    reply.send(&mut stream).await.ok();
}

async fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let target = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen { target, headers, body: String::from_utf8(body).unwrap() })
}
