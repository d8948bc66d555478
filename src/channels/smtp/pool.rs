//! Sessions that wait for the next letter, and a bound for how many there are.
//!
//! lettre's own pool bounds the idle connections only, and takes back those that were left in the
//! middle of a step; here a session comes back only from whoever says that it is whole.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::server::Server;
use super::session::Session;
use super::trouble::{Cause, Trouble};
use crate::config::smtp::Smtp;
use crate::rules::delivery::smtp_replies::Stage;

/// Sessions with one mail server.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    room: Arc<Semaphore>,
    parked: Mutex<VecDeque<Session>>,
    letters: u16,
    idle: Duration,
}

/// A session that is lent: dropped, it is closed; [parked](Self::park), it serves another letter.
#[derive(Debug)]
pub struct Pooled {
    session: Session,
    pool: Arc<Inner>,
    _room: Room,
}

/// The right to one session, until it is dropped.
#[derive(Debug)]
pub struct Room(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

/// Why there is no session. It keeps its room as long as it lives, so that who waits for room comes
/// in only after the trouble was heeded: one wrong password is enough.
#[derive(Debug)]
pub struct NoSession {
    /// What happened.
    pub trouble: Trouble,
    _room: Room,
}

impl Pool {
    /// A pool without sessions; they are opened when they are needed.
    pub fn new(server: Server, settings: &Smtp) -> Self {
        let inner = Inner {
            server,
            room: Arc::new(Semaphore::new(usize::from(settings.connections))),
            parked: Mutex::default(),
            letters: settings.messages_per_connection,
            idle: settings.idle.duration(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Room for one more session. Waits while all connections are in use.
    pub async fn room(&self) -> Result<Room, Trouble> {
        let room = Arc::clone(&self.inner.room).acquire_owned().await;
        // Nobody closes the semaphore.
        room.map(Room)
            .map_err(|_| Trouble::silence(Stage::Connect, Cause::Unusable))
    }

    /// A session that is ready for a letter: a parked one that is still alive, or a new one.
    pub async fn take(&self, room: Room) -> Result<Pooled, NoSession> {
        // The one that was parked last is the likeliest to live.
        while let Some(session) = self.inner.parked().pop_back() {
            if self.inner.is_fresh(&session) && session.is_alive() {
                return Ok(self.lent(session, room));
            }
        }
        match Session::open(&self.inner.server).await {
            Ok(session) => Ok(self.lent(session, room)),
            Err(trouble) => Err(NoSession {
                trouble,
                _room: room,
            }),
        }
    }

    fn lent(&self, session: Session, room: Room) -> Pooled {
        Pooled {
            session,
            pool: Arc::clone(&self.inner),
            _room: room,
        }
    }

    /// Closes the sessions that have been idle for too long.
    pub fn tidy(&self) {
        let mut parked = self.inner.parked();
        parked.retain(|session| self.inner.is_fresh(session) && session.is_alive());
    }

    /// Takes leave of every parked session.
    pub async fn close(&self) {
        let sessions = std::mem::take(&mut *self.inner.parked());
        futures::future::join_all(sessions.into_iter().map(Session::quit)).await;
    }

    /// How many sessions wait for a letter.
    pub fn parked(&self) -> usize {
        self.inner.parked().len()
    }
}

impl Inner {
    fn parked(&self) -> MutexGuard<'_, VecDeque<Session>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self, session: &Session) -> bool {
        session.parked.elapsed() < self.idle
    }
}

impl Pooled {
    /// Gives the session back for another letter. One that is not ready for it, or that has carried
    /// its share of letters, is closed.
    pub async fn park(self) {
        let Self {
            mut session,
            pool,
            _room,
        } = self;
        if session.is_ready() && session.letters() >= pool.letters {
            session.quit().await;
        } else if session.is_ready() {
            session.parked = Instant::now();
            pool.parked().push_back(session);
        }
    }

    /// Gives up a letter that was offered, and the session with it.
    pub fn abandon(self) {
        self.session.abandon();
    }
}

impl Deref for Pooled {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
