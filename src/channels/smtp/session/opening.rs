//! How a session begins: the connection, the greeting, encryption and login.

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use tokio::time::{Instant, timeout};

use super::super::offers::Offers;
use super::super::reach::{connected, with_tls};
use super::super::server::Server;
use super::super::trouble::{Cause, Trouble};
use super::super::wire::Wire;
use super::step::{judged, times};
use super::{Session, State};
use crate::config::smtp::SmtpTls;
use crate::rules::delivery::reaction::{Fate, Measure, Reaction};
use crate::rules::delivery::smtp_replies::Stage;

/// How often a server may ask back during a login.
const CHALLENGES: usize = 4;

impl Session {
    /// Connects, greets, encrypts and logs in.
    pub async fn open(server: &Server) -> Result<Self, Trouble> {
        let deadlines = server.deadlines;
        let socket = connected(server).await?;
        let wire = Wire::new(
            socket,
            times(deadlines, Stage::Greeting),
            times(deadlines, Stage::Hello),
        );
        let stream = Box::new(wire.clone());
        let opened = AsyncSmtpConnection::connect_with_transport(stream, &server.hello).await;
        let stage = if wire.has_spoken() {
            Stage::Hello
        } else {
            Stage::Greeting
        };
        let mut session = match opened {
            Ok(connection) => Self {
                connection,
                offers: Offers::default(),
                wire,
                deadlines,
                state: State::Broken,
                letters: 0,
                parked: Instant::now(),
            },
            Err(error) => {
                let judged = judged(&wire, stage, Err(&error)).await;
                return Err(judged
                    .err()
                    .unwrap_or(Trouble::silence(stage, Cause::Garbage)));
            }
        };
        session.offers = session.read_offers();
        if server.tls == SmtpTls::Starttls {
            session.encrypt(server).await?;
        }
        session.log_in(server).await?;
        session.state = State::Ready;
        Ok(session)
    }

    fn read_offers(&self) -> Offers {
        Offers::read(&self.wire.reply().unwrap_or_default())
    }

    async fn encrypt(&mut self, server: &Server) -> Result<(), Trouble> {
        let stage = Stage::Encryption;
        if !self.offers.starttls {
            return Err(not_offered(stage, "STARTTLS"));
        }
        self.step(stage, Starttls).await?;
        let Some(socket) = self.wire.take_plain() else {
            return Err(Trouble::silence(stage, Cause::OutOfTurn));
        };
        let limit = self.deadlines.connect.duration();
        self.wire
            .put(timeout(limit, with_tls(server, socket)).await.map_or_else(
                |_| Err(Trouble::silence(stage, Cause::Deadline)),
                |done| done.map_err(|cause| Trouble::silence(stage, cause)),
            )?);
        self.step(Stage::Hello, Ehlo::new(server.hello.clone()))
            .await?;
        self.offers = self.read_offers();
        Ok(())
    }

    async fn log_in(&mut self, server: &Server) -> Result<(), Trouble> {
        let Some(login) = &server.login else {
            return Ok(());
        };
        let stage = Stage::Login;
        let no_way = || not_offered(stage, "a way to log in with a password");
        let mechanism = self.offers.mechanism.ok_or_else(no_way)?;
        let credentials = login.credentials();
        let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(|_| no_way())?;
        for _ in 0..CHALLENGES {
            let (reply, response) = self.said(stage, command).await?;
            if reply.code == 235 {
                return Ok(());
            }
            let answer = response.filter(|_| reply.code == 334).and_then(|response| {
                Auth::new_from_response(mechanism, credentials.clone(), &response).ok()
            });
            command = answer.ok_or_else(|| Trouble::said(stage, reply))?;
        }
        Err(Trouble::silence(stage, Cause::Garbage))
    }
}

fn not_offered(stage: Stage, what: &'static str) -> Trouble {
    let reaction = Reaction::with(Fate::GiveBack, Measure::StopChannel);
    Trouble::with(stage, Cause::NotOffered(what), reaction)
}
