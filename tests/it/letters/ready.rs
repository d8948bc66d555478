//! The ready templates: every one, in both languages, with everything and with as little as may be.

use rekindle::config::Settings;
use rekindle::model::Locale;
use rekindle::render::{CompanyPart, Kind, Letter, LetterContext, TaskListContext, Templates};

/// Gmail cuts letters longer than this. Source: Gmail help, "message clipped".
const CLIPPED_AT: usize = 102 * 1024;

fn ready() -> Templates {
    let (templates, problems) = Templates::load(None);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    templates
}

/// A letter as its reader reads it, with every space an ordinary one.
fn as_read(letter: &Letter) -> String {
    let Letter {
        subject,
        preheader,
        text,
        ..
    } = letter;
    format!("{subject}\n{preheader}\n\n{text}").replace('\u{a0}', " ")
}

/// Every ready letter of both kinds in both languages.
fn every_letter(context: impl Fn(Locale) -> LetterContext) -> Vec<Letter> {
    let templates = ready();
    let mut letters = Vec::new();
    for info in templates.templates() {
        for locale in info.locales {
            match info.kind {
                Kind::Letter => {
                    let letter = templates.render_letter(&info.name, locale, &context(locale));
                    letters.push(letter.unwrap());
                }
                Kind::Manager => {
                    let mut list = TaskListContext::sample(locale);
                    list.tasks[0].client = context(locale).client;
                    letters.push(
                        templates
                            .render_task_list(&info.name, locale, &list)
                            .unwrap(),
                    );
                }
                Kind::Script | Kind::WhatsApp | Kind::Page | Kind::Certificate => {}
            }
        }
    }
    assert_eq!(letters.len(), 42, "twenty-one letters in two languages");
    letters
}

#[test]
fn a_letter_is_the_same_however_much_of_it_was_known_before() {
    let whole = ready();
    for locale in Locale::ALL {
        let sample = LetterContext::sample(locale);
        let mut folded = ready();
        let same = serde_json::json!({"company": &sample.company, "news": &sample.news});
        folded.fold(&same).unwrap();
        let mut contexts = vec![sample.clone(), sample.clone(), sample.clone(), sample];
        contexts[1].client.name = "Zoë <&> \"Анна\"".to_owned();
        contexts[2].company.name = "Another".to_owned();
        contexts[3].news.as_mut().unwrap().items.truncate(1);
        for context in &contexts {
            for info in whole.templates() {
                match info.kind {
                    Kind::Letter => assert_eq!(
                        whole.render_letter(&info.name, locale, context).unwrap(),
                        folded.render_letter(&info.name, locale, context).unwrap()
                    ),
                    Kind::Script => assert_eq!(
                        whole.render_script(&info.name, locale, context).unwrap(),
                        folded.render_script(&info.name, locale, context).unwrap()
                    ),
                    Kind::WhatsApp => assert_eq!(
                        whole.render_whatsapp(&info.name, locale, context).unwrap(),
                        folded.render_whatsapp(&info.name, locale, context).unwrap()
                    ),
                    Kind::Manager | Kind::Page | Kind::Certificate => {}
                }
            }
        }
    }
}

#[test]
fn every_ready_template_is_there_in_russian_and_english() {
    let infos = ready().templates();
    let names = |kind| -> Vec<String> {
        let of_kind = infos.iter().filter(|info| info.kind == kind);
        of_kind.map(|info| info.name.clone()).collect()
    };
    assert_eq!(
        names(Kind::Letter).join(" "),
        "anniversary birthday friend-certificate friend-thanks missed-cycle missed-cycle-formal \
         missed-cycle-light missed-cycle-second new-year news partner-offer rejection \
         rejection-answered rejection-deadline second-purchase seminar seminar-reminder \
         thank-you visit-lapsed"
    );
    assert_eq!(names(Kind::Manager).join(" "), "sign-in task-list");
    assert_eq!(
        names(Kind::Script).join(" "),
        "answered handover key-account new-year-gift rejection second-purchase sleeping-client \
         stalled-deal usual-order visit-lapsed volume-drop"
    );
    assert_eq!(
        names(Kind::WhatsApp).join(" "),
        "business-card friend-certificate-short missed-cycle-short thank-you-short"
    );
    assert_eq!(
        names(Kind::Certificate).join(" "),
        "certificate certificate-print"
    );
    for info in &infos {
        assert_eq!(info.locales, Locale::ALL, "{}", info.name);
        assert!(info.ready);
    }
}

#[test]
fn a_template_tells_which_parts_of_an_episode_it_needs() {
    let infos = ready().templates();
    let needs = |name: &str| {
        let info = infos.iter().find(|info| info.name == name).unwrap();
        info.needs.join(" ")
    };
    assert_eq!(needs("missed-cycle"), "rhythm");
    assert_eq!(needs("friend-certificate"), "certificate");
    assert_eq!(needs("rejection-answered"), "deal news");
    assert_eq!(needs("new-year"), "");
    assert_eq!(needs("birthday"), "");
    assert_eq!(needs("anniversary"), "occasion rhythm");
    assert_eq!(needs("seminar"), "event");
    assert_eq!(needs("partner-offer"), "partner");
}

#[test]
fn every_letter_is_whole_and_small_and_offers_a_way_out() {
    for letter in every_letter(LetterContext::sample) {
        let name = format!("{} {}", letter.template, letter.locale);
        assert!(
            letter.html.len() < CLIPPED_AT,
            "{name}: {}",
            letter.html.len()
        );
        assert!(letter.html.starts_with("<!DOCTYPE html>"), "{name}");
        assert!(letter.html.trim_end().ends_with("</html>"), "{name}");
        assert!(
            letter.html.contains(&format!("lang=\"{}\"", letter.locale)),
            "{name}"
        );
        assert!(letter.html.contains("prefers-color-scheme: dark"), "{name}");
        assert!(letter.html.contains("name=\"color-scheme\""), "{name}");
        assert!(
            letter.html.replace(": ", ":").contains("max-width:600px"),
            "{name}"
        );
        for tag in letter
            .html
            .match_indices("<img")
            .map(|(at, _)| &letter.html[at..])
        {
            assert!(tag[..tag.find('>').unwrap()].contains("alt="), "{name}");
        }
        for left in ["{{", "}}", "[object]", "NaN", "undefined"] {
            let html = letter.html.replace("}\n}", "");
            assert!(
                !html.contains(left) && !letter.text.contains(left),
                "{name}: {left}"
            );
        }
        let unsubscribe = "https://example.org/u/v1.k1.";
        if !["task-list", "sign-in"].contains(&letter.template.as_str()) {
            assert!(letter.html.contains(unsubscribe), "{name}");
            assert!(letter.text.contains(unsubscribe), "{name}");
        }
    }
}

#[test]
fn no_sentence_ends_twice() {
    for letter in every_letter(LetterContext::sample) {
        for (what, text) in [("text", &letter.text), ("HTML", &letter.html)] {
            let twice = text.replace("...", "…").find("..");
            assert_eq!(twice, None, "{} {} {what}", letter.template, letter.locale);
        }
    }
}

#[test]
fn the_theme_of_the_company_stands_in_one_place_and_shows_in_every_letter() {
    let settings: Settings = toml::from_str(
        r##"[company]
name = "Rye & Co"
time_zone = "Europe/Moscow"
address = "1 Mill Lane"
phone = "+78005550000"
legal = "Rye Ltd, no. 77"
accent = "#8a1538"
logo_url = "https://rye.test/logo.png"
"##,
    )
    .unwrap();
    let company = CompanyPart::of(&settings.company);
    let letters = every_letter(|locale| LetterContext {
        company: company.clone(),
        ..LetterContext::sample(locale)
    });
    for letter in letters {
        if ["task-list", "sign-in"].contains(&letter.template.as_str()) {
            continue;
        }
        let name = format!("{} {}", letter.template, letter.locale);
        for shown in ["#8a1538", "https://rye.test/logo.png", "Rye &amp; Co"] {
            assert!(letter.html.contains(shown), "{name}: {shown}");
        }
        for said in ["1 Mill Lane", "Rye Ltd, no. 77"] {
            assert!(
                letter.html.contains(said) && letter.text.contains(said),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn the_tags_of_every_letter_are_closed_in_order() {
    for letter in every_letter(LetterContext::sample) {
        let mut open: Vec<String> = Vec::new();
        // Comments hold the tags that only Outlook sees; they are balanced among themselves.
        let html = without_comments(&letter.html);
        for tag in html
            .split('<')
            .skip(1)
            .map(|rest| &rest[..rest.find('>').unwrap()])
        {
            let name = tag.split([' ', '\n']).next().unwrap().to_owned();
            if let Some(name) = name.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{}", letter.template);
            } else if !["!DOCTYPE", "meta", "br", "img"].contains(&&*name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{}: {open:?}", letter.template);
    }
}

fn without_comments(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<!--") {
        out.push_str(&rest[..start]);
        rest = &rest[start + rest[start..].find("-->").unwrap() + 3..];
    }
    out + rest
}

#[test]
fn the_plain_text_is_wrapped_and_has_no_html_left() {
    for letter in every_letter(LetterContext::sample) {
        let name = format!("{} {}", letter.template, letter.locale);
        for line in letter.text.lines() {
            let long = line.chars().count() > 76 && !line.contains("https://");
            assert!(!long, "{name}: {line}");
        }
        for left in ["<p", "<br", "<a ", "&nbsp;", "&amp;", "&quot;", "&#"] {
            assert!(!letter.text.contains(left), "{name}: {left}");
        }
        assert!(!letter.text.contains("\n\n\n"), "{name}");
        assert!(!letter.subject.contains('\n') && !letter.preheader.contains('\n'));
        assert!(
            letter.subject.chars().count() <= 70,
            "{name}: {}",
            letter.subject
        );
    }
}

#[test]
fn a_hostile_name_stays_a_name() {
    let evil = "<script>alert('1')</script> \"'`={{company.name}} {{{x}}}";
    let letters = every_letter(|locale| {
        let mut context = LetterContext::sample(locale);
        context.client.name = evil.to_owned();
        context.client.address_as = Some(evil.to_owned());
        context.client.company = Some(evil.to_owned());
        if let Some(rhythm) = &mut context.rhythm {
            rhythm.last_items = vec![evil.to_owned()];
            rhythm.usual_items = vec![evil.to_owned()];
        }
        if let Some(news) = &mut context.news {
            news.items[0].text = evil.to_owned();
        }
        context
    });
    // The letter with the link to sign in names nobody but the manager.
    let letters = letters.into_iter();
    for letter in letters.filter(|letter| letter.template != "sign-in") {
        assert!(!letter.html.contains("<script"), "{}", letter.template);
        assert!(
            letter.html.contains("&lt;script&gt;"),
            "{}",
            letter.template
        );
        assert!(
            letter.html.contains("{{company.name}}"),
            "{}",
            letter.template
        );
        assert!(
            letter.text.contains("<script>"),
            "text is not escaped: {}",
            letter.template
        );
    }
}

#[test]
fn a_link_that_is_none_stops_the_letter_and_says_where() {
    let templates = ready();
    let mut context = LetterContext::sample(Locale::Ru);
    context.links.site = Some("javascript:alert(1)".to_owned());
    let error = templates
        .render_letter("missed-cycle", Locale::Ru, &context)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("partials/button.txt.hbs") && error.contains("no link that can be sent"),
        "{error}"
    );
}

#[test]
fn who_is_not_known_by_name_is_greeted_without_one() {
    let templates = ready();
    let mut context = LetterContext::sample(Locale::Ru);
    context.client = rekindle::render::ClientPart::named("ООО Ромашка");
    context.manager = None;
    let letter = templates
        .render_letter("missed-cycle", Locale::Ru, &context)
        .unwrap();
    assert_eq!(letter.subject, "Повторить ваш заказ?");
    assert!(letter.text.starts_with("Здравствуйте!\n"));
    assert!(letter.text.contains("\n\nЛавка «Полдень»\n"));
}

#[test]
fn a_language_that_is_missing_falls_back_to_the_company_and_then_to_english() {
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("letters/ru");
    std::fs::create_dir_all(&letters).unwrap();
    let text = "Subject: Только по-русски\nPreheader: да\n\nТекст\n";
    std::fs::write(letters.join("own.txt.hbs"), text).unwrap();
    std::fs::write(letters.join("own.html.hbs"), "<p>Текст</p>").unwrap();
    let (templates, problems) = Templates::load(Some(folder.path()));
    assert_eq!(problems, []);

    let of_russian_company = LetterContext::sample(Locale::Ru);
    let letter = templates
        .render_letter("own", Locale::En, &of_russian_company)
        .unwrap();
    assert_eq!(letter.locale, Locale::Ru);

    let of_english_company = LetterContext::sample(Locale::En);
    let error = templates
        .render_letter("own", Locale::En, &of_english_company)
        .unwrap_err();
    assert_eq!(error.to_string(), "there is no letter \"own\" in en");
}

#[test]
fn stored_values_give_the_same_letter_later() {
    let context = LetterContext::sample(Locale::Ru);
    let stored = serde_json::to_string(&context).unwrap();
    let later: LetterContext = serde_json::from_str(&stored).unwrap();
    let first = ready().render_letter("news", Locale::Ru, &context).unwrap();
    let second = ready().render_letter("news", Locale::Ru, &later).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.version.len(), 16);
}

#[test]
fn the_letter_about_a_missed_cycle_reads_like_this() {
    let templates = ready();
    let letter = templates
        .render_letter(
            "missed-cycle",
            Locale::Ru,
            &LetterContext::sample(Locale::Ru),
        )
        .unwrap();
    insta::assert_snapshot!(as_read(&letter));
}

#[test]
fn the_letter_with_a_certificate_reads_like_this() {
    let templates = ready();
    let letter = templates
        .render_letter(
            "friend-certificate",
            Locale::En,
            &LetterContext::sample(Locale::En),
        )
        .unwrap();
    insta::assert_snapshot!(as_read(&letter));
}

#[test]
fn the_list_of_a_manager_reads_like_this() {
    let templates = ready();
    let letter = templates
        .render_task_list(
            "task-list",
            Locale::Ru,
            &TaskListContext::sample(Locale::Ru),
        )
        .unwrap();
    insta::assert_snapshot!(as_read(&letter));
    assert!(letter.html.contains("href=\"tel:+79130000001\""));
}

#[test]
fn the_script_of_a_rejection_reads_like_this() {
    let templates = ready();
    let script = templates
        .render_script("rejection", Locale::Ru, &LetterContext::sample(Locale::Ru))
        .unwrap();
    insta::assert_snapshot!(script.text.replace('\u{a0}', " "));
}

#[test]
fn a_letter_never_tells_the_client_the_reason_that_the_company_noted() {
    let templates = ready();
    let mut context = LetterContext::sample(Locale::Ru);
    if let Some(deal) = &mut context.deal {
        deal.reason = Some("скандальный клиент".to_owned());
    }
    for name in ["rejection", "rejection-answered"] {
        let letter = templates.render_letter(name, Locale::Ru, &context).unwrap();
        assert!(!letter.html.contains("скандальный") && !letter.text.contains("скандальный"));
    }
    let script = templates
        .render_script("rejection", Locale::Ru, &context)
        .unwrap();
    assert!(script.text.contains("скандальный"));
}

#[test]
fn a_nudge_has_the_parameters_and_the_text_that_the_client_reads() {
    let nudge = ready()
        .render_whatsapp(
            "missed-cycle-short",
            Locale::Ru,
            &LetterContext::sample(Locale::Ru),
        )
        .unwrap();
    assert_eq!(nudge.template_name, "missed_cycle_short");
    assert_eq!(nudge.language, "ru");
    assert_eq!(nudge.parameters, ["Лавка «Полдень»", "2\u{a0}ноября"]);
    assert!(
        nudge
            .preview
            .starts_with("Добрый день! Это Лавка «Полдень». Последний ваш заказ")
    );
    assert_eq!(nudge.buttons[1].parameter, "stop");
}

#[test]
fn a_long_list_of_tasks_stays_below_what_mail_programs_cut() {
    let templates = ready();
    let mut list = TaskListContext::sample(Locale::Ru);
    let task = list.tasks[0].clone();
    list.tasks = (1..=25)
        .map(|rank| {
            let mut task = task.clone();
            task.rank = rank;
            task
        })
        .collect();
    let letter = templates
        .render_task_list("task-list", Locale::Ru, &list)
        .unwrap();
    assert!(letter.html.len() < CLIPPED_AT, "{}", letter.html.len());

    list.tasks = vec![task; 2_000];
    let error = templates
        .render_task_list("task-list", Locale::Ru, &list)
        .unwrap_err();
    assert!(
        error.to_string().contains("longer than 262144 bytes"),
        "{error}"
    );
}

#[test]
fn every_variable_and_every_word_is_explained_to_marketing() {
    let manual =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/README.md"))
            .unwrap();
    let context = serde_json::to_value(LetterContext::sample(Locale::En)).unwrap();
    for (part, value) in context.as_object().unwrap() {
        for field in value
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.keys())
        {
            let variable = format!("`{part}.{field}`");
            assert!(manual.contains(&variable), "{variable}");
        }
    }
    for word in rekindle::render::words() {
        let written = [format!("{{{{{word} "), format!("{{{{#{word} ")];
        assert!(written.iter().any(|form| manual.contains(form)), "{word}");
    }
}
