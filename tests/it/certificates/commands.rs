//! `rekindle certificate`: everything that a person at a desk does with certificates.

use std::process::Command;

use serde_json::Value;

use super::{Shop, code_of};

const PEOPLE: [&str; 2] = [
    "anna,Anna Petrova,anna@example.org,+79131234567,4300-17,",
    "twin,Petrova Anna,twin@example.org,+79130000009,,",
];

/// What a command says, and the code with which it ends.
fn said(shop: &Shop, args: &[&str]) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("--config").arg(shop.world.config_file());
    let done = command.arg("certificate").args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        text(&done.stdout),
        text(&done.stderr),
        done.status.code().unwrap(),
    )
}

fn json(shop: &Shop, args: &[&str]) -> (Value, i32) {
    let mut args = args.to_vec();
    args.extend(["--format", "json"]);
    let (out, told, code) = said(shop, &args);
    let value = serde_json::from_str(&out);
    (value.unwrap_or_else(|_| panic!("{out}{told}")), code)
}

/// A shop with a certificate that is valid for long, for the program has its own clock.
fn shop(kind: &str, more: &[(&str, &str)]) -> (Shop, String) {
    let mut shop = Shop::new(&PEOPLE);
    shop.import(&["p1,anna,2026-02-01,100,,"]);
    let mut set = vec![("valid_until", "90000")];
    set.extend_from_slice(more);
    let code = shop.issue(kind, "anna", &set);
    (shop, code)
}

#[test]
fn a_certificate_is_shown_redeemed_once_given_back_and_made_void() {
    let (shop, code) = shop("own", &[("gift", "'a set of cups'"), ("discount", "NULL")]);
    let typed = code.to_lowercase().replace('-', " ");
    let files = shop.world.home().join("printed");
    let (shown, exit) = json(&shop, &["show", &typed, "--to", files.to_str().unwrap()]);
    assert_eq!(exit, 0);
    assert_eq!(
        (&shown["code"], &shown["state"]),
        (&code.clone().into(), &"valid".into())
    );
    assert_eq!(
        (&shown["gift"], &shown["discount"]),
        (&"a set of cups".into(), &Value::Null)
    );
    for (end, begins) in [("png", &b"\x89PNG"[..]), ("pdf", b"%PDF-")] {
        let file = std::fs::read(files.join(format!("{code}.{end}"))).unwrap();
        assert!(file.starts_with(begins), "{end}");
    }
    let redeem = |purchase: &str| json(&shop, &["redeem", &typed, "--purchase", purchase]);
    let (first, exit) = redeem("r-1");
    assert_eq!((&first["outcome"], exit), (&"redeemed".into(), 0));
    let (again, exit) = redeem("r-1");
    assert_eq!((&again["outcome"], exit), (&"redeemed_before".into(), 0));
    let (other, exit) = redeem("r-2");
    assert_eq!((&other["outcome"], exit), (&"denied".into(), 2));
    assert_eq!(other["because"], Value::from(vec!["used_up"]));
    assert_eq!(other["redemption"]["receipt"], "r-1");
    let undo = |purchase| {
        said(
            &shop,
            &[
                "undo",
                &code,
                "--purchase",
                purchase,
                "--reason",
                "wrong key",
            ],
        )
    };
    assert_eq!(undo("r-2").2, 2, "it was not redeemed on that one");
    assert_eq!(undo("r-1").2, 0);
    assert_eq!(redeem("r-2").1, 0);
    assert_eq!(
        said(&shop, &["void", &code, "--reason", "printed twice"]).2,
        0
    );
    let (void, _) = json(&shop, &["show", &code]);
    assert_eq!(
        (&void["state"], &void["void"]),
        (&"void".into(), &"printed twice".into())
    );
    let (listed, _) = json(&shop, &["list", "--client", "anna"]);
    assert_eq!(listed[0]["code"], Value::from(code));
    let unknown = said(&shop, &["show", &code_of(777)]);
    assert!(
        unknown.2 == 2 && unknown.1.contains("nobody has"),
        "{unknown:?}"
    );
    let mistyped = said(&shop, &["redeem", "MC-7K4M-Q2XD-90TR-0", "--purchase", "r"]);
    assert!(
        mistyped.2 == 2 && mistyped.1.contains("mistyped"),
        "{mistyped:?}"
    );
    shop.world.finish();
}

#[test]
fn what_is_doubtful_waits_on_the_list_until_a_person_decides() {
    let (mut shop, code) = shop("friend", &[]);
    let (done, exit) = json(
        &shop,
        &[
            "redeem",
            &code,
            "--purchase",
            "r-1",
            "--contact",
            "twin@example.org",
        ],
    );
    assert_eq!(
        (&done["outcome"], exit),
        (&"redeemed".into(), 3),
        "a person is needed"
    );
    assert_eq!(done["because"], Value::from(vec!["same_name"]));
    let (list, _) = json(&shop, &["review"]);
    let row = &list["reviews"][0];
    assert_eq!(
        (&row["giver"], &row["friend"]),
        (&"anna".into(), &"twin".into())
    );
    let (text, ..) = said(&shop, &["review"]);
    assert!(
        text.contains("the friend is called like the giver"),
        "{text}"
    );
    let number = row["id"].to_string();
    let reject = [
        "review", "reject", &number, "--note", "sisters", "--by", "boss",
    ];
    assert_eq!(said(&shop, &reject).2, 0);
    assert_eq!(said(&shop, &reject).2, 2, "decided once");
    assert_eq!(shop.friends(), ["rejected twin"]);
    let (none, _) = json(&shop, &["review"]);
    assert_eq!(none["reviews"], Value::Array(Vec::new()));
    let (all, _) = json(&shop, &["review", "--all"]);
    assert_eq!(all["reviews"][0]["note"], "sisters");
    // The giver cheats at the desk as little as at the till.
    let cheat = json(
        &shop,
        &["redeem", &code, "--purchase", "r-2", "--client", "anna"],
    );
    assert_eq!((&cheat.0["outcome"], cheat.1), (&"denied".into(), 2));
    shop.world.finish();
}
