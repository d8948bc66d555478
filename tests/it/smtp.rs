//! Letters over SMTP, against a real server on this machine.
#![expect(
    clippy::unwrap_used,
    reason = "a server or a session that cannot be made fails the test as it should"
)]

mod matrix;
mod postfix;
mod sessions;
pub(crate) mod sink;
mod tls;

use rekindle::channels::smtp::{Envelope, Server, Session};
use rekindle::config::smtp::{Deadlines, Smtp, SmtpTls};
use rekindle::config::values::Wait;

use sink::{Manners, Sink};

/// The deadline of every step in these tests.
const STEP: Wait = Wait::millis(400);

/// Settings for a server on this machine.
fn settings(sink: &Sink) -> Smtp {
    Smtp {
        host: Some(sink.address.ip().to_string()),
        port: Some(sink.address.port()),
        tls: SmtpTls::None,
        deadlines: Deadlines {
            connect: STEP,
            greeting: STEP,
            command: STEP,
            data: STEP,
            content: STEP,
            end_of_data: STEP,
        },
        ..Smtp::default()
    }
}

fn server(smtp: &Smtp) -> Server {
    Server::new(smtp, std::path::Path::new("/"), "news.example.org").unwrap()
}

async fn sink(manners: Manners) -> Sink {
    Sink::start(0, None, manners).await.unwrap()
}

async fn session(sink: &Sink) -> Session {
    Session::open(&server(&settings(sink))).await.unwrap()
}

fn envelope(to: &str) -> Envelope {
    Envelope::new("b+1@bounces.example.org", to).unwrap()
}

/// A letter with a key.
fn letter(key: &str) -> Vec<u8> {
    format!("Subject: test\r\nX-Msg-Key: {key}\r\n\r\n.hello\r\n..\r\n.\r\nend\r\n").into_bytes()
}
