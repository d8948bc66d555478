//! One connection to the mail server, and one letter at a time over it: how it begins is in
//! [`opening`], what one command comes to in [`step`].

mod opening;
mod step;

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter, RcptParameter};
use tokio::time::Instant;

use self::step::times;
use super::content::on_the_wire;
use super::envelope::Envelope;
use super::offers::Offers;
use super::trouble::{Cause, Reply, Trouble};
use super::wire::{Times, Wire};
use crate::config::smtp::Deadlines;
use crate::rules::delivery::clearance::Cleared;
use crate::rules::delivery::reaction::{Fate, Measure, Reaction};
use crate::rules::delivery::smtp_replies::Stage;

/// The time for polite words at the end of a session.
const FAREWELL: Duration = Duration::from_millis(500);

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
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?}, {} letters)", self.state, self.letters)
    }
}
