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
    /// them is no address. The recipient may have any letters before the @.
    pub fn new(return_path: &str, to: &str) -> Option<Self> {
        let address = |text: &str| {
            let (local, domain) = text.rsplit_once('@')?;
            let plain = domain.is_ascii() && !text.contains(char::is_control);
            let separates = |c: char| c.is_whitespace() || "<>".contains(c);
            (plain && !local.contains(separates)).then(|| text.parse().ok())?
        };
        Some(Self {
            from: address(return_path)?,
            to: address(to)?,
            id: None,
            size: None,
        })
    }

    /// Whether only servers that know all scripts can take it.
    pub(super) fn needs_any_script(&self) -> bool {
        let address: &str = self.to.as_ref();
        !address.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_made_of_two_addresses() {
        assert!(Envelope::new("b+1@example.org", "anna@example.com").is_some());
        let any_script = Envelope::new("b@example.org", "анна@example.com").unwrap();
        assert!(any_script.needs_any_script());
        assert!(
            !Envelope::new("b@example.org", "a@example.com")
                .unwrap()
                .needs_any_script()
        );
        for bad in [
            "",
            "анна@пример.рф",
            "ан на@example.com",
            "анна\u{85}@example.com",
            "anna",
            "a@b>\r\nRSET",
            "a@example.com\u{0}",
        ] {
            assert!(Envelope::new("b@example.org", bad).is_none(), "{bad}");
        }
    }
}
