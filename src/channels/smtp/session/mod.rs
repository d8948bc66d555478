//! One connection to the mail server, and one letter at a time over it.

use std::fmt::{self, Display};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use tokio::time::{Instant, timeout};

use super::content::on_the_wire;
use super::envelope::Envelope;
use super::offers::Offers;
use super::reach::{connected, with_tls};
use super::server::Server;
use super::trouble::{Cause, Reply, Trouble};
use super::wire::{Times, Wire};
use crate::config::smtp::{Deadlines, SmtpTls};
use crate::rules::delivery::clearance::Cleared;
use crate::rules::delivery::reaction::{Fate, Measure, Reaction};
use crate::rules::delivery::smtp_replies::{Stage, fulfils};

/// The time for polite words at the end of a session.
const FAREWELL: Duration = Duration::from_millis(500);

/// How often a server may ask back during a login.
const CHALLENGES: usize = 4;

/// The server has taken responsibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it said; often the id under which it queued the letter.
    pub reply: Reply,
}

/// What can be done with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next letter.
    Ready,
    /// The content: the 354 was said.
    Offered,
    /// A fresh start: the letter was refused.
    Refused,
    /// Nothing: a step is under way, was left in the middle, or failed.
    Broken,
}

/// A connection to the mail server.
///
/// Every step that is left before its end, by a failure or because its future was dropped, leaves
/// the session broken for ever. A session that is dropped closes its socket; before the end of the
/// content the server then forgets the letter (RFC 5321 §4.1.1.10).
pub struct Session {
    connection: AsyncSmtpConnection,
    wire: Wire,
    offers: Offers,
    deadlines: Deadlines,
    state: State,
    letters: u16,
    pub(super) parked: Instant,
}

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

    /// Offers a letter, up to the server's 354. Nothing of the letter has been sent then, and
    /// nothing can be delivered.
    ///
    /// When the server refuses the letter, the session can be [reset](Self::reset).
    pub async fn offer(&mut self, envelope: &Envelope) -> Result<(), Trouble> {
        if self.state != State::Ready {
            return Err(Trouble::silence(Stage::Sender, Cause::Unusable));
        }
        if !envelope.size.is_none_or(|size| self.offers.fits(size)) {
            let cause = Cause::Letter("the letter is larger than the server takes");
            let reaction = Reaction::with(Fate::Failed, Measure::StopStep);
            return Err(Trouble::with(Stage::Sender, cause, reaction));
        }
        if envelope.needs_any_script() && !self.offers.any_script {
            let cause = Cause::Letter("the server takes only Latin letters before the @");
            let reaction = Reaction::only(Fate::Failed);
            return Err(Trouble::with(Stage::Sender, cause, reaction));
        }
        let (sender, recipient) = self.parameters(envelope);
        let sender = Mail::new(Some(envelope.from.clone()), sender).to_string();
        let recipient = Rcpt::new(envelope.to.clone(), recipient).to_string();
        let commands = [
            (Stage::Sender, sender),
            (Stage::Recipient, recipient),
            (Stage::Data, Data.to_string()),
        ];
        if self.offers.pipelining {
            return self.offer_at_once(&commands).await;
        }
        for (stage, command) in commands {
            self.say(stage, &command).await?;
            self.answer(stage).await?;
        }
        self.state = State::Offered;
        Ok(())
    }

    /// Offers a letter by one write. Every reply is heard whatever came before it, so that each
    /// belongs to its command; the first that is no yes is the one that counts, and what the server
    /// says to the rest follows from it. Source: RFC 2920 §3.1.
    async fn offer_at_once(&mut self, commands: &[(Stage, String); 3]) -> Result<(), Trouble> {
        let together: String = commands
            .iter()
            .map(|(_, command)| command.as_str())
            .collect();
        self.say(Stage::Sender, &together).await?;
        let mut refused = None;
        let mut content_awaited = false;
        for (stage, _) in commands {
            match self.answer(*stage).await {
                Ok(_) => content_awaited = *stage == Stage::Data,
                Err(trouble) if self.state == State::Refused => {
                    refused.get_or_insert(trouble);
                }
                // The connection is gone, and with it the letter: what was refused before stays so.
                Err(trouble) => return Err(refused.unwrap_or(trouble)),
            }
            self.state = State::Broken;
        }
        match refused {
            None => {
                self.state = State::Offered;
                Ok(())
            }
            Some(trouble) if content_awaited => {
                // There is no way out of DATA but through a content.
                self.wire.drop_socket();
                Err(trouble)
            }
            Some(trouble) => {
                self.state = State::Refused;
                Err(trouble)
            }
        }
    }

    /// Hands over the content of a letter that passed every gate, and waits for the reply to it.
    ///
    /// From the first byte on nobody knows whether the letter was taken until the server has said
    /// so. Lines must end with CR LF and may not be longer than 998 bytes; a content that breaks
    /// this is not begun.
    pub async fn transmit<M: AsRef<[u8]>>(
        &mut self,
        letter: &Cleared<M>,
    ) -> Result<Accepted, Trouble> {
        if self.state != State::Offered {
            return Err(Trouble::silence(Stage::Data, Cause::Unusable));
        }
        self.state = State::Broken;
        let content = match on_the_wire(letter.message().as_ref()) {
            Ok(content) => content,
            Err(wrong) => {
                self.wire.drop_socket();
                let reaction = Reaction::with(Fate::Failed, Measure::StopStep);
                return Err(Trouble::with(Stage::Data, Cause::Letter(wrong), reaction));
            }
        };
        let times = times(self.deadlines, Stage::Content);
        // A server that refuses before the end has said why: the answer is heard in any case.
        let _ = self.wire.say(&content, times).await;
        let reply = self.answer(Stage::Content).await;
        self.letters += 1;
        // The reply to the content ends the letter, whatever it is; 421 and 3xx end the session.
        match reply {
            Ok(reply) => {
                self.state = State::Ready;
                Ok(Accepted { reply })
            }
            Err(trouble) => {
                if self.state == State::Refused {
                    self.state = State::Ready;
                }
                Err(trouble)
            }
        }
    }

    /// Gives up a letter that was offered; the server forgets it. Nothing else can be done with the
    /// session, because the server waits for a content.
    pub fn abandon(self) {
        self.wire.drop_socket();
    }

    /// Clears a refused letter away, so that the next one can be offered.
    pub async fn reset(&mut self) -> Result<(), Trouble> {
        match self.state {
            State::Ready => return Ok(()),
            State::Refused => {}
            _ => return Err(Trouble::silence(Stage::Sender, Cause::Unusable)),
        }
        // No message is concerned: a failure here means for the channel what one at MAIL would.
        self.step(Stage::Sender, Rset).await?;
        self.state = State::Ready;
        Ok(())
    }

    /// Takes leave, as far as the server lets us do it quickly.
    pub async fn quit(mut self) {
        if self.state != State::Broken && self.state != State::Offered {
            self.state = State::Broken;
            let times = Times {
                write: FAREWELL,
                reply: FAREWELL,
            };
            self.wire.allow(times);
            let _ = self.connection.command(Quit).await;
        }
    }

    /// Whether another letter can be offered; a refused one has to be cleared away first.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// How many letters were handed over on this session.
    pub fn letters(&self) -> u16 {
        self.letters
    }

    /// Whether the server is still there and silent.
    pub(super) fn is_alive(&self) -> bool {
        self.state == State::Ready && self.wire.is_quiet()
    }

    fn parameters(&self, envelope: &Envelope) -> (Vec<MailParameter>, Vec<RcptParameter>) {
        let mut sender = Vec::new();
        let mut recipient = Vec::new();
        if let (Some(size), true) = (envelope.size, self.offers.size.is_some()) {
            sender.push(MailParameter::Size(size));
        }
        if envelope.needs_any_script() {
            sender.push(MailParameter::SmtpUtfEight);
            sender.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if self.offers.dsn {
            let parameter = |keyword: &str, value: &str| MailParameter::Other {
                keyword: keyword.to_owned(),
                value: Some(value.to_owned()),
            };
            sender.push(parameter("RET", "HDRS"));
            sender.extend(envelope.id.as_deref().map(|id| parameter("ENVID", id)));
            recipient.push(RcptParameter::Other {
                keyword: "NOTIFY".to_owned(),
                value: Some("FAILURE,DELAY".to_owned()),
            });
        }
        (sender, recipient)
    }

    /// A server that closed a parked connection meant neither the letter nor the channel.
    fn unless_stale(&self, trouble: Trouble) -> Trouble {
        let closing = match &trouble.cause {
            Cause::Closed | Cause::Broken(_) => true,
            Cause::Reply(reply) => reply.code == 421,
            _ => false,
        };
        let stale = self.letters > 0 && closing;
        Trouble {
            reaction: if stale {
                Reaction::only(Fate::GiveBack)
            } else {
                trouble.reaction
            },
            ..trouble
        }
    }

    /// Says one command, or several in one write, without waiting for a reply.
    async fn say(&mut self, stage: Stage, commands: &str) -> Result<(), Trouble> {
        self.state = State::Broken;
        let times = times(self.deadlines, stage);
        match self.wire.say(commands.as_bytes(), times).await {
            Ok(()) => Ok(()),
            Err(_) => self.answer(stage).await.map(drop),
        }
    }

    /// Hears the reply to a command that was said, which must be what the stage asks for.
    async fn answer(&mut self, stage: Stage) -> Result<Reply, Trouble> {
        let heard = self.wire.hear(times(self.deadlines, stage)).await;
        let judged = match trouble_of(&self.wire, stage).await {
            Some(trouble) => Err(trouble),
            None => match heard.ok().as_deref().and_then(Reply::read) {
                None => Err(Trouble::silence(stage, Cause::Garbage)),
                Some(reply) if fulfils(stage, reply.code) => Ok(reply),
                Some(reply) => Err(Trouble::said(stage, reply)),
            },
        };
        let judged = self.kept(judged);
        match stage {
            Stage::Sender => judged.map_err(|trouble| self.unless_stale(trouble)),
            _ => judged,
        }
    }

    /// One command that must be answered as the stage asks for.
    async fn step(&mut self, stage: Stage, command: impl Display) -> Result<(), Trouble> {
        // RSET is answered like MAIL.
        self.said(stage, command).await.map(drop)
    }

    async fn said(
        &mut self,
        stage: Stage,
        command: impl Display,
    ) -> Result<(Reply, Option<Response>), Trouble> {
        self.state = State::Broken;
        self.wire.allow(times(self.deadlines, stage));
        let said = self.connection.command(command).await;
        let reply = self.heard(stage, said.as_ref()).await?;
        Ok((reply, said.ok()))
    }

    async fn heard(
        &mut self,
        stage: Stage,
        said: Result<&Response, &Error>,
    ) -> Result<Reply, Trouble> {
        let judged = judged(&self.wire, stage, said).await;
        self.kept(judged)
    }

    /// Gives the connection up after anything but a clear answer.
    fn kept(&mut self, judged: Result<Reply, Trouble>) -> Result<Reply, Trouble> {
        let refused = |trouble: &Trouble| {
            let code = trouble.reply().map_or(0, |reply| reply.code);
            self.wire.fault().is_none() && (400..600).contains(&code) && code != 421
        };
        match &judged {
            Err(trouble) if refused(trouble) => self.state = State::Refused,
            Err(_) => self.wire.drop_socket(),
            Ok(_) => {}
        }
        judged
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?}, {} letters)", self.state, self.letters)
    }
}

/// What is wrong with the stream after a step, if anything is.
async fn trouble_of(wire: &Wire, stage: Stage) -> Option<Trouble> {
    let fault = wire.fault()?;
    let early = matches!(fault, Cause::OutOfTurn | Cause::Broken(_));
    let words = if early {
        wire.last_words(FAREWELL).await
    } else {
        None
    };
    wire.drop_socket();
    let reply = words.as_deref().and_then(Reply::read);
    // What was not asked for counts where it can only mean this: the server closes, or it
    // refuses the content before its end.
    let counts = |reply: &Reply| {
        reply.code == 421 || stage == Stage::Content && (400..600).contains(&reply.code)
    };
    Some(match reply.filter(counts) {
        Some(reply) => Trouble::said(stage, reply),
        None => Trouble::silence(stage, fault),
    })
}

/// What a step came to: the reply that it asked for, or the trouble.
async fn judged(
    wire: &Wire,
    stage: Stage,
    said: Result<&Response, &Error>,
) -> Result<Reply, Trouble> {
    if let Some(trouble) = trouble_of(wire, stage).await {
        return Err(trouble);
    }
    let is_reply = said.is_ok() || said.is_err_and(|error| error.status().is_some());
    let raw = wire.reply().filter(|_| is_reply);
    let Some(reply) = raw.as_deref().and_then(Reply::read) else {
        return Err(Trouble::silence(stage, Cause::Garbage));
    };
    let asked_back = stage == Stage::Login && reply.code == 334;
    if said.is_ok() && (fulfils(stage, reply.code) || asked_back) {
        return Ok(reply);
    }
    Err(Trouble::said(stage, reply))
}

fn not_offered(stage: Stage, what: &'static str) -> Trouble {
    let reaction = Reaction::with(Fate::GiveBack, Measure::StopChannel);
    Trouble::with(stage, Cause::NotOffered(what), reaction)
}

fn times(deadlines: Deadlines, stage: Stage) -> Times {
    let (write, reply) = match stage {
        Stage::Greeting => (deadlines.greeting, deadlines.greeting),
        Stage::Data => (deadlines.data, deadlines.data),
        Stage::Content => (deadlines.content, deadlines.end_of_data),
        _ => (deadlines.command, deadlines.command),
    };
    Times {
        write: write.duration(),
        reply: reply.duration(),
    }
}
