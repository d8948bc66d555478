//! One command and its reply: what was said, what it means for the session.

use std::fmt::Display;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::super::trouble::{Cause, Reply, Trouble};
use super::super::wire::{Times, Wire};
use super::{FAREWELL, Session, State};
use crate::config::smtp::Deadlines;
use crate::rules::delivery::reaction::{Fate, Reaction};
use crate::rules::delivery::smtp_replies::{Stage, fulfils};

impl Session {
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
    pub(super) async fn say(&mut self, stage: Stage, commands: &str) -> Result<(), Trouble> {
        self.state = State::Broken;
        let times = times(self.deadlines, stage);
        match self.wire.say(commands.as_bytes(), times).await {
            Ok(()) => Ok(()),
            Err(_) => self.answer(stage).await.map(drop),
        }
    }

    /// Hears the reply to a command that was said, which must be what the stage asks for.
    pub(super) async fn answer(&mut self, stage: Stage) -> Result<Reply, Trouble> {
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
    pub(super) async fn step(
        &mut self,
        stage: Stage,
        command: impl Display,
    ) -> Result<(), Trouble> {
        // RSET is answered like MAIL.
        self.said(stage, command).await.map(drop)
    }

    pub(super) async fn said(
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
pub(super) async fn judged(
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

pub(super) fn times(deadlines: Deadlines, stage: Stage) -> Times {
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
