//! What the DNS has to say about a domain that sends: SPF, DKIM and DMARC.
//!
//! Sources: RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC); Gmail, Yahoo and Microsoft refuse
//! bulk mail of domains without them.

/// What was found, in the order of severity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good(String),
    /// It works and could be better.
    Weak(String, String),
    /// Letters will be refused: what is wrong, and how to mend it.
    Bad(String, String),
}

impl Verdict {
    fn bad(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::Bad(what.into(), mend.into())
    }
}

/// Judges the texts at the domain itself.
pub fn spf(domain: &str, texts: &[String]) -> Verdict {
    let records: Vec<&String> = texts
        .iter()
        .filter(|text| {
            let lower = text.to_lowercase();
            lower == "v=spf1" || lower.starts_with("v=spf1 ")
        })
        .collect();
    match records[..] {
        [] => Verdict::bad(
            format!("{domain} has no SPF record"),
            format!(
                "add a TXT record at {domain} that names your mail server: \
                 \"v=spf1 include:YOUR-MAIL-SERVICE -all\""
            ),
        ),
        [record]
            if record
                .to_lowercase()
                .split_whitespace()
                .any(|word| word == "+all") =>
        {
            Verdict::bad(
                format!("the SPF record of {domain} allows everybody to send (+all)"),
                "end it with -all or ~all",
            )
        }
        [record] => Verdict::Good(format!("SPF: {record}")),
        _ => Verdict::bad(
            format!(
                "{domain} has {} SPF records, and none of them counts",
                records.len()
            ),
            "put them together into one",
        ),
    }
}

/// Judges the texts at `_dmarc.DOMAIN`.
pub fn dmarc(domain: &str, texts: &[String]) -> Verdict {
    let mut records = texts
        .iter()
        .filter(|text| text.to_uppercase().starts_with("V=DMARC1"));
    let Some(record) = records.next() else {
        return Verdict::bad(
            format!("{domain} has no DMARC record"),
            format!("add a TXT record at _dmarc.{domain}: \"v=DMARC1; p=none\" is enough to begin"),
        );
    };
    if records.next().is_some() {
        return Verdict::bad(
            format!("{domain} has several DMARC records, and none of them counts"),
            "leave one of them",
        );
    }
    match tag(record, "p").as_deref() {
        Some("none" | "quarantine" | "reject") => Verdict::Good(format!("DMARC: {record}")),
        _ => Verdict::bad(
            format!("the DMARC record of {domain} has no policy"),
            "write p=none, p=quarantine or p=reject into it",
        ),
    }
}

/// Judges the texts at `SELECTOR._domainkey.DOMAIN` against our own public key.
pub fn dkim(name: &str, texts: &[String], public_key: &str, record: &str) -> Verdict {
    let add = || format!("add a TXT record at {name}: \"{record}\"");
    let keys: Vec<String> = texts.iter().filter_map(|text| tag(text, "p")).collect();
    match &keys[..] {
        [] => Verdict::bad(format!("there is no DKIM key at {name}"), add()),
        keys if keys.iter().any(|key| key == public_key) => {
            Verdict::Good(format!("DKIM: the key at {name} is ours"))
        }
        keys if keys.iter().all(String::is_empty) => {
            Verdict::bad(format!("the DKIM key at {name} is taken back"), add())
        }
        _ => Verdict::bad(format!("the DKIM key at {name} is another one"), add()),
    }
}

/// The value of a tag, without blanks: keys may be broken over lines.
fn tag(record: &str, name: &str) -> Option<String> {
    record.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.chars().filter(|c| !c.is_whitespace()).collect();
        key.trim().eq_ignore_ascii_case(name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn is_good(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Good(_))
    }

    #[test]
    fn one_spf_record_that_names_somebody_is_good() {
        for (records, good) in [
            (&["v=spf1 include:mail.example -all"][..], true),
            (&["google-site-verification=1", "V=SPF1 mx ~all"], true),
            (&[], false),
            (&["v=spf10 mx"], false),
            (&["v=spf1 +all"], false),
            (&["v=spf1 mx", "v=spf1 a"], false),
        ] {
            let verdict = spf("example.org", &texts(records));
            assert_eq!(is_good(&verdict), good, "{records:?}: {verdict:?}");
        }
    }

    #[test]
    fn dmarc_needs_one_record_with_a_policy() {
        for (records, good) in [
            (&["v=DMARC1; p=none; rua=mailto:d@example.org"][..], true),
            (&["v=DMARC1;p=reject"], true),
            (&["v=DMARC1; sp=none"], false),
            (&[], false),
            (&["v=DMARC1; p=none", "v=DMARC1; p=reject"], false),
        ] {
            let verdict = dmarc("example.org", &texts(records));
            assert_eq!(is_good(&verdict), good, "{records:?}: {verdict:?}");
        }
    }

    #[test]
    fn the_dkim_key_must_be_ours_however_it_is_broken_into_pieces() {
        for (records, good) in [
            (&["v=DKIM1; k=rsa; p=AB CD\t=="][..], true),
            (&["v=DKIM1; p=", "p=ABCD=="], true),
            (&["v=DKIM1; p=WXYZ"], false),
            (&["v=DKIM1; p="], false),
            (&[], false),
        ] {
            let verdict = dkim(
                "s._domainkey.example.org",
                &texts(records),
                "ABCD==",
                "record",
            );
            assert_eq!(is_good(&verdict), good, "{records:?}: {verdict:?}");
        }
        let Verdict::Bad(_, mend) = dkim("s._domainkey.example.org", &[], "K", "v=DKIM1; p=K")
        else {
            panic!("no key is bad");
        };
        assert!(mend.contains("v=DKIM1; p=K"));
    }
}
