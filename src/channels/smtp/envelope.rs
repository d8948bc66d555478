//! Who a letter comes from and goes to.

use lettre::Address;

/// Who a letter comes from and goes to: one recipient, so that one reply speaks for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(super) from: Address,
    pub(super) to: Address,
    /// A name for the letter that reports about its delivery bring back: printable ASCII without
    /// spaces. Only told to servers that offer reports.
    pub id: Option<String>,
    /// The size of the letter in bytes: a server with a smaller limit is not bothered.
    pub size: Option<usize>,
}

impl Envelope {
    /// An envelope with a return path and a recipient, domains in A-labels; nothing when one of
    /// them is no address in ASCII.
    pub fn new(return_path: &str, to: &str) -> Option<Self> {
        let address = |text: &str| {
            let plain = text.is_ascii() && !text.contains(|c: char| c.is_ascii_control());
            plain.then(|| text.parse().ok()).flatten()
        };
        Some(Self {
            from: address(return_path)?,
            to: address(to)?,
            id: None,
            size: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_made_of_two_addresses() {
        assert!(Envelope::new("b+1@example.org", "anna@example.com").is_some());
        for bad in [
            "",
            "anna",
            "a@b>\r\nRSET",
            "анна@example.com",
            "a@example.com\u{0}",
        ] {
            assert!(Envelope::new("b@example.org", bad).is_none(), "{bad}");
        }
    }
}
