//! What a server says it can do, in its reply to `EHLO`.

use lettre::transport::smtp::authentication::Mechanism;

/// The extensions that matter to us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a server offers each of these independently of the others"
)]
pub(super) struct Offers {
    /// The way can be encrypted.
    pub(super) starttls: bool,
    /// Reports about deliveries can be ordered.
    pub(super) dsn: bool,
    /// Commands may follow each other without waiting for the replies. Source: RFC 2920.
    pub(super) pipelining: bool,
    /// Addresses may have any letters before the @. Source: RFC 6531.
    pub(super) any_script: bool,
    /// The largest message in bytes; 0 stands for no limit, absent for no word about it.
    pub(super) size: Option<usize>,
    /// How we log in; PLAIN where it is offered.
    pub(super) mechanism: Option<Mechanism>,
}

impl Offers {
    /// Reads the lines of a reply, codes included.
    pub(super) fn read(reply: &[u8]) -> Self {
        let text = String::from_utf8_lossy(reply).to_ascii_uppercase();
        let mut offers = Self::default();
        // The first line is the name of the server.
        for line in text.lines().skip(1) {
            let line = line.get(4..).unwrap_or_default();
            // Old servers write AUTH=LOGIN.
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("DSN") => offers.dsn = true,
                Some("SMTPUTF8") => offers.any_script = true,
                Some("PIPELINING") => offers.pipelining = true,
                Some("SIZE") => {
                    let limit = words.next().map(str::parse);
                    offers.size = Some(limit.and_then(Result::ok).unwrap_or(0));
                }
                Some("AUTH") => {
                    for mechanism in words {
                        match mechanism {
                            "PLAIN" => offers.mechanism = Some(Mechanism::Plain),
                            "LOGIN" => {
                                offers.mechanism.get_or_insert(Mechanism::Login);
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        offers
    }

    /// Whether a message of so many bytes can be taken.
    pub(super) fn fits(&self, size: usize) -> bool {
        self.size.is_none_or(|limit| limit == 0 || size <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extensions_of_a_reply_are_read() {
        let reply = b"250-mail.example.org\r\n250-size 1000\r\n250-STARTTLS\r\n250-DSN\r\n\
                      250-PIPELINING\r\n250-SMTPUTF8\r\n250-AUTH CRAM-MD5 LOGIN\r\n250 8BITMIME\r\n";
        let offers = Offers::read(reply);
        assert!(
            offers.starttls
                && offers.dsn
                && offers.pipelining
                && offers.any_script
                && offers.fits(1000)
                && !offers.fits(1001)
        );
        assert_eq!(offers.mechanism, Some(Mechanism::Login));
        let old = Offers::read(b"250-x\r\n250-AUTH=PLAIN LOGIN\r\n250 SIZE\r\n");
        assert_eq!(old.mechanism, Some(Mechanism::Plain));
        assert!(old.fits(usize::MAX) && !old.dsn && !old.pipelining && !old.any_script);
        // The name of the server is no extension, and nonsense is none either.
        assert_eq!(Offers::read(b"250 STARTTLS\r\n"), Offers::default());
        assert_eq!(
            Offers::read(b"250-x\r\n25\xd0\xba\r\n\xff"),
            Offers::default()
        );
    }
}
