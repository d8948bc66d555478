//! One writer for many sessions: endings and points of no return of all of them in one transaction,
//! so that one flush of the disk serves them all.
//!
//! A transaction waits a moment for a quarter of those who are under way, so that they share it while
//! the others are talking to the server; one who is alone never waits for anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, error, warn};

use super::Parcel;
use crate::app::App;
use crate::db::{Asking, Ending, Outlook, Passed, Settled};
use crate::rules::delivery::clearance::{Cleared, Door};

/// The most entries of one transaction.
const MOST: usize = 256;

/// How long a transaction waits for more to come. Short beside what a server takes to answer.
const LINGER: Duration = Duration::from_millis(1);

/// How long to wait before a failed transaction is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often endings are tried to be written when the process is about to end.
const LAST_TRIES: u32 = 5;

/// The way to the one writer.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    entries: mpsc::Sender<Entry>,
    under_way: Arc<AtomicUsize>,
    /// Whether the gates have held something back since they were asked about it last.
    held_back: Arc<AtomicBool>,
}

/// A message that is under way, until this is dropped: it will want to pass soon.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
enum Entry {
    Pass(Box<Asking<Parcel>>, oneshot::Sender<Passed<Parcel>>),
    End(Ending),
    Flush(oneshot::Sender<()>),
}

impl Ledger {
    /// Starts the writer; it ends when the last handle is gone and everything is written.
    pub(super) fn start(app: Arc<App>, owner: String) -> Self {
        let (entries, receiver) = mpsc::channel(MOST);
        let under_way = Arc::new(AtomicUsize::new(0));
        tokio::spawn(write(app, owner, receiver, Arc::clone(&under_way)));
        Self {
            entries,
            under_way,
            held_back: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Tells that the gates have held something back.
    pub(super) fn note_held_back(&self) {
        self.held_back.store(true, Ordering::Relaxed);
    }

    /// Whether the gates have held something back since this was asked last, or nobody knows yet.
    pub(super) fn takes_held_back(&self) -> bool {
        self.held_back.swap(false, Ordering::Relaxed)
    }

    /// Tells that a message is under way.
    pub(super) fn under_way(&self) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.under_way))
    }

    /// Passes the point of no return with a message, if the gates let it through; nothing comes back
    /// otherwise, and nothing may leave then. What could not be asked about is due again at
    /// `soon_ms`, in unix milliseconds.
    pub(super) async fn pass(
        &self,
        asking: Asking<Parcel>,
        soon_ms: i64,
    ) -> Option<Cleared<Parcel>> {
        let claim = asking.claim;
        let (reply, passed) = oneshot::channel();
        let entry = Entry::Pass(Box::new(asking), reply);
        self.entries.send(entry).await.ok()?;
        let why = match passed.await {
            Ok(Passed::Cleared(cleared)) => return Some(cleared),
            Ok(Passed::Hindered(_, hindrance)) => {
                debug!(message = claim.message, ?hindrance, "stopped at the door");
                self.note_held_back();
                return None;
            }
            Ok(Passed::Lost(_)) => "the claim did not last until the door",
            Err(_) => "the database could not write",
        };
        // Counts only if the claim still holds and nothing was passed: the fence sees to that.
        let outlook = Outlook::GiveBack {
            due_at: soon_ms,
            reason: why.to_owned(),
        };
        self.end(Ending { claim, outlook }).await;
        None
    }

    /// Records what came of an attempt; it is written with the next transaction, and nobody waits
    /// for it.
    pub(super) async fn end(&self, ending: Ending) {
        if self.entries.send(Entry::End(ending)).await.is_err() {
            error!("the ledger is closed: what came of a message is not written");
        }
    }

    /// Waits until everything that was handed over before is written.
    pub(super) async fn flush(&self) {
        let (reply, flushed) = oneshot::channel();
        if self.entries.send(Entry::Flush(reply)).await.is_ok() {
            let _ = flushed.await;
        }
    }
}

/// What waits for the next transaction.
#[derive(Default)]
struct Page {
    endings: Vec<Ending>,
    asking: Vec<Asking<Parcel>>,
    replies: Vec<oneshot::Sender<Passed<Parcel>>>,
    flushed: Vec<oneshot::Sender<()>>,
}

impl Page {
    fn is_blank(&self) -> bool {
        self.endings.is_empty() && self.flushed.is_empty()
    }

    /// Whether it is worth waiting for others: fewer than a quarter of those under way stand at the door.
    fn is_worth_waiting(&self, under_way: &AtomicUsize) -> bool {
        let under_way = under_way.load(Ordering::Relaxed);
        self.flushed.is_empty() && self.asking.len() < MOST && self.asking.len() * 4 < under_way
    }

    fn take(&mut self, entries: &mut Vec<Entry>) {
        for entry in entries.drain(..) {
            match entry {
                Entry::Pass(asking, reply) => {
                    self.asking.push(*asking);
                    self.replies.push(reply);
                }
                Entry::End(ending) => self.endings.push(ending),
                Entry::Flush(reply) => self.flushed.push(reply),
            }
        }
    }
}

async fn write(
    app: Arc<App>,
    owner: String,
    mut receiver: mpsc::Receiver<Entry>,
    under_way: Arc<AtomicUsize>,
) {
    let mut entries = Vec::with_capacity(MOST);
    let mut page = Page::default();
    loop {
        let coming = receiver.recv_many(&mut entries, MOST);
        // What a failed transaction has left is written without waiting for anybody to come.
        let open = if page.is_blank() {
            coming.await > 0
        } else {
            let come = timeout(AFTER_FAILURE, coming).await;
            come.is_err() || come.is_ok_and(|taken| taken > 0)
        };
        if !open {
            break;
        }
        page.take(&mut entries);
        let until = Instant::now() + LINGER;
        while page.is_worth_waiting(&under_way) {
            match timeout_at(until, receiver.recv_many(&mut entries, MOST)).await {
                Ok(taken) if taken > 0 => page.take(&mut entries),
                _ => break,
            }
        }
        if !write_page(&app, &owner, &mut page).await {
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
    for _ in 0..LAST_TRIES {
        if page.endings.is_empty() || write_page(&app, &owner, &mut page).await {
            return;
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
    error!(
        messages = page.endings.len(),
        "what came of these messages could not be written: the next start calls them unknown"
    );
}

/// Writes a page. When that fails the endings stay for the next one, and whoever asks to pass hears
/// nothing and sends nothing.
async fn write_page(app: &App, owner: &str, page: &mut Page) -> bool {
    let door = Door {
        settings: &app.settings,
        campaigns: &app.campaigns,
        now: app.clock.now(),
    };
    let asking = std::mem::take(&mut page.asking);
    let replies = std::mem::take(&mut page.replies);
    match app.store.settle(&page.endings, asking, &door, owner).await {
        Ok(Settled { stale, passed }) => {
            if stale > 0 {
                warn!(
                    stale,
                    "endings came too late: somebody else has decided these messages"
                );
            }
            page.endings.clear();
            for (reply, passed) in replies.into_iter().zip(passed) {
                // Whoever asked and is gone has sent nothing: the reconciler settles the message.
                let _ = reply.send(passed);
            }
            for reply in page.flushed.drain(..) {
                let _ = reply.send(());
            }
            true
        }
        Err(error) => {
            error!(%error, "the ledger cannot be written: nothing leaves");
            false
        }
    }
}
