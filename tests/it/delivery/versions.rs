//! What was let go is what leaves, and every attempt is made of the same, whoever edits meanwhile.

use chrono::TimeDelta;
use rekindle::pictures::CertificateArtist;
use resvg::tiny_skia::Pixmap;

use super::sink::{At, Fault, Manners, Script};
use super::{LETTER, NUDGE, Post, fake, news, servers};

/// A server that is busy so often after the content.
fn busy(times: usize) -> Manners {
    Manners {
        scripts: vec![Script {
            at: At::EndOfData,
            fault: Fault::Say("450 4.2.1 busy"),
        }],
        most_faults: Some(times),
        ..Manners::default()
    }
}

fn letters(manners: Manners, ids: &[&str]) -> Post {
    let mut post = Post::letters(manners);
    post.clients(ids);
    post.world.campaign(&news("news", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post
}

/// Other texts in everything that a letter is made of beside its inputs.
fn edit_everything(post: &mut Post) {
    post.template("letters/en/news.txt.hbs", |text| {
        text.replacen("Subject: ", "Subject: Edited ", 1)
    });
    post.template("letters/en/news.html.hbs", |text| {
        format!("<p>Edited</p>\n{text}")
    });
    post.template("layout/letter.txt.hbs", |text| format!("{text}\nEdited\n"));
    post.template("partials/en/footer.txt.hbs", |text| {
        format!("Edited\n{text}")
    });
    let edited = news("news", "2026-03-05", LETTER).replace("Something is new.", "Edited.");
    post.world.campaign(&edited);
    post.world.also("\n");
    let company = post.world.config_file();
    let text = std::fs::read_to_string(&company).unwrap();
    std::fs::write(&company, text.replace("\"Bakery\"", "\"Edited\"")).unwrap();
}

/// The texts of all letters that came, without their MIME form.
fn texts(post: &Post) -> Vec<String> {
    let received = post.sink().received();
    let parser = mail_parser::MessageParser::default();
    let texts = received.iter().map(|one| {
        let letter = parser.parse(&one.data).unwrap();
        let (text, html) = (letter.body_text(0).unwrap(), letter.body_html(0).unwrap());
        format!("{}\n{text}\n{html}", letter.subject().unwrap())
    });
    texts.collect()
}

#[test]
fn a_letter_has_the_same_bytes_at_each_attempt_though_all_that_it_is_made_of_was_edited() {
    let mut post = letters(busy(2), &["anna"]);
    post.deliver();
    assert_eq!(post.state("anna").0, "retry");
    edit_everything(&mut post);
    post.restart_as_written();
    for hours in [1, 2] {
        post.later(TimeDelta::hours(hours));
        post.deliver();
    }
    assert_eq!(post.state("anna").0, "accepted");
    let received = post.sink().received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|one| one.data == received[0].data));
    assert!(!texts(&post)[0].contains("Edited"));
    // The edited files are used where they should be: by the next day.
    let kept = "SELECT count(*) FROM template_versions";
    let before = post.world.count(kept);
    post.live = None;
    post.world.campaign(&news("more", "2026-03-20", LETTER));
    post.planned("2026-03-20");
    post.later(TimeDelta::hours(1));
    post.deliver();
    let last = texts(&post).pop().unwrap();
    assert!(
        last.contains("Edited") && !last.contains("Something is new, edited"),
        "{last}"
    );
    assert!(post.world.count(kept) > before);
    post.finish();
}

#[test]
fn a_certificate_has_the_same_picture_at_each_attempt_though_template_and_logo_were_edited() {
    const GIFT: &str = r#"channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d" }"#;
    let mut post = Post::letters(busy(2));
    post.clients(&["anna"]);
    // The company shows a logo of its own.
    let red = logo("#ff0000");
    let own = post.world.home().join("templates/certificates");
    post.template("certificates/en/certificate.svg.hbs", |text| {
        let whole = text.trim_end().strip_suffix("</svg>").unwrap();
        let shown = r#"<image href="logo.png" x="600" y="70" width="100" height="50"/>"#;
        format!("{whole}{shown}</svg>\n")
    });
    std::fs::write(own.join("logo.png"), &red).unwrap();
    post.world.campaign(&news("news", "2026-03-05", GIFT));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna").0, "retry");
    // Between the attempts marketing redesigns both.
    std::fs::write(own.join("logo.png"), logo("#0000ff")).unwrap();
    post.template("certificates/en/certificate.svg.hbs", |text| {
        text.replace("#f6f1e7", "#000000")
    });
    for hours in [1, 2] {
        post.later(TimeDelta::hours(hours));
        post.restart_as_written();
        post.deliver();
    }
    assert_eq!(post.state("anna").0, "accepted");
    let received = post.sink().received();
    assert_eq!(received.len(), 3);
    let pictures: Vec<Vec<u8>> = received.iter().map(|one| picture(&one.data)).collect();
    let first = Pixmap::decode_png(&pictures[0]).unwrap();
    let at = |x, y| first.pixel(x, y).unwrap();
    assert_eq!((at(5, 5).red(), at(5, 5).blue()), (0xf6, 0xe7), "the paper");
    assert_eq!(
        (at(650, 95).red(), at(650, 95).blue()),
        (255, 0),
        "the logo"
    );
    assert!(pictures.iter().all(|one| *one == pictures[0]));
    assert!(received.iter().all(|one| one.data == received[0].data));
    // The next mailing has the new ones.
    post.live = None;
    post.world.campaign(&news("more", "2026-03-20", GIFT));
    post.planned("2026-03-20");
    post.later(TimeDelta::hours(1));
    post.deliver();
    let last = post.sink().received().pop().unwrap();
    let last = Pixmap::decode_png(&picture(&last.data)).unwrap();
    assert_eq!(last.pixel(5, 5).unwrap().red(), 0);
    assert_eq!(last.pixel(650, 95).unwrap().blue(), 255);
    post.finish();
}

/// A logo of one colour, as PNG.
fn logo(colour: &str) -> Vec<u8> {
    let svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='100' height='50'>\
         <rect width='100' height='50' fill='{colour}'/></svg>"
    );
    CertificateArtist::new(None).png(&svg).unwrap()
}

/// The picture that a letter carries.
fn picture(letter: &[u8]) -> Vec<u8> {
    let letter = mail_parser::MessageParser::default().parse(letter).unwrap();
    let mut parts = letter.parts.iter();
    let picture = parts.find(|part| part.contents().starts_with(b"\x89PNG"));
    picture.unwrap().contents().to_vec()
}

#[test]
fn what_was_approved_is_what_leaves_until_a_person_renews_it() {
    let mut post = letters(busy(1), &["anna", "boris"]);
    edit_everything(&mut post);
    post.restart_as_written();
    // One of them meets a busy server, the other one is accepted: both as they were approved.
    post.deliver();
    assert_eq!(texts(&post).len(), 2);
    assert!(texts(&post).iter().all(|text| !text.contains("Edited")));
    post.live = None;
    post.world.client("clara").bought(&["2026-01-05"]);
    post.world.campaign(&news("late", "2026-03-06", LETTER));
    post.planned("2026-03-06");
    let config = post.world.config_file();
    post.template("letters/en/news.txt.hbs", |text| {
        text.replacen("Subject: Edited ", "Subject: Renewed ", 1)
    });
    let renew = |date: &str| {
        let mut renew = std::process::Command::new(env!("CARGO_BIN_EXE_rekindle"));
        renew.arg("--config").arg(&config);
        renew.args(["runs", "renew", date, "--by", "marketing"]);
        renew.output().unwrap()
    };
    assert!(renew("2026-03-06").status.success());
    // Nothing of this day waits that was never tried.
    assert_eq!(renew("2026-03-05").status.code(), Some(2));
    post.later(TimeDelta::hours(2));
    post.deliver();
    let (old, new): (Vec<_>, Vec<_>) = texts(&post)
        .into_iter()
        .skip(2)
        .partition(|text| !text.contains("Edited") && !text.contains("Renewed"));
    assert_eq!(old.len(), 1, "the busy one again, as it was");
    assert!(
        !new.is_empty() && new.iter().all(|text| text.starts_with("Renewed ")),
        "{new:?}"
    );
    let audit = post
        .world
        .texts("SELECT by || ': ' || what || ', ' || about FROM audit");
    assert_eq!(audit, ["marketing: templates renewed, run of 2026-03-06"]);
    post.finish();
}

#[test]
fn a_nudge_has_the_same_parameters_at_each_attempt() {
    let rule = fake::Rule {
        times: Some(1),
        ..fake::Rule::always(fake::Then::Refuse { code: 131_000 })
    };
    let script = fake::Script {
        rules: vec![rule],
        ..servers::script()
    };
    let mut post = Post::nudges(script, "");
    let client = post.world.client("anna");
    client.phone("+77011234567").bought(&["2026-01-05"]);
    post.world.campaign(&news("news", "2026-03-05", NUDGE));
    post.planned("2026-03-05");
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna").0, "retry");
    post.template("whatsapp/en/thank-you-short.toml", |text| {
        text.replace("{{", "Edited {{")
    });
    post.later(TimeDelta::hours(1));
    post.deliver();
    assert_eq!(post.state("anna").0, "accepted");
    let contents = post
        .world
        .count("SELECT count(DISTINCT content) FROM attempts");
    let attempts = post.world.count("SELECT count(*) FROM attempts");
    assert_eq!((attempts, contents), (2, 1));
    post.finish();
}
