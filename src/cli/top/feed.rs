//! What the screen shows, read again and again beside it; and commands on their way.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::overview::{Bundle, Overview, Reader};
use crate::store::{Store, StoreError};
use crate::top::{App, Order};

/// News that nobody has looked at.
const NEWS_MAX: usize = 16;
/// A command is watched for this long.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_EVERY: Duration = Duration::from_millis(300);

/// Something for the screen.
pub(super) enum News {
    /// All of it, and the bundle that is open.
    Read(Box<(Overview, Option<Bundle>)>),
    /// The bundle that is open does not exist.
    Gone(Uuid),
    /// The database said this, or nothing.
    Lost(String),
    /// What became of a command.
    Said(String),
}

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ask {
    user: Option<String>,
    bundle: Option<Uuid>,
}

/// A handle on what reads.
pub(super) struct Feed {
    store: Store,
    asks: watch::Sender<Ask>,
    news: mpsc::Receiver<News>,
    sender: mpsc::Sender<News>,
}

fn ask_of(app: &App) -> Ask {
    Ask { user: app.user().map(str::to_owned), bundle: app.open() }
}

impl Feed {
    /// Reads from now on, `every` so often and whenever something else is asked for.
    pub(super) fn start(reader: Reader, app: &App, every: Duration) -> Self {
        let (asks, asked) = watch::channel(ask_of(app));
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let store = reader.store().clone();
        tokio::spawn(read_on(reader, asked, sender.clone(), every));
        Self { store, asks, news, sender }
    }

    /// Reads what the screen is about now.
    pub(super) fn ask(&self, app: &App) {
        self.asks.send_replace(ask_of(app));
    }

    /// Inserts a command, and says what becomes of it.
    pub(super) fn order(&self, order: Order) {
        let (store, sender) = (self.store.clone(), self.sender.clone());
        tokio::spawn(async move {
            let said = match send(&store, order).await {
                Ok(said) => said,
                Err(error) => format!("{}: {error}", order.action),
            };
            // Where nobody listens any more, nobody misses it.
            sender.send(News::Said(said)).await.ok();
        });
    }

    /// What has come.
    pub(super) async fn next(&mut self) -> News {
        match self.news.recv().await {
            Some(news) => news,
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }
}

async fn read_on(
    reader: Reader,
    mut asked: watch::Receiver<Ask>,
    news: mpsc::Sender<News>,
    every: Duration,
) {
    loop {
        let ask = asked.borrow_and_update().clone();
        let one = match (read(&reader, &ask).await, ask.bundle) {
            (Ok((_, None)), Some(bundle)) => News::Gone(bundle),
            (Ok(read), _) => News::Read(Box::new(read)),
            (Err(error), _) => News::Lost(in_one_line(&error)),
        };
        if news.send(one).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep(every) => {}
            changed = asked.changed() => if changed.is_err() { return },
        }
    }
}

async fn read(reader: &Reader, ask: &Ask) -> Result<(Overview, Option<Bundle>), StoreError> {
    let bundle = match ask.bundle {
        Some(id) => reader.bundle(id).await?,
        None => None,
    };
    Ok((reader.overview(ask.user.as_deref()).await?, bundle))
}

/// Inserts a command and waits for its outcome.
async fn send(store: &Store, order: Order) -> Result<String, StoreError> {
    let Order { action, bundle } = order;
    let Some(command) = store.insert_command(bundle, action).await? else {
        return Ok(format!("{action}: there is no bundle {bundle}"));
    };
    let until = Instant::now() + ANSWER_PATIENCE;
    while Instant::now() < until {
        if let Some(outcome) = store.read_answer(command).await? {
            return Ok(format!("{action}: {outcome}"));
        }
        sleep(ANSWER_EVERY).await;
    }
    Ok(format!("{action}: command {command} is inserted; nobody has applied it yet"))
}

/// What failed and the last cause.
fn in_one_line(error: &StoreError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let (top, root) = (error.to_string(), cause.to_string());
    if top.contains(&root) { top } else { format!("{top}: {root}") }
}
