//! The way to the server: addresses, sockets, TLS.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::server::Server;
use super::trouble::{Cause, Trouble};
use super::wire::Socket;
use crate::config::smtp::SmtpTls;
use crate::rules::delivery::smtp_replies::Stage;

/// A socket to the server, encrypted where that comes first; within the deadline altogether.
pub(super) async fn connected(server: &Server) -> Result<Socket, Trouble> {
    let limit = server.deadlines.connect.duration();
    let reached = timeout(limit, async {
        let socket = reached(server, limit).await;
        let socket = socket.map_err(|error| Cause::Broken(error.to_string()))?;
        match server.tls {
            SmtpTls::Implicit => with_tls(server, socket).await,
            SmtpTls::Starttls | SmtpTls::None => Ok(Socket::Plain(socket)),
        }
    });
    let reached = reached.await.unwrap_or(Err(Cause::Deadline));
    reached.map_err(|cause| Trouble::silence(Stage::Connect, cause))
}

/// Tries every address of the host; each but the last gets its share of the time.
async fn reached(server: &Server, limit: Duration) -> io::Result<TcpStream> {
    let addresses = lookup_host((server.host.as_str(), server.port)).await?;
    let addresses: Vec<_> = addresses.collect();
    let share = limit / addresses.len().max(1) as u32;
    let mut last = io::Error::other("the host has no address");
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // Content and dot are two writes: without this the second waits for an answer to
                // the first, 40 ms for every letter.
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::from(io::ErrorKind::TimedOut),
        }
    }
    Err(last)
}

pub(super) async fn with_tls(server: &Server, socket: TcpStream) -> Result<Socket, Cause> {
    let encrypted = server.connector.connect(server.name.clone(), socket).await;
    match encrypted {
        Ok(socket) => Ok(Socket::Tls(Box::new(socket))),
        Err(error) => Err(Cause::Tls(error.to_string())),
    }
}
