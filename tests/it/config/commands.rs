//! `rekindle check` and `rekindle init` as a person uses them.

use std::fs;

use rekindle::cli::check::{self, CheckArgs, SchemaOf};
use rekindle::cli::init::{self, InitArgs};
use rekindle::cli::{Exit, Format};
use rekindle::config::{Problem, Severity};
use rekindle::model::Locale;
use serde_json::Value;

use super::{COMPANY, Home, templates};

fn text(out: Vec<u8>) -> String {
    String::from_utf8(out).expect("commands print UTF-8")
}

/// How `rekindle check` ended and the output of `rekindle check`.
fn check(home: &Home, format: Format, template_problems: Vec<Problem>) -> (Exit, String) {
    let args = CheckArgs {
        schema: None,
        format,
    };
    let mut out = Vec::new();
    let known = templates();
    let code = check::run(
        &args,
        &home.config_file(),
        &known,
        template_problems,
        &mut out,
    )
    .expect("memory takes everything");
    (code, home.without_folder(&text(out)))
}

/// What `rekindle init` says and the folder that it wrote into.
fn init(locale: Locale, folder: &std::path::Path) -> String {
    let args = InitArgs {
        locale,
        dir: folder.to_owned(),
    };
    let mut out = Vec::new();
    init::run(&args, &mut out).expect("the folder can be written to");
    text(out).replace(&folder.display().to_string(), "DIR")
}

#[test]
fn check_ends_with_0_and_a_summary_when_all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    init(Locale::Ru, folder.path());
    let home = Home { folder };
    let (code, said) = check(&home, Format::Text, Vec::new());
    assert_eq!(code, Exit::Done);
    insta::assert_snapshot!(said, @r#"
    ok: 21 campaigns (15 live, 6 draft, 0 paused), 0 sources, 34 templates
    no data yet: add a [[source]] to config/rekindle.toml
    "#);
}

#[test]
fn check_ends_with_0_when_there_are_warnings_only() {
    let home = Home::new(&format!(
        "{COMPANY}[[source]]\nname = \"crm\"\npath = \"nowhere\"\n"
    ));
    let (code, said) = check(&home, Format::Text, Vec::new());
    assert_eq!(code, Exit::Done);
    insta::assert_snapshot!(said, @r#"
    config/rekindle.toml:5:8: warning: there is no file or folder nowhere — a relative path starts at the folder that holds config/
       5 | path = "nowhere"
         |        ^^^^^^^^^

    1 warning: 0 campaigns (0 live, 0 draft, 0 paused), 1 source, 34 templates
    "#);
}

#[test]
fn check_ends_with_2_when_there_are_errors() {
    let home = Home::new("[company]\nnmae = \"Example\"\n");
    let (code, said) = check(&home, Format::Text, Vec::new());
    assert_eq!(code, Exit::Wrong);
    insta::assert_snapshot!(said, @r#"
    config/rekindle.toml:2:1: error: unknown key "nmae" in [company] — did you mean "name"?
       2 | nmae = "Example"
         | ^^^^

    1 error in 1 file: nothing runs until this is mended
    "#);
}

#[test]
fn a_broken_template_makes_the_configuration_wrong() {
    let home = Home::new(COMPANY);
    let problem = Problem::new(
        Severity::Error,
        "templates/letters/en/news.txt.hbs",
        "not closed",
    );
    let (code, said) = check(&home, Format::Text, vec![problem]);
    assert_eq!(code, Exit::Wrong);
    assert!(said.contains("news.txt.hbs: error: not closed"), "{said}");
}

#[test]
fn check_prints_one_json_document() {
    let home = Home::new("[company]\nname = \"Example\"\ncountry = \"ru\"\n");
    let (code, said) = check(&home, Format::Json, Vec::new());
    assert_eq!(code, Exit::Wrong);
    insta::assert_snapshot!(said, @r#"
    {
      "errors": 1,
      "warnings": 0,
      "campaigns": null,
      "sources": null,
      "templates": 34,
      "problems": [
        {
          "severity": "error",
          "file": "config/rekindle.toml",
          "line": 3,
          "column": 11,
          "key": "company.country",
          "message": "country = \"ru\" is not a country",
          "hint": "did you mean \"RU\"? Written as RU or DE, by its two capital letters"
        }
      ]
    }
    "#);
    let (code, said) = check(&Home::new(COMPANY), Format::Json, Vec::new());
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Exit::Done);
    assert_eq!(document["errors"], 0);
    assert_eq!(document["problems"], serde_json::json!([]));
}

#[test]
fn check_prints_the_schemas_that_editors_read() {
    for (schema, title) in [
        (SchemaOf::Settings, "rekindle settings"),
        (SchemaOf::Campaign, "rekindle campaign"),
    ] {
        let args = CheckArgs {
            schema: Some(schema),
            format: Format::Text,
        };
        let mut out = Vec::new();
        let nowhere = std::path::Path::new("nowhere/rekindle.toml");
        let code = check::run(&args, nowhere, &templates(), Vec::new(), &mut out).unwrap();
        let printed: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(code, Exit::Done);
        assert_eq!(printed["title"].as_str(), Some(title));
    }
}

#[test]
fn init_writes_a_configuration_that_is_good() {
    for locale in Locale::ALL {
        let folder = tempfile::tempdir().unwrap();
        init(locale, &folder.path().join("new/place"));
        let file = folder.path().join("new/place/config/rekindle.toml");
        let loaded = rekindle::config::load(&file, &templates()).unwrap();
        assert_eq!(loaded.settings.company.locale, locale);
        assert!(!loaded.campaigns.is_empty());
        assert!(loaded.warnings.is_empty());
    }
}

#[test]
fn init_says_what_it_wrote_and_what_to_do_next() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(init(Locale::En, folder.path()), @r#"
    wrote  DIR/config/campaigns/anniversary.toml
    wrote  DIR/config/campaigns/birthday.toml
    wrote  DIR/config/campaigns/call-before-miss.toml
    wrote  DIR/config/campaigns/friend-thanks.toml
    wrote  DIR/config/campaigns/handover.toml
    wrote  DIR/config/campaigns/key-accounts.toml
    wrote  DIR/config/campaigns/missed-cycle.toml
    wrote  DIR/config/campaigns/new-year.toml
    wrote  DIR/config/campaigns/new-year-gift.toml
    wrote  DIR/config/campaigns/news-2026-12.toml
    wrote  DIR/config/campaigns/partner-offer.toml
    wrote  DIR/config/campaigns/rejection.toml
    wrote  DIR/config/campaigns/rejection-answered.toml
    wrote  DIR/config/campaigns/rejection-deadline.toml
    wrote  DIR/config/campaigns/rejection-ready.toml
    wrote  DIR/config/campaigns/second-purchase.toml
    wrote  DIR/config/campaigns/seminar.toml
    wrote  DIR/config/campaigns/stalled-deal.toml
    wrote  DIR/config/campaigns/thank-you.toml
    wrote  DIR/config/campaigns/visit-lapsed.toml
    wrote  DIR/config/campaigns/volume-drop.toml
    wrote  DIR/config/schema/settings.json
    wrote  DIR/config/schema/campaign.json
    wrote  DIR/config/rekindle.toml

    Next:
      cd DIR
      1. config/rekindle.toml: write your company, and a [[source]] with your data
      2. rekindle check    every mistake at once, with its line
      3. rekindle import   reads your data
      4. rekindle plan     what today would do; nothing is sent

    Letters and scripts are built in; a file of the same name in templates/ takes their place.
    Delivery is "sandbox": nothing reaches anybody until you write mode = "live".
    "#);
}

#[test]
fn init_never_touches_a_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let campaigns = folder.path().join("config/campaigns");
    fs::create_dir_all(&campaigns).unwrap();
    fs::write(campaigns.join("thank-you.toml"), "mine").unwrap();
    let said = init(Locale::Ru, folder.path());
    assert!(
        said.contains("kept   DIR/config/campaigns/thank-you.toml"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(campaigns.join("thank-you.toml")).unwrap(),
        "mine"
    );
    assert!(campaigns.join("missed-cycle.toml").exists());
}

#[test]
fn a_second_init_brings_no_deleted_campaign_back_to_life() {
    let folder = tempfile::tempdir().unwrap();
    init(Locale::Ru, folder.path());
    let deleted = folder.path().join("config/campaigns/thank-you.toml");
    fs::remove_file(&deleted).unwrap();
    init(Locale::Ru, folder.path());
    assert!(!deleted.exists());
}

#[test]
fn init_says_which_folder_it_cannot_write_to() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config"), "a file in the way").unwrap();
    let args = InitArgs {
        locale: Locale::En,
        dir: folder.path().to_owned(),
    };
    let error = init::run(&args, &mut Vec::new()).unwrap_err();
    assert!(
        format!("{error:#}").contains("config/campaigns"),
        "{error:#}"
    );
}
