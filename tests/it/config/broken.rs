//! Mistakes, and what is said of them.

use super::{COMPANY, Home, said_of_campaign};

/// A campaign without a mistake.
const GOOD: &str = r#"id = "c"
title = "C"
status = "live"

[trigger]
on = "missed_cycle"

[audience]
purchases = { at_least = 3 }

[[step]]
id = "letter"
channel = "email"
template = "missed-cycle"

[[step]]
id = "call"
after = "8d"
task = "call"
script = "sleeping-client"
"#;

#[test]
fn a_good_configuration_is_loaded_without_a_word() {
    assert_eq!(said_of_campaign(GOOD), "");
    let home = Home::new(COMPANY);
    home.write("config/campaigns/c.toml", GOOD);
    let loaded = home.load().unwrap();
    assert_eq!(loaded.home, home.path());
    assert_eq!(loaded.campaigns.len(), 1);
    assert_eq!(loaded.templates_folder(), home.path().join("templates"));
    assert!(loaded.campaign_files["c"].ends_with("config/campaigns/c.toml"));
}

#[test]
fn the_name_of_the_company_is_enough() {
    let loaded = Home::new(COMPANY).load().unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    let home = Home::new(&format!(
        "{COMPANY}[[source]]\nname = \"shop\"\npath = \".\"\n"
    ));
    assert_eq!(home.load().unwrap().settings.sources.len(), 1);
}

#[test]
fn eight_mistakes_in_one_file_are_eight_problems() {
    insta::assert_snapshot!(said_of_campaign(r#"id = "c"
titel = "C"
status = "active"

[trigger]
on = "missed_cycle"
level = "mised"
holdout = "10%"

[audience]
purchases = { at_least = 5, at_most = 3 }
xyz = "X"

[[step]]
id = "letter"
channel = "email"
template = "mised-cycle"

[[step]]
id = "gift"
after = "15d"
channel = "email"
template = "friend-certificate"
certificate = { kind = "friend", valid = "60d" }
"#), @r#"
    config/campaigns/c.toml:2:1: error: unknown key "titel" at the top of the file — did you mean "title"?
       2 | titel = "C"
         | ^^^^^
    config/campaigns/c.toml:3:10: error: status = "active" is not known — did you mean "live"? The words are "draft", "live", "paused"
       3 | status = "active"
         |          ^^^^^^^^
    config/campaigns/c.toml:7:9: error: level = "mised" is not known — did you mean "missed"? The words are "due", "missed", "asleep", "lost"
       7 | level = "mised"
         |         ^^^^^^^
    config/campaigns/c.toml:8:1: error: unknown key "holdout" in [trigger] — "holdout" belongs in [limits]
       8 | holdout = "10%"
         | ^^^^^^^
    config/campaigns/c.toml:11:13: error: at_least 5 is more than at_most 3: nobody fits — swap the two
      11 | purchases = { at_least = 5, at_most = 3 }
         |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/campaigns/c.toml:12:7: error: "xyz" must be a list — write xyz = ["X"]
      12 | xyz = "X"
         |       ^^^
    config/campaigns/c.toml:17:12: error: there is no letter "mised-cycle" — did you mean "missed-cycle"?
      17 | template = "mised-cycle"
         |            ^^^^^^^^^^^^^
    config/campaigns/c.toml:24:15: error: the certificate gives neither a discount nor a gift — add discount = "10%" or gift = "…"
      24 | certificate = { kind = "friend", valid = "60d" }
         |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn every_file_is_heard_even_when_another_one_is_no_toml_at_all() {
    let home = Home::new("[company]\nname = \"Example\"\ncurency = \"EUR\"\n");
    home.write("config/campaigns/a.toml", "id = \"a\"\n[[step\n");
    home.write("config/campaigns/b.toml", "id = \"b\"\ntitle = \"B\"\n");
    home.write(
        "config/campaigns/c.toml",
        GOOD.replace("missed-cycle\"", "missed-cycles\""),
    );
    insta::assert_snapshot!(home.said(), @r#"
    config/campaigns/a.toml:2:7: error: the brackets of the heading are not closed — a heading is written [name], one that may repeat [[name]]
       2 | [[step
         |       ^
    config/campaigns/b.toml:1:1: error: "trigger" is missing at the top of the file — add [trigger] with on = one of "missed_cycle", "second_purchase", "volume_drop", "purchase", "deal_won", "friend_bought", "rejection", "rejection_answered", "stalled_deal", "visit_lapsed", "handover", "date", "birthday", "anniversary", "news". What starts an episode.
       1 | id = "b"
         | ^
    config/campaigns/b.toml:1:1: warning: the campaign has no steps: nothing would happen — add a [[step]] with channel and template, or with task and script
       1 | id = "b"
         | ^
    config/campaigns/c.toml:14:12: error: there is no letter "missed-cycles" — did you mean "missed-cycle"?
      14 | template = "missed-cycles"
         |            ^^^^^^^^^^^^^^^
    config/rekindle.toml:3:1: error: unknown key "curency" in [company] — did you mean "currency"?
       3 | curency = "EUR"
         | ^^^^^^^
    "#);
}

/// Replaces a part of the good campaign and returns what is said of it, first lines only.
fn said_after(replaced: &str, by: &str) -> String {
    assert!(GOOD.contains(replaced), "{replaced}");
    let said = said_of_campaign(&GOOD.replacen(replaced, by, 1));
    let lines = said.lines().filter(|line| line.starts_with("config/"));
    let lines = lines.map(|line| line.trim_start_matches("config/campaigns/"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of mistakes and what is said of each"
)]
fn each_mistake_is_named_with_its_place_and_the_way_out() {
    let mistakes = [
        // Keys
        ("title = \"C\"\n", ""),
        ("title", "titel"),
        ("[audience]", "[audiense]"),
        ("status = \"live\"", "prioritty = 3"),
        (
            "on = \"missed_cycle\"",
            "on = \"missed_cycle\"\npriority = 3",
        ),
        (
            "on = \"missed_cycle\"",
            "on = \"second_purchase\"\nlevel = \"due\"",
        ),
        ("id = \"letter\"", "id = \"letter\"\npassword = \"hunter2\""),
        ("id = \"letter\"", "id = \"letter\"\nbanana = 1"),
        // Words
        ("\"live\"", "\"running\""),
        ("\"email\"", "\"еmail\""),
        ("on = \"missed_cycle\"", "on = \"mised_cycle\""),
        ("on = \"missed_cycle\"", "level = \"due\""),
        ("on = \"missed_cycle\"", "on = 3"),
        // Values
        ("after = \"8d\"", "after = 8"),
        ("after = \"8d\"", "after = \"8 дней\""),
        ("after = \"8d\"", "after = \"0,5 cycles\""),
        ("status = \"live\"", "starts = \"01.12.2026\""),
        ("status = \"live\"", "starts = 2026-12-01T10:00:00"),
        ("status = \"live\"", "backlog_per_day = \"50\""),
        ("status = \"live\"", "backlog_per_day = -1"),
        ("status = \"live\"", "backlog_per_day = 5.5"),
        ("status = \"live\"", "backlog_per_day = 99999999999"),
        ("purchases = { at_least = 3 }", "purchases = 3"),
        ("purchases = { at_least = 3 }", "key_account = \"no\""),
        ("purchases = { at_least = 3 }", "xyz = []"),
        ("purchases = { at_least = 3 }", "xyz = [\"X\", \"x\", 3]"),
        ("id = \"c\"", "id = \"Missed Cycle\""),
        ("title = \"C\"", "title = \" \""),
        ("[[step]]", "[step]"),
        ("[audience]", "[[audience]]"),
        (
            "[audience]\npurchases = { at_least = 3 }",
            "audience = \"all\"",
        ),
    ];
    let said = mistakes.map(|(replaced, by)| format!("» {by}\n{}\n", said_after(replaced, by)));
    insta::assert_snapshot!(said.concat(), @r#"
    » 
    c.toml:1:1: error: "title" is missing at the top of the file — add title = "…". The name that people see.
    » titel
    c.toml:2:1: error: unknown key "titel" at the top of the file — did you mean "title"?
    » [audiense]
    c.toml:8:2: error: unknown key "audiense" at the top of the file — did you mean "audience"?
    » prioritty = 3
    c.toml:3:1: error: unknown key "prioritty" at the top of the file — did you mean "priority"?
    » on = "missed_cycle"
    priority = 3
    c.toml:7:1: error: unknown key "priority" in [trigger] — "priority" belongs at the top of the file, above the first [heading]
    » on = "second_purchase"
    level = "due"
    c.toml:7:1: error: unknown key "level" in [trigger] — "level" belongs in [trigger] with on = "missed_cycle"
    c.toml:10:13: error: "second_purchase" is for clients with one purchase: nobody fits — take purchases out, or use on = "missed_cycle"
    » id = "letter"
    password = "hunter2"
    c.toml:13:1: error: unknown key "password" in [[step]] "letter" — secrets never stand in this file: they come from the environment, or from a file of their own named by a key that ends in _file
    » id = "letter"
    banana = 1
    c.toml:13:1: error: unknown key "banana" in [[step]] "letter" — the keys here are "id", "after", "channel", "template", "variant", "only", "class", "fallback", "certificate", "on_unknown", "task", "script", "role"
    » "running"
    c.toml:3:10: error: status = "running" is not known — did you mean "live"? The words are "draft", "live", "paused"
    » "еmail"
    c.toml:13:11: error: channel = "еmail" is not known — write "email" in Latin letters: the "е" here is Cyrillic
    » on = "mised_cycle"
    c.toml:6:6: error: on = "mised_cycle" is not known — did you mean "missed_cycle"? The words are "missed_cycle", "second_purchase", "volume_drop", "purchase", "deal_won", "friend_bought", "rejection", "rejection_answered", "stalled_deal", "visit_lapsed", "handover", "date", "birthday", "anniversary", "news"
    » level = "due"
    c.toml:5:1: error: "on" is missing in [trigger] — one of "missed_cycle", "second_purchase", "volume_drop", "purchase", "deal_won", "friend_bought", "rejection", "rejection_answered", "stalled_deal", "visit_lapsed", "handover", "date", "birthday", "anniversary", "news"
    » on = 3
    c.toml:6:6: error: "on" must be a word, not a bare number — one of "missed_cycle", "second_purchase", "volume_drop", "purchase", "deal_won", "friend_bought", "rejection", "rejection_answered", "stalled_deal", "visit_lapsed", "handover", "date", "birthday", "anniversary", "news"
    » after = 8
    c.toml:18:9: error: "after" must be a distance in time in quotes, not a bare number — write after = "8d"
    » after = "8 дней"
    c.toml:18:9: error: after = "8 дней" is not a distance in time — did you mean "8d"? Written as 4d, 2w or 0.5 cycles
    » after = "0,5 cycles"
    c.toml:18:9: error: after = "0,5 cycles" is not a distance in time — did you mean "0.5 cycles"? Written as 4d, 2w or 0.5 cycles
    » starts = "01.12.2026"
    c.toml:3:10: error: starts = "01.12.2026" is not a date — did you mean "2026-12-01"? Written as 2026-12-01
    » starts = 2026-12-01T10:00:00
    c.toml:3:10: error: "starts" must be a date, not a date with a time — write starts = 2026-12-01
    » backlog_per_day = "50"
    c.toml:3:19: error: "backlog_per_day" must be a whole number, not a text — write backlog_per_day = 50, without quotes
    » backlog_per_day = -1
    c.toml:3:19: error: "backlog_per_day" must not be -1 — write a whole number, 0 or more
    » backlog_per_day = 5.5
    c.toml:3:19: error: "backlog_per_day" must be a whole number, not a number with a fraction — write a whole number, 0 or more, without quotes
    » backlog_per_day = 99999999999
    c.toml:3:19: error: "backlog_per_day" must not be 99999999999 — write a whole number, 0 or more
    » purchases = 3
    c.toml:9:13: error: "purchases" must be a table, not a bare number — write purchases = { at_least = 3 }
    » key_account = "no"
    c.toml:9:15: error: "key_account" must be true or false, not a text — write key_account = false, without quotes
    » xyz = []
    c.toml:9:7: error: "xyz" is an empty list — name at least one, or take the line out
    » xyz = ["X", "x", 3]
    c.toml:9:13: error: xyz = "x" is not known — did you mean "X"? The words are "X", "Y", "Z"
    c.toml:9:18: error: "xyz" must be a word in quotes, not a bare number — the words are "X", "Y", "Z"
    » id = "Missed Cycle"
    c.toml:1:6: error: id = "Missed Cycle" is not an id — did you mean "missed-cycle"? Written as missed-cycle: small Latin letters, digits and hyphens
    » title = " "
    c.toml:2:9: error: "title" is empty — write something between the quotes
    » [step]
    c.toml:11:1: error: "step" must be a list — write [[step]], with two brackets
    c.toml:16:3: error: "step" stands here for the second time — keep one of the two
    » [[audience]]
    c.toml:8:1: error: "audience" must be a table, not a list — write [audience], with one bracket
    » audience = "all"
    c.toml:8:1: error: unknown key "audience" in [trigger] — "audience" has a heading of its own: [audience]
    "#);
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of mistakes and what is said of each"
)]
fn what_cannot_be_meant_is_named_as_well() {
    let letter = "channel = \"email\"\ntemplate = \"missed-cycle\"";
    let call = "task = \"call\"\nscript = \"sleeping-client\"";
    let mistakes = [
        // The campaign
        ("id = \"c\"", "id = \"other\""),
        (
            "status = \"live\"",
            "starts = 2026-12-01\nends = 2026-11-01",
        ),
        ("status = \"live\"", "[limits]\nholdout = \"100%\""),
        ("status = \"live\"", "[goal]\nwithin = \"0d\""),
        (
            "on = \"missed_cycle\"",
            "on = \"missed_cycle\"\nlead = \"2d\"",
        ),
        ("on = \"missed_cycle\"", "on = \"news\"\nday = 2026-12-01"),
        ("on = \"missed_cycle\"", "on = \"second_purchase\""),
        (
            "on = \"missed_cycle\"",
            "on = \"rejection\"\nreasons = [\"price\"]\nafter_by_reason = { prise = \"30d\" }",
        ),
        // The audience
        ("at_least = 3", "at_least = 3, at_most = 2"),
        ("purchases = { at_least = 3 }", "purchases = {}"),
        (
            "purchases = { at_least = 3 }",
            "turnover = { at_least = \"10 EUR\" }",
        ),
        (
            "purchases = { at_least = 3 }",
            "any = [{ turnover = { at_most = \"10 EUR\" } }]",
        ),
        ("purchases = { at_least = 3 }", "manager = [\"anna\"]"),
        ("purchases = { at_least = 3 }", "attributes = { city = [] }"),
        // Steps
        ("id = \"call\"", "id = \"letter\""),
        ("id = \"call\"", "id = \"letter-fallback\""),
        (letter, ""),
        (letter, "channel = \"email\""),
        (letter, "template = \"missed-cycle\""),
        (call, "task = \"call\""),
        (call, "script = \"sleeping-client\""),
        (
            call,
            "task = \"call\"\nscript = \"sleeping-client\"\nchannel = \"email\"",
        ),
        (
            call,
            "task = \"call\"\nscript = \"sleeping-client\"\nclass = \"service\"",
        ),
        (call, letter),
        (
            letter,
            "channel = \"email\"\ntemplate = \"missed-cycle\"\nafter = \"10d\"",
        ),
        (
            letter,
            "channel = \"email\"\ntemplate = \"sleeping-client\"",
        ),
        (call, "task = \"call\"\nscript = \"slepping-client\""),
        (
            letter,
            "channel = \"whatsapp\"\ntemplate = \"missed-cycle-short\"",
        ),
        (
            letter,
            "channel = \"whatsapp\"\ntemplate = \"missed-cycle-short\"\n\
             fallback = { channel = \"whatsapp\", template = \"thank-you-short\" }",
        ),
        (
            letter,
            "channel = \"email\"\ntemplate = \"friend-certificate\"\n\
             certificate = { kind = \"friend\", valid = \"60d\" }",
        ),
        (
            letter,
            "channel = \"email\"\ntemplate = \"friend-certificate\"\n\
             certificate = { kind = \"friend\", discount = \"5 EUR\", valid = \"0d\" }",
        ),
    ];
    let said = mistakes.map(|(replaced, by)| format!("» {by}\n{}\n", said_after(replaced, by)));
    insta::assert_snapshot!(said.concat(), @r#"
    » id = "other"
    c.toml:1:6: warning: the id "other" is not the name of the file — call the file other.toml, so that it is found by its id
    » starts = 2026-12-01
    ends = 2026-11-01
    c.toml:4:8: error: the campaign ends on 2026-11-01, before it starts on 2026-12-01 — write a later day, or take ends out
    » [limits]
    holdout = "100%"
    c.toml:4:11: error: a holdout of 100% leaves nobody to write to — 10% is usual; to stop the campaign write status = "paused"
    » [goal]
    within = "0d"
    c.toml:4:10: error: the goal can never be reached within 0 days — write within = "30d"
    » on = "missed_cycle"
    lead = "2d"
    c.toml:7:8: error: "lead" looks ahead of the day a purchase is due, and this campaign waits until later — write level = "due", or take lead out
    » on = "news"
    day = 2026-12-01
    c.toml:6:6: error: the news itself is missing — add [news] with a title, and a [[news.item]] with title and text for each piece
    » on = "second_purchase"
    c.toml:9:13: error: "second_purchase" is for clients with one purchase: nobody fits — take purchases out, or use on = "missed_cycle"
    » on = "rejection"
    reasons = ["price"]
    after_by_reason = { prise = "30d" }
    c.toml:8:29: warning: "prise" is not among the reasons of this campaign — did you mean "price"?
    » at_least = 3, at_most = 2
    c.toml:9:13: error: at_least 3 is more than at_most 2: nobody fits — swap the two
    » purchases = {}
    c.toml:9:13: error: "purchases" names neither at_least nor at_most — write purchases = { at_least = … }, or take it out
    » turnover = { at_least = "10 EUR" }
    c.toml:9:25: error: 10 EUR is not in RUB, the currency of the company — write the amount in RUB
    » any = [{ turnover = { at_most = "10 EUR" } }]
    c.toml:9:33: error: 10 EUR is not in RUB, the currency of the company — write the amount in RUB
    » manager = ["anna"]
    c.toml:9:12: warning: no manager has the id "anna" — add him as a [[manager]] in the settings, or in managers.csv of a source
    » attributes = { city = [] }
    c.toml:9:23: error: "city" is an empty list: nobody fits — name at least one value, or take the line out
    » id = "letter"
    c.toml:17:6: error: two steps have the id "letter" — give each step an id of its own: by it a letter is never sent twice
    » id = "letter-fallback"
    c.toml:17:6: error: "letter-fallback" is the name of the fallback of another step — give the step another id
    » 
    c.toml:11:1: error: step "letter" does nothing — add channel and template for a message, or task and script for a person
    » channel = "email"
    c.toml:11:1: error: step "letter" has a channel and no template — add template = "…"
    » template = "missed-cycle"
    c.toml:11:1: error: step "letter" has a template and no channel — add channel = "email" or "whatsapp"
    » task = "call"
    c.toml:16:1: error: step "call" has a task and no script — add script = "…": what the manager says
    » script = "sleeping-client"
    c.toml:16:1: error: step "call" has a script and no task — add task = "call", "write", "gift" or "visit"
    » task = "call"
    script = "sleeping-client"
    channel = "email"
    c.toml:16:1: error: step "call" is a message and a task at once — make two steps of it, each with an id of its own
    » task = "call"
    script = "sleeping-client"
    class = "service"
    c.toml:21:9: error: "class" belongs to a message, and step "call" is a task — take it out, or make a message of the step
    » channel = "email"
    template = "missed-cycle"
    c.toml:20:12: warning: "missed-cycle" is sent by another step of this campaign as well — write a template of its own: nobody likes to read a letter twice
    » channel = "email"
    template = "missed-cycle"
    after = "10d"
    c.toml:19:9: error: step "call" comes after step "letter" and would be taken before it (8d < 10d) — after counts from the day the client entered, not from the step before
    » channel = "email"
    template = "sleeping-client"
    c.toml:14:12: error: there is no letter "sleeping-client" — "sleeping-client" is a script
    » task = "call"
    script = "slepping-client"
    c.toml:20:10: error: there is no script "slepping-client" — did you mean "sleeping-client"?
    » channel = "whatsapp"
    template = "missed-cycle-short"
    c.toml:13:11: warning: WhatsApp reaches nobody: delivery.whatsapp_countries is empty — name the countries in the settings, or add a fallback by e-mail
    » channel = "whatsapp"
    template = "missed-cycle-short"
    fallback = { channel = "whatsapp", template = "thank-you-short" }
    c.toml:15:24: error: the fallback uses whatsapp again — a fallback goes by another channel, where the first cannot reach the client
    » channel = "email"
    template = "friend-certificate"
    certificate = { kind = "friend", valid = "60d" }
    c.toml:15:15: error: the certificate gives neither a discount nor a gift — add discount = "10%" or gift = "…"
    » channel = "email"
    template = "friend-certificate"
    certificate = { kind = "friend", discount = "5 EUR", valid = "0d" }
    c.toml:15:45: error: 5 EUR is not in RUB, the currency of the company — write the amount in RUB
    c.toml:15:62: error: the certificate is never valid — write valid = "60d"
    c.toml:15:62: error: the certificate is valid for 0d, and its message may leave 4d after it was made (delivery.expires_after) — make it valid for longer
    "#);
}

#[test]
fn a_draft_may_be_unfinished_but_not_misspelt() {
    let unfinished = GOOD
        .replace("\"live\"", "\"draft\"")
        .replace("\"missed-cycle\"", "\"to-be-written\"");
    let home = Home::new(COMPANY);
    home.write("config/campaigns/c.toml", &unfinished);
    let loaded = home.load().unwrap();
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    home.write(
        "config/campaigns/c.toml",
        unfinished.replace("channel", "chanel"),
    );
    assert!(home.load().is_err());
}

#[test]
#[expect(clippy::too_many_lines, reason = "one file with every kind of mistake")]
fn mistakes_in_the_settings_are_named() {
    let home = Home::new(
        r#"
[company]
name = "Example"
time_zone = "Moscow"
country = "ru"
currency = "руб"
accent = "0b6e4f"
site = "www.example.org"
email = "sales example.org"

[database]
url = "mysql://localhost"
password = "hunter2"

[paths]
templates = ""

[[source]]
name = "crm"
path = "nowhere"
mode = "snapshoot"
columns_of = { clint = { id = "ID" } }

[source.consent]
basis = "contract"
channels = ["email"]
classes = ["service", "advertising"]

[[source]]
name = "crm"
path = "config"
consent = { basis = "consent", channels = ["email"] }

[delivery]
mode = "live"
whatsapp_countries = ["KZ", "Kazakhstan"]

[rhythm]
missed_p = 0.1
asleep_at = "0%"
closed = [{ from = 2027-01-08, to = 2027-01-01 }]

[limits]
per_client = 0
per_client_within = "0d"

[tasks]
default_manager = "ana"

[[manager]]
id = "anna"
name = "Anna"
email = "anna@example.org"

[[manager]]
id = "anna"
name = "Anna"
"#,
    );
    insta::assert_snapshot!(home.said(), @r##"
    config/rekindle.toml:4:13: error: time_zone = "Moscow" is not a time zone — did you mean "Europe/Moscow"? Written as Europe/Moscow, by its IANA name
       4 | time_zone = "Moscow"
         |             ^^^^^^^^
    config/rekindle.toml:5:11: error: country = "ru" is not a country — did you mean "RU"? Written as RU or DE, by its two capital letters
       5 | country = "ru"
         |           ^^^^
    config/rekindle.toml:6:12: error: currency = "руб" is not a currency — did you mean "RUB"? Written as RUB or EUR, by its three letters
       6 | currency = "руб"
         |            ^^^^^
    config/rekindle.toml:7:10: error: accent = "0b6e4f" is not a colour — did you mean "#0b6e4f"? Written as #0b6e4f
       7 | accent = "0b6e4f"
         |          ^^^^^^^^
    config/rekindle.toml:8:8: error: site = "www.example.org" is not an address of the web — did you mean "https://www.example.org"? Written as https://www.example.org
       8 | site = "www.example.org"
         |        ^^^^^^^^^^^^^^^^^
    config/rekindle.toml:9:9: error: email = "sales example.org" is not an e-mail address — write it as sales@example.org
       9 | email = "sales example.org"
         |         ^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:12:7: error: the database "mysql://localhost" is not understood — write url = "sqlite://rekindle.db", or "postgres://USER@HOST/NAME"
      12 | url = "mysql://localhost"
         |       ^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:13:1: error: unknown key "password" in [database] — secrets never stand in this file: they come from the environment, or from a file of their own named by a key that ends in _file
      13 | password = "hunter2"
         | ^^^^^^^^
    config/rekindle.toml:16:13: error: "templates" is empty — write something between the quotes
      16 | templates = ""
         |             ^^
    config/rekindle.toml:20:8: warning: there is no file or folder nowhere — a relative path starts at the folder that holds config/
      20 | path = "nowhere"
         |        ^^^^^^^^^
    config/rekindle.toml:21:8: error: mode = "snapshoot" is not known — did you mean "snapshot"? The words are "snapshot", "append"
      21 | mode = "snapshoot"
         |        ^^^^^^^^^^^
    config/rekindle.toml:22:16: error: unknown key "clint" in "columns_of" — did you mean "clients"?
      22 | columns_of = { clint = { id = "ID" } }
         |                ^^^^^
    config/rekindle.toml:27:11: error: a contract does not allow advertising — write classes = ["service"], or get a consent
      27 | classes = ["service", "advertising"]
         |           ^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:30:8: error: two [[source]] have the name "crm" — give each source a name of its own: the ids of clients are unique within it
      30 | name = "crm"
         |        ^^^^^
    config/rekindle.toml:32:11: error: the consent of source "crm" covers no classes — add classes = ["advertising", "service"], or what the consent names
      32 | consent = { basis = "consent", channels = ["email"] }
         |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:34:1: error: live delivery with the example address hello@example.org — write the company's own from_email, or mode = "sandbox"
      34 | [delivery]
         | ^^^^^^^^^^
    config/rekindle.toml:34:1: error: live delivery with the example address https://example.org/rekindle — write the company's own public_url, or mode = "sandbox"
      34 | [delivery]
         | ^^^^^^^^^^
    config/rekindle.toml:35:8: warning: live delivery without a mail server: no letter can leave — write [smtp] with host = "smtp.example.org", or what your mail server is called
      35 | mode = "live"
         |        ^^^^^^
    config/rekindle.toml:36:29: error: whatsapp_countries = "Kazakhstan" is not a country — write it as RU or DE, by its two capital letters
      36 | whatsapp_countries = ["KZ", "Kazakhstan"]
         |                             ^^^^^^^^^^^^
    config/rekindle.toml:39:12: error: "missed_p" must be a share in quotes, not a number with a fraction — write missed_p = "10%"
      39 | missed_p = 0.1
         |            ^^^
    config/rekindle.toml:40:13: error: asleep_at = "0%" would hold for everybody or for nobody — write a share between 1% and 99%
      40 | asleep_at = "0%"
         |             ^^^^
    config/rekindle.toml:41:11: error: the closed days end on 2027-01-01 before they begin on 2027-01-08 — swap from and to
      41 | closed = [{ from = 2027-01-08, to = 2027-01-01 }]
         |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:44:14: error: "per_client" must not be 0 — write a whole number from 1 to 65535
      44 | per_client = 0
         |              ^
    config/rekindle.toml:45:21: error: "per_client_within" must be at least one day — write per_client_within = "1d" or more
      45 | per_client_within = "0d"
         |                     ^^^^
    config/rekindle.toml:55:1: error: "email" is missing in [[manager]] "anna" — add email, written as sales@example.org. Where the day's list goes.
      55 | [[manager]]
         | ^^^^^^^^^^^
    config/rekindle.toml:56:6: error: two [[manager]] have the id "anna" — give each manager an id of his own
      56 | id = "anna"
         |      ^^^^^^
    "##);
}

#[test]
fn mistakes_about_the_mail_server_are_named() {
    let home = Home::new(
        r#"
[company]
name = "Example"

[delivery]
from_email = "hello@news.example.org"

[smtp]
host = "smtp://mail.example.org"
port = 0
tls = "ssl"
ca_file = "nowhere.pem"
password_env = "PASSWORD"
password = "hunter2"
connections = 5000
idle = "2 minutes"
deadlines = { command = "0s", end_of_data = "2d", reply = "1s" }

[smtp.dkim]
selector = "s1"
domain = "example.com"
"#,
    );
    insta::assert_snapshot!(home.said(), @r##"
    config/rekindle.toml:9:8: error: host = "smtp://mail.example.org" is not the name of a server or a domain — did you mean "mail.example.org"? Written as smtp.example.org
       9 | host = "smtp://mail.example.org"
         |        ^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:10:8: error: "port" must not be 0 — write a whole number from 1 to 65535
      10 | port = 0
         |        ^
    config/rekindle.toml:11:7: error: tls = "ssl" is not known — the words are "starttls", "implicit", "none"
      11 | tls = "ssl"
         |       ^^^^^
    config/rekindle.toml:12:11: warning: there is no file nowhere.pem — a relative path starts at the folder that holds config/
      12 | ca_file = "nowhere.pem"
         |           ^^^^^^^^^^^^^
    config/rekindle.toml:13:16: error: a password without a user: nobody logs in — add user, or take the line out
      13 | password_env = "PASSWORD"
         |                ^^^^^^^^^^
    config/rekindle.toml:14:1: error: unknown key "password" in [smtp] — secrets never stand in this file: they come from the environment, or from a file of their own named by a key that ends in _file
      14 | password = "hunter2"
         | ^^^^^^^^
    config/rekindle.toml:15:15: error: "connections" must not be 5000 — write a whole number from 1 to 1000
      15 | connections = 5000
         |               ^^^^
    config/rekindle.toml:16:8: error: idle = "2 minutes" is not a stretch of time — did you mean "2m"? Written as 30s or 5m
      16 | idle = "2 minutes"
         |        ^^^^^^^^^^^
    config/rekindle.toml:17:25: error: "command" leaves no time at all — write command = "30s" or more
      17 | deadlines = { command = "0s", end_of_data = "2d", reply = "1s" }
         |                         ^^^^
    config/rekindle.toml:17:45: error: end_of_data = "2d" is not a stretch of time — write it as 30s or 5m
      17 | deadlines = { command = "0s", end_of_data = "2d", reply = "1s" }
         |                                             ^^^^
    config/rekindle.toml:17:51: error: unknown key "reply" in deadlines of [smtp] — the keys here are "connect", "greeting", "command", "data", "content", "end_of_data"
      17 | deadlines = { command = "0s", end_of_data = "2d", reply = "1s" }
         |                                                   ^^^^^
    config/rekindle.toml:19:1: error: "key_file" is missing in dkim of [smtp] — add key_file = "…". The file with the private key (PEM); nobody but its owner may read it.
      19 | [smtp.dkim]
         | ^^^^^^^^^^^
    config/rekindle.toml:21:10: warning: example.com signs for letters from news.example.org: DMARC will not count it — write domain = "news.example.org", or take the line out
      21 | domain = "example.com"
         |          ^^^^^^^^^^^^^
    "##);
}

#[test]
fn what_a_mail_server_cannot_mean_is_named() {
    let home = Home::new(
        r#"
[company]
name = "Example"

[smtp]
host = "mail.example.org"
tls = "none"
user = "anna"

[smtp.dkim]
selector = "s1"
domain = "example.com"
key_file = "nowhere.pem"
"#,
    );
    insta::assert_snapshot!(home.said(), @r##"
    config/rekindle.toml:7:7: error: letters and password would go to mail.example.org in the open — write tls = "starttls" or "implicit"; "none" is for 127.0.0.1 and localhost
       7 | tls = "none"
         |       ^^^^^^
    config/rekindle.toml:8:8: error: a user without a password — add password_env = "REKINDLE_SMTP_PASSWORD", or a password_file
       8 | user = "anna"
         |        ^^^^^^
    config/rekindle.toml:12:10: warning: example.com signs for letters from example.org: DMARC will not count it — write domain = "example.org", or take the line out
      12 | domain = "example.com"
         |          ^^^^^^^^^^^^^
    config/rekindle.toml:13:12: warning: there is no file nowhere.pem — a relative path starts at the folder that holds config/
      13 | key_file = "nowhere.pem"
         |            ^^^^^^^^^^^^^
    "##);
}

#[test]
fn a_mail_server_on_this_machine_needs_no_encryption() {
    for host in ["127.0.0.1", "localhost", "::1"] {
        let home = Home::new(&format!(
            "{COMPANY}[smtp]\nhost = \"{host}\"\ntls = \"none\"\n"
        ));
        assert_eq!(home.said(), "", "{host}");
    }
}

#[test]
fn two_campaigns_with_one_id_are_named() {
    let home = Home::new(COMPANY);
    home.write("config/campaigns/c.toml", GOOD);
    home.write("config/campaigns/copy.toml", GOOD);
    insta::assert_snapshot!(home.said(), @r#"
    config/campaigns/copy.toml:1:6: error: config/campaigns/c.toml has the id "c" as well — give each campaign an id of its own; a copy of a campaign is a new one
       1 | id = "c"
         |      ^^^
    config/campaigns/copy.toml:1:6: warning: the id "c" is not the name of the file — call the file c.toml, so that it is found by its id
       1 | id = "c"
         |      ^^^
    "#);
}

#[test]
fn files_that_are_no_text_are_named() {
    let home = Home::new(COMPANY);
    home.write(
        "config/campaigns/binary.toml",
        [0x00, 0xff, 0x13, 0x0a, 0x80],
    );
    home.write(
        "config/campaigns/cp1251.toml",
        b"id = \"a\"\ntitle = \"\xcf\xf0\xe8\xe2\xe5\xf2\"\n",
    );
    home.write("config/campaigns/utf16.toml", b"\xff\xfei\0d\0");
    home.write("config/campaigns/huge.toml", vec![b'#'; 2 * 1024 * 1024]);
    home.write("config/campaigns/empty.toml", "");
    home.write("config/campaigns/notepad.toml.txt", GOOD);
    home.write("config/campaigns/folder.toml/x", "");
    home.write("config/campaigns/.hidden.toml", "?");
    home.write("config/campaigns/README.md", "?");
    insta::assert_snapshot!(home.said(), @r#"
    config/campaigns/binary.toml: error: the file is not a text — is it a picture or a spreadsheet? A configuration is plain text
    config/campaigns/cp1251.toml:2:10: error: the file is not UTF-8 from here on — save it as UTF-8; older editors write Windows-1251
       2 | title = "Привет"
         |          ^
    config/campaigns/empty.toml: error: there is no campaign in the file — delete it, or copy a ready campaign; to stop one write status = "paused"
    config/campaigns/folder.toml: error: this is a folder — name the file in it
    config/campaigns/huge.toml: error: the file is larger than 1024 KiB — a configuration is a few pages: is this the right file?
    config/campaigns/notepad.toml.txt: warning: not read: the name ends in .txt — rename it so that it ends in .toml
    config/campaigns/utf16.toml: error: the file is UTF-16 — save it as UTF-8
    "#);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(said_of_campaign(&text), "");
    let said = said_of_campaign(&text.replace("channel", "chanel"));
    assert!(said.contains("c.toml:13:1: error: unknown key"), "{said}");
}

#[test]
fn missing_files_and_folders_are_named() {
    let home = Home::new(COMPANY);
    std::fs::remove_dir(home.path().join("config/campaigns")).unwrap();
    insta::assert_snapshot!(home.said(), @r#"config/campaigns: warning: there is no such folder: no campaigns — `rekindle init` writes a set to start with"#);
    assert!(home.load().is_ok());
    std::fs::remove_file(home.config_file()).unwrap();
    insta::assert_snapshot!(home.said(), @r#"
    config/campaigns: warning: there is no such folder: no campaigns — `rekindle init` writes a set to start with
    config/rekindle.toml: error: there is no such file — `rekindle init` writes one to start with
    "#);
    assert!(home.load().is_err());
}

#[test]
fn relative_paths_start_at_the_folder_that_holds_config() {
    let home = Home::new("[company]\nname = \"Example\"\n[paths]\ntemplates = \"letters\"\n");
    let expected = home.path().join("letters");
    assert_eq!(home.load().unwrap().templates_folder(), expected);
    assert_eq!(
        rekindle::config::templates_folder(&home.config_file()),
        expected
    );
    home.write("other/my.toml", "[company]\nname = \"Example\"\n[broken");
    let other = home.path().join("other");
    let folder = rekindle::config::templates_folder(&other.join("my.toml"));
    assert_eq!(folder, other.join("templates"));
}

#[test]
fn keys_nested_without_end_are_no_danger() {
    for depth in [50, 1_000, 200_000] {
        let deep = "not.".repeat(depth);
        for text in [
            format!("[audience]\n{deep}company = true\n"),
            format!("[audience.{deep}company]\n"),
            format!("x = {}", "[".repeat(depth)),
            format!("x = {}", "{a=".repeat(depth)),
        ] {
            let said = said_of_campaign(&text);
            assert!(said.contains("error"), "{depth}");
        }
    }
}
