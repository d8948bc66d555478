//! `[whatsapp]` as people write it.

use super::{COMPANY, Home};

fn said(settings: &str) -> String {
    Home::new(&format!("{COMPANY}{settings}")).said()
}

#[test]
fn a_company_with_whatsapp_is_accepted_without_a_word() {
    assert_eq!(
        said(
            "[smtp]\nhost = \"smtp.shop.kz\"\n[delivery]\nmode = \"live\"\nfrom_email = \"a@shop.kz\"\n\
             public_url = \"https://shop.kz/r\"\nwhatsapp_countries = [\"KZ\"]\n\
             [whatsapp]\nphone_number_id = \"106540352242922\"\ntoken_file = \"secrets/token\"\n\
             per_second = 80\napproval = false\ntimeout = \"10s\"\n"
        ),
        ""
    );
    assert_eq!(
        said("[whatsapp]\nbase_url = \"http://127.0.0.1:4000\"\n"),
        ""
    );
}

#[test]
fn what_cannot_be_meant_is_said_with_the_way_out() {
    insta::assert_snapshot!(said(
        r#"[smtp]
host = "smtp.shop.kz"

[delivery]
mode = "live"
from_email = "a@shop.kz"
public_url = "https://shop.kz/r"
whatsapp_countries = ["KZ", "RU"]

[whatsapp]
graph_version = "25"
base_url = "http://graph.facebook.com"
token_env = "EAAGm0PX4ZCpsBAlongtoken"
per_second = 0
timeout = "0s"
token = "EAAG"
"#
    ), @r#"
    config/rekindle.toml:10:22: error: WhatsApp is to be used, and no number to send from is named — add phone_number_id to [whatsapp], or empty this list
      10 | whatsapp_countries = ["KZ", "RU"]
         |                      ^^^^^^^^^^^^
    config/rekindle.toml:10:29: warning: WhatsApp is blocked in Russia, and advertising there is unlawful since 2025-09-01 — take "RU" out of the list and use e-mail and calls there
      10 | whatsapp_countries = ["KZ", "RU"]
         |                             ^^^^
    config/rekindle.toml:13:17: error: the version "25" is not understood — write graph_version = "v25.0"
      13 | graph_version = "25"
         |                 ^^^^
    config/rekindle.toml:14:12: error: the access token would travel in the open — write base_url = "https://graph.facebook.com"
      14 | base_url = "http://graph.facebook.com"
         |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:15:13: error: what token_env says is not the name of an environment variable — write a name in capitals such as REKINDLE_WHATSAPP_TOKEN; the secret itself never stands here, and one that did should be replaced
      15 | token_env = "EAAGm0PX4ZCpsBAlongtoken"
         |             ^^^^^^^^^^^^^^^^^^^^^^^^^^
    config/rekindle.toml:16:14: error: "per_second" must not be 0 — write a whole number from 1 to 1000
      16 | per_second = 0
         |              ^
    config/rekindle.toml:17:11: error: no request can be answered in no time — write timeout = "30s"
      17 | timeout = "0s"
         |           ^^^^
    config/rekindle.toml:18:1: error: unknown key "token" in [whatsapp] — secrets never stand in this file: they come from the environment, or from a file of their own named by a key that ends in _file
      18 | token = "EAAG"
         | ^^^^^
    "#);
    insta::assert_snapshot!(said("[whatsapp]\nphone_number_id = \"+7 701 123 45 67\"\n"), @r#"
    config/rekindle.toml:4:19: error: "+7 701 123 45 67" is not the id of a number — take the "Phone number ID" from the page of the app at Meta: digits only, and not the number itself
       4 | phone_number_id = "+7 701 123 45 67"
         |                   ^^^^^^^^^^^^^^^^^^
    "#);
}
