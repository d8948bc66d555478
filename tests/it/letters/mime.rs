//! Letters as MIME, read back by a parser that knows nothing of how they were built.

use chrono::{DateTime, FixedOffset};
use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;
use rekindle::channels::email::{EmailError, EmailMessage, MailingList, Party};
use rekindle::channels::sandbox::{Form, Place, Sandbox};
use rekindle::model::Locale;
use rekindle::render::{LetterContext, Templates};

fn date() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-25T10:00:03+07:00").unwrap()
}

fn message() -> EmailMessage {
    EmailMessage {
        key: "01JDQ7Z9K3".to_owned(),
        message_id_domain: "news.example.org".to_owned(),
        date: date(),
        from: Party {
            name: Some("Игорь Лебедев, «Полдень»".to_owned()),
            address: "hello@news.example.org".to_owned(),
        },
        to: Party {
            name: Some("Петрова Анна Сергеевна".to_owned()),
            address: "anna@example.com".to_owned(),
        },
        reply_to: Some(Party {
            name: Some("Игорь Лебедев".to_owned()),
            address: "igor@example.org".to_owned(),
        }),
        subject: "Анна Сергеевна, повторить ваш обычный заказ на следующей неделе?".to_owned(),
        text: "Здравствуйте!\n\nПервая строка\n.\nточка одна на строке\n".to_owned(),
        html: "<p>Здравствуйте!</p>\n".to_owned(),
        list: Some(MailingList {
            id: "winback.news.example.org".to_owned(),
            title: Some("Письма «Полдня»".to_owned()),
            unsubscribe_url: format!("https://example.org/u/v1.k1.{}", "a".repeat(160)),
            unsubscribe_mailto: Some("stop@example.org".to_owned()),
        }),
        feedback_id: Some("missed-cycle:poldenj:reactivation:example".to_owned()),
    }
}

fn raw_header<'m>(text: &'m str, name: &str) -> Vec<&'m str> {
    let head = text.split("\r\n\r\n").next().unwrap();
    let start = format!("{}:", name.to_ascii_lowercase());
    head.split("\r\n")
        .filter(|line| line.to_ascii_lowercase().starts_with(&start))
        .collect()
}

#[test]
fn a_letter_is_read_back_as_it_was_written() {
    let message = message();
    let built = message.build().unwrap();
    let parsed = MessageParser::default().parse(&built.bytes).unwrap();
    assert_eq!(parsed.subject(), Some(message.subject.as_str()));
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!(from.name(), message.from.name.as_deref());
    assert_eq!(from.address(), Some("hello@news.example.org"));
    let to = parsed.to().unwrap().first().unwrap();
    assert_eq!(to.name(), message.to.name.as_deref());
    assert_eq!(to.address(), Some("anna@example.com"));
    let reply_to = parsed.reply_to().unwrap().first().unwrap();
    assert_eq!(reply_to.address(), Some("igor@example.org"));
    assert_eq!(parsed.message_id(), Some("01JDQ7Z9K3@news.example.org"));
    assert_eq!(
        parsed.date().unwrap().to_rfc3339(),
        "2026-11-25T10:00:03+07:00"
    );
    assert_eq!(
        parsed.body_text(0).unwrap().replace("\r\n", "\n"),
        message.text
    );
    assert_eq!(
        parsed.body_html(0).unwrap().replace("\r\n", "\n"),
        message.html
    );

    let kind = parsed.content_type().unwrap();
    assert_eq!(
        (kind.ctype(), kind.subtype()),
        ("multipart", Some("alternative"))
    );
    let parts: Vec<_> = parsed.parts[1..]
        .iter()
        .map(|part| part.content_type().unwrap().subtype().unwrap())
        .collect();
    assert_eq!(parts, ["plain", "html"], "text first, HTML last");
}

#[test]
fn the_headers_of_a_mailing_are_the_ones_that_providers_ask_for() {
    let message = message();
    let bytes = message.build().unwrap().bytes;
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    let text = |name: &str| parsed.header_raw(name).unwrap().trim().replace("\r\n", "");
    let url = &message.list.as_ref().unwrap().unsubscribe_url;
    assert_eq!(
        text("List-Unsubscribe").replace(",  ", ", "),
        format!("<{url}>, <mailto:stop@example.org?subject=unsubscribe>")
    );
    assert_eq!(text("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(text("List-ID").ends_with("<winback.news.example.org>"));
    assert_eq!(
        text("Feedback-ID"),
        "missed-cycle:poldenj:reactivation:example"
    );
    assert_eq!(text("Auto-Submitted"), "auto-generated");
    assert_eq!(text("X-Msg-Key"), "01JDQ7Z9K3");
    assert_eq!(text("Date"), "Wed, 25 Nov 2026 10:00:03 +0700");
    assert_eq!(text("MIME-Version"), "1.0");
}

#[test]
fn a_letter_to_a_manager_has_no_list() {
    let letter = EmailMessage {
        list: None,
        feedback_id: None,
        reply_to: None,
        ..message()
    };
    let text = String::from_utf8(letter.build().unwrap().bytes).unwrap();
    assert!(!text.contains("List-") && !text.contains("Feedback-ID") && !text.contains("Reply-To"));
}

#[test]
fn two_builds_give_the_same_bytes_and_every_line_is_lawful() {
    let (first, second) = (message().build().unwrap(), message().build().unwrap());
    assert_eq!(first, second);
    let text = String::from_utf8(first.bytes).unwrap();
    assert!(text.is_ascii());
    assert!(
        !text.replace("\r\n", "").contains(['\r', '\n']),
        "only CR LF ends a line"
    );
    assert!(text.split("\r\n").all(|line| line.len() <= 998));
    let other = EmailMessage {
        key: "01JDQ7Z9K4".to_owned(),
        ..message()
    };
    assert_ne!(
        boundary(&text),
        boundary(&String::from_utf8(other.build().unwrap().bytes).unwrap())
    );
}

fn boundary(text: &str) -> String {
    let at = text.find("boundary=\"").unwrap() + 10;
    text[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn no_name_and_no_subject_adds_a_header() {
    for evil in [
        "Анна\r\nBcc: victim@example.com",
        "Anna\nBcc: victim@example.com",
        "Anna\r\n\r\n<script>body</script>",
        "\"Anna\" <victim@example.com>, x",
        "Anna\u{85}Bcc: victim@example.com\u{2028}Bcc: x",
        "=?UTF-8?B?DQpCY2M6IHZpY3RpbUBleGFtcGxlLmNvbQ==?=",
        "a\0b",
    ] {
        let mut letter = message();
        letter.subject = evil.to_owned();
        letter.to.name = Some(evil.to_owned());
        letter.from.name = Some(evil.to_owned());
        letter.feedback_id = Some(evil.to_owned());
        let list = letter.list.as_mut().unwrap();
        list.title = Some(evil.to_owned());
        let bytes = letter.build().unwrap().bytes;
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert!(parsed.bcc().is_none(), "{evil:?}");
        let to = parsed.to().unwrap();
        assert_eq!(
            to.first().unwrap().address(),
            Some("anna@example.com"),
            "{evil:?}"
        );
        assert_eq!(to.iter().count(), 1, "{evil:?}");
        let text = String::from_utf8(bytes).unwrap();
        for name in ["To", "From", "Subject", "Bcc"] {
            let expected = usize::from(name != "Bcc");
            assert_eq!(raw_header(&text, name).len(), expected, "{name} {evil:?}");
        }
    }
}

#[test]
fn addresses_that_mail_cannot_reach_are_refused() {
    for bad in [
        "",
        "anna",
        "anna@",
        "@example.com",
        "anna@example.com\r\nBcc: x@example.com",
        "anna@example.com>, <x@example.com",
        "a b@example.com",
        "anna@exa mple.com",
        "anna@example..com",
        "\"a b\"@example.com",
    ] {
        let mut letter = message();
        letter.to.address = bad.to_owned();
        assert!(
            matches!(letter.build(), Err(EmailError::Address(_))),
            "{bad:?}"
        );
    }
}

#[test]
fn an_address_in_any_script_stands_in_the_head_as_it_is_written() {
    let mut letter = message();
    letter.to.address = "анна.к@пример.рф".to_owned();
    let built = letter.build().unwrap();
    assert_eq!(built.to, "анна.к@xn--e1afmkfd.xn--p1ai");
    let text = String::from_utf8(built.bytes.clone()).unwrap();
    assert!(text.contains("<анна.к@xn--e1afmkfd.xn--p1ai>"), "{text}");
    let parsed = MessageParser::default().parse(&built.bytes).unwrap();
    let to = parsed.to().unwrap().first().unwrap();
    assert_eq!(to.address(), Some("анна.к@xn--e1afmkfd.xn--p1ai"));
    letter.to.address = "ан\u{85}на@example.com".to_owned();
    assert!(matches!(letter.build(), Err(EmailError::Address(_))));
}

#[test]
fn a_domain_in_any_script_becomes_a_label_that_servers_know() {
    let mut letter = message();
    letter.to.address = "anna@пример.рф".to_owned();
    let built = letter.build().unwrap();
    assert_eq!(built.to, "anna@xn--e1afmkfd.xn--p1ai");
    let parsed = MessageParser::default().parse(&built.bytes).unwrap();
    let to = parsed.to().unwrap().first().unwrap();
    assert_eq!(to.address(), Some("anna@xn--e1afmkfd.xn--p1ai"));
}

#[test]
fn a_way_out_that_is_not_secure_stops_the_letter() {
    for bad in [
        "",
        "http://example.org/u",
        "https://",
        "https://a> b",
        "javascript:x",
    ] {
        let mut letter = message();
        letter.list.as_mut().unwrap().unsubscribe_url = bad.to_owned();
        assert_eq!(letter.build(), Err(EmailError::Unsubscribe(bad.to_owned())));
    }
    for bad in ["", "a b", "a\r\nb", "a@b", "ключ", ".a"] {
        let letter = EmailMessage {
            key: bad.to_owned(),
            ..message()
        };
        assert!(
            matches!(letter.build(), Err(EmailError::Token { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn a_rendered_letter_in_the_sandbox_is_the_letter() {
    let (templates, _) = Templates::load(None);
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(folder.path());
    for locale in Locale::ALL {
        let context = LetterContext::sample(locale);
        let letter = templates
            .render_letter("missed-cycle", locale, &context)
            .unwrap();
        let email = EmailMessage {
            subject: letter.subject.clone(),
            text: letter.text.clone(),
            html: letter.html.clone(),
            ..message()
        };
        let place = Place {
            day: context.today,
            campaign: "missed-cycle",
            label: &context.client.name,
            key: &format!("{}.{locale}", email.key),
        };
        let built = email.build().unwrap();
        let path = sandbox.write(&place, Form::Eml, &built.bytes).unwrap();
        let bytes = std::fs::read(path).unwrap();
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(
            parsed.subject().unwrap(),
            letter.subject.replace('\u{a0}', " ")
        );
        assert_eq!(
            parsed.body_text(0).unwrap().replace("\r\n", "\n"),
            letter.text
        );
        assert_eq!(shown(&parsed.body_html(0).unwrap()), shown(&letter.html));
    }
}

/// What a reader of HTML makes of it: its character references are letters.
fn shown(html: &str) -> String {
    let mut parts = html.split("&#");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        text.push(char::from_u32(number.parse().unwrap()).unwrap());
        text.push_str(rest);
    }
    text.replace("\r\n", "\n")
}

/// How the HTML of a letter travels, and what is read of it.
fn travelled(html: &str) -> (String, String) {
    let html = html.to_owned();
    let letter = EmailMessage { html, ..message() };
    let bytes = letter.build().unwrap().bytes;
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    let encoding = parsed.parts[2].content_transfer_encoding().unwrap();
    (
        encoding.to_ascii_lowercase(),
        parsed.body_html(0).unwrap().replace("\r\n", "\n"),
    )
}

#[test]
fn html_that_mail_carries_as_it_is_is_not_encoded() {
    let plain = format!("<p style=\"margin: 0\">{}</p>\n", "letters ".repeat(100));
    assert_eq!(travelled(&plain), ("7bit".to_owned(), plain.clone()));
    let few = format!("{plain}<p title=\"\u{201c}\">1\u{a0}500\u{a0}\u{20bd} \u{1f381}</p>\n");
    let (encoding, read) = travelled(&few);
    assert_eq!(encoding, "7bit");
    assert!(read.contains("1&#160;500&#160;&#8381; &#127873;"), "{read}");
    assert_eq!(shown(&read), few);
}

#[test]
fn html_that_mail_would_change_is_encoded_and_read_back_as_it_was() {
    let words = "letters ".repeat(100);
    for html in [
        format!("<p>{}</p>\n", "letters ".repeat(125)),
        format!("<p>{words}</p>\nFrom here\n"),
        format!("<style>p::after {{ content: \"\u{2192}\" }}</style><p>{words}</p>\n"),
        format!("<STYLE>p::after {{ content: \"\u{2192}\" }}</STYLE><p>{words}</p>\n"),
        format!("<p>{words}\0</p>\n"),
        format!("<p>{words}{}</p>\n", "слово ".repeat(30)),
    ] {
        let (encoding, read) = travelled(&html);
        assert_ne!(encoding, "7bit", "{html}");
        assert_eq!(read, html);
    }
}

proptest! {
    #[test]
    fn any_text_comes_through_whole_and_nothing_else_does(
        subject in "\\PC{1,200}",
        name in "\\PC{0,80}",
        text in "(\\PC|\n){1,400}",
    ) {
        let mut letter = message();
        letter.subject.clone_from(&subject);
        letter.to.name = Some(name);
        letter.text.clone_from(&text);
        if let Ok(built) = letter.build() {
            let parsed = MessageParser::default().parse(&built.bytes).unwrap();
            prop_assert_eq!(parsed.parts.len(), 3);
            prop_assert_eq!(parsed.to().unwrap().iter().count(), 1);
            prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("anna@example.com"));
            let read = parsed.body_text(0).unwrap().replace("\r\n", "\n");
            prop_assert_eq!(read.trim_end(), text.trim_end());
        } else {
            prop_assert!(subject.trim().is_empty() || text.trim().is_empty());
        }
    }
}
