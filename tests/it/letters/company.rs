//! The company's own templates: what is over what, and how mistakes are told.

use std::path::Path;

use rekindle::model::Locale;
use rekindle::render::{LetterContext, RenderError, Templates};

/// A folder of templates with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text.as_bytes());
    }
    folder
}

fn write(folder: &Path, path: &str, bytes: &[u8]) {
    let full = folder.join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(full, bytes).unwrap();
}

/// The problems of a folder, each without the path to the folder.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    problems_in(folder.path())
}

fn problems_in(folder: &Path) -> Vec<String> {
    let (_, problems) = Templates::load(Some(folder));
    let prefix = format!("{}/", folder.display());
    let shown = problems
        .iter()
        .map(|problem| problem.to_string().replace(&prefix, ""));
    shown.collect()
}

/// The problems of a letter with this HTML.
fn html_problems(html: &str) -> Vec<String> {
    problems(&[
        (
            "letters/ru/a.txt.hbs",
            "Subject: s\nPreheader: p\n\nТекст\n",
        ),
        ("letters/ru/a.html.hbs", html),
    ])
}

#[test]
fn a_file_of_the_company_takes_the_place_of_one_ready_file() {
    let folder = folder(&[(
        "partials/ru/footer.html.hbs",
        "<p>Наш подвал. <a href=\"{{url links.unsubscribe}}\">Отписаться</a></p>",
    )]);
    let (templates, problems) = Templates::load(Some(folder.path()));
    assert_eq!(problems, []);
    let context = LetterContext::sample(Locale::Ru);
    let letter = templates
        .render_letter("news", Locale::Ru, &context)
        .unwrap();
    assert!(letter.html.contains("Наш подвал") && !letter.text.contains("Наш подвал"));

    let (ready, _) = Templates::load(None);
    let before = ready.render_letter("news", Locale::Ru, &context).unwrap();
    assert_ne!(
        before.version, letter.version,
        "another footer is another version"
    );
    let english = LetterContext::sample(Locale::En);
    assert_eq!(
        ready.render_letter("news", Locale::En, &english),
        templates.render_letter("news", Locale::En, &english)
    );
}

#[test]
fn a_typo_is_found_with_its_place_and_the_right_word() {
    for (html, expected) in [
        (
            "<p>\n{{client.frist_name}}</p>",
            "letters/ru/a.html.hbs:2:3: there is no variable `client.frist_name`; did you mean \
             `client.first_name`?",
        ),
        (
            "{{first_name}}",
            "letters/ru/a.html.hbs:1:3: there is no variable `first_name`; did you mean \
             `client.first_name`?",
        ),
        (
            "<p>{{mony deal.amount}}</p>",
            "letters/ru/a.html.hbs:1:6: there is no word `mony`; did you mean `money`?",
        ),
        (
            "{{money deal.amount whle=true}}",
            "letters/ru/a.html.hbs:1:21: `money` has no option `whle`; did you mean `whole`?",
        ),
        (
            "{{> buton to=links.site label=\"x\"}}",
            "letters/ru/a.html.hbs:1:5: there is no partial `buton`; did you mean `button`?",
        ),
        (
            "{{date}}",
            "letters/ru/a.html.hbs:1:3: `date` got 0 values; it is written {{date \
             certificate.valid_until style=\"day\"}}",
        ),
        (
            "{{#client}}x{{/client}}",
            "letters/ru/a.html.hbs:1:4: `#client` is no block; write {{#with client}} or \
             {{#each client}}",
        ),
        (
            "{{#each client.name}}x{{/each}}",
            "letters/ru/a.html.hbs:1:9: `client.name` is not a list; write {{#if client.name}} or \
             {{#with client.name}}",
        ),
    ] {
        assert_eq!(html_problems(html), [expected]);
    }
}

#[test]
fn a_typo_is_found_in_branches_that_no_example_would_show() {
    let html = "{{#if certificate}}a{{else}}{{client.nmae}}{{/if}}\n\
                {{#unless client.name}}{{#each news.items}}{{titel}}{{/each}}{{/unless}}\n\
                {{#if (and deal (gt deal.amuont 5))}}b{{else if compny}}c{{/if}}";
    let found = html_problems(html).join("\n");
    for (place, name) in [
        ("1:31", "client.nmae"),
        ("2:46", "titel"),
        ("3:21", "deal.amuont"),
        ("3:49", "compny"),
    ] {
        let expected = format!("{place}: there is no variable `{name}`");
        assert!(found.contains(&expected), "{expected} in\n{found}");
    }
}

#[test]
fn inside_a_list_the_way_out_of_it_is_suggested() {
    let html = "{{#each news.items}}{{client.name}}{{/each}}";
    assert_eq!(
        html_problems(html),
        [
            "letters/ru/a.html.hbs:1:23: there is no variable `client.name`; did you mean \
          `@root.client.name`?"
        ]
    );
    let good = "{{#each news.items as |item i|}}{{@root.client.name}} {{../client.name}} \
                {{item.title}} {{i}} {{@index}} {{this.title}}{{/each}}";
    assert_eq!(html_problems(good), Vec::<String>::new());
}

#[test]
fn every_value_that_some_clients_do_not_have_must_be_asked_for() {
    let found = html_problems("<p>{{client.first_name}}\n{{#if deal}}{{deal.title}}{{/if}}</p>");
    assert_eq!(
        found,
        [
            "letters/ru/a.html.hbs:1:4: `client.first_name` has no value here; ask for it first: \
             {{#if client.first_name}}…{{/if}}",
            "letters/ru/a.html.hbs:2:13: `deal.title` has no value here; ask for it first: \
             {{#if deal.title}}…{{/if}}",
        ]
    );
    let good = "<p>{{#if client.first_name}}{{client.first_name}}{{/if}} \
                {{default client.company \"\"}}</p>";
    assert_eq!(html_problems(good), Vec::<String>::new());
    let found = html_problems("{{#if client.company}}x{{/if}}");
    assert_eq!(
        found,
        ["letters/ru/a.txt.hbs: the HTML of \"a\" came out empty"]
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_told_and_not_left_empty() {
    for (html, expected) in [
        (
            "{{money client.name}}",
            "1:1: `money`: \"Петрова Анна Сергеевна\" is not an amount such as 1500 RUB; it is \
             written {{money rhythm.average_receipt}}",
        ),
        ("{{date client.name}}", "is not a date"),
        (
            "{{plural client.name \"раз\" \"раза\" \"раз\"}}",
            "expected a number, got text",
        ),
        (
            "{{plural rhythm.purchases \"раз\" \"раза\"}}",
            "Russian has three forms: день, дня, дней",
        ),
        ("{{list client.name}}", "expected a list of texts, got text"),
        ("{{url client.name}}", "no link that can be sent"),
        ("{{date today style=\"tiny\"}}", "`style` is one of"),
        ("{{money deal.amount whole=1}}", "`whole` is true or false"),
        (
            "{{first news.items}}",
            "expected a list of texts, got a list",
        ),
    ] {
        let found = html_problems(html).join("\n");
        assert!(found.contains(expected), "{html}: {found}");
    }
}

#[test]
fn what_escaping_does_not_protect_is_turned_away() {
    for (html, expected) in [
        (
            "{{{client.name}}}",
            "`client.name` is written without escaping",
        ),
        (
            "{{& client.name}}",
            "`client.name` is written without escaping",
        ),
        ("{{{content}}}", "`content` is written without escaping"),
        (
            "<a href=\"{{links.site}}\">x</a>",
            "write {{url links.site}}",
        ),
        (
            "<p style=\"color:{{client.name}}\">x</p>",
            "`client.name` stands in `style`",
        ),
        (
            "<p onclick=\"{{client.name}}\">x</p>",
            "`client.name` stands in `onclick`",
        ),
        ("<script>1</script>", "`<script>` does not work in letters"),
        (
            "<img src=\"https://example.org/a.png\">",
            "a picture without `alt`",
        ),
    ] {
        let found = html_problems(html).join("\n");
        assert!(found.contains(expected), "{html}: {found}");
    }
}

#[test]
fn a_letter_without_a_way_out_is_turned_away() {
    let found = problems(&[("layout/letter.html.hbs", "<html>{{{content}}}</html>")]);
    assert_eq!(found.len(), 38, "every letter uses the layout: {found:?}");
    assert!(found[0].contains("no link to stop letters"), "{}", found[0]);
}

#[test]
fn a_partial_that_includes_itself_is_found_and_does_not_end_the_process() {
    let found = problems(&[
        ("partials/one.html.hbs", "{{> two}}"),
        ("partials/two.html.hbs", "x {{> one}}"),
        (
            "letters/ru/a.txt.hbs",
            "Subject: s\nPreheader: p\n\nТекст\n",
        ),
        ("letters/ru/a.html.hbs", "{{> one}}"),
    ]);
    assert_eq!(
        found,
        ["partials/two.html.hbs:1:7: the partial `one` includes itself; it would never end"]
    );
}

#[test]
fn a_template_nested_without_end_is_a_problem_and_does_not_end_the_process() {
    let deep = "{{#if client}}".repeat(15_000);
    let found = html_problems(&deep);
    assert!(
        found[0].contains("more than 32 blocks inside each other"),
        "{}",
        found[0]
    );
    let wide = "(".repeat(100_000);
    let found = html_problems(&format!("{{{{default {wide}"));
    assert!(found[0].contains("more than 16 brackets"), "{}", found[0]);
}

#[test]
fn a_problem_of_a_shared_piece_is_told_once() {
    let found = problems(&[(
        "partials/button.html.hbs",
        "<a href=\"{{url too}}\">{{label}}</a>",
    )]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("partials/button.html.hbs:1:16: there is no variable `too`"));
    let found = problems(&[("partials/button.html.hbs", "{{#if to}}")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("`{{#if}}` is never closed"), "{found:?}");
}

#[test]
fn a_broken_letter_is_not_sent_and_the_others_are() {
    let folder = folder(&[("letters/ru/news.html.hbs", "{{nwes.title}}")]);
    let (templates, problems) = Templates::load(Some(folder.path()));
    assert_eq!(problems.len(), 1);
    let context = LetterContext::sample(Locale::Ru);
    let error = templates
        .render_letter("news", Locale::Ru, &context)
        .unwrap_err();
    assert!(matches!(error, RenderError::Broken { ref problems, .. } if problems.len() == 1));
    assert!(
        templates
            .render_letter("thank-you", Locale::Ru, &context)
            .is_ok()
    );
    assert!(
        templates
            .render_letter("news", Locale::En, &context)
            .is_ok()
    );
}

#[test]
fn an_unknown_letter_leads_to_the_one_that_was_meant() {
    let (templates, _) = Templates::load(None);
    let context = LetterContext::sample(Locale::Ru);
    let error = templates
        .render_letter("mised-cycle", Locale::Ru, &context)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no letter \"mised-cycle\" in ru, en; did you mean \"missed-cycle\"?"
    );
}

#[test]
fn files_that_cannot_be_templates_are_told_and_the_rest_goes_on() {
    let folder = folder(&[
        ("letters/ru/Письмо.txt.hbs", "x"),
        ("letter/ru/a.txt.hbs", "x"),
        ("letters/ru/only-html.html.hbs", "<p>x</p>"),
        (
            "letters/ru/only-text.txt.hbs",
            "Subject: s\nPreheader: p\n\nx\n",
        ),
        ("notes.md", "not a template"),
        (".DS_Store", "x"),
    ]);
    write(
        folder.path(),
        "scripts/ru/binary.txt.hbs",
        b"ok\n\xff\xfe\x00",
    );
    write(
        folder.path(),
        "scripts/ru/huge.txt.hbs",
        &vec![b'x'; 300 * 1024],
    );
    let found = problems_in(folder.path()).join("\n");
    for expected in [
        "letters/ru/Письмо.txt.hbs: \"Письмо\" is no name for a template",
        "letter/ru/a.txt.hbs: no template is looked for here; did you mean letters/ru/",
        "letters/ru/only-html.html.hbs: the letter has HTML, but no plain text",
        "letters/ru/only-text.txt.hbs: the letter has no HTML",
        "scripts/ru/binary.txt.hbs:2: this line is not UTF-8 text",
        "scripts/ru/huge.txt.hbs: the file has 307200 bytes, a template may have 262144",
    ] {
        assert!(found.contains(expected), "{expected} in\n{found}");
    }
    assert_eq!(found.lines().count(), 6, "{found}");

    let missing = folder.path().join("nowhere");
    let (templates, problems) = Templates::load(Some(&missing));
    assert!(
        problems[0]
            .to_string()
            .contains("the folder of templates cannot be read")
    );
    assert!(!templates.templates().is_empty());
}

#[test]
fn a_file_from_windows_reads_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}Subject: s\r\nPreheader: p\r\n\r\nОдин\r\n\r\nДва\r\n";
    write(folder.path(), "letters/ru/a.txt.hbs", text.as_bytes());
    write(folder.path(), "letters/ru/a.html.hbs", b"<p>x</p>\r\n");
    let (templates, problems) = Templates::load(Some(folder.path()));
    assert_eq!(problems, []);
    let context = LetterContext::sample(Locale::Ru);
    let letter = templates.render_letter("a", Locale::Ru, &context).unwrap();
    assert_eq!(letter.subject, "s");
    assert!(letter.text.starts_with("Один\n\nДва\n"));
}
