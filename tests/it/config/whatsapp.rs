//! `[whatsapp]` as people write it.

use super::{COMPANY, Home};

fn said(settings: &str) -> String {
    Home::new(&format!("{COMPANY}{settings}")).said()
}

#[test]
fn a_company_with_whatsapp_is_accepted_without_a_word() {
    assert_eq!(
        said(
            "[delivery]\nmode = \"live\"\nfrom_email = \"a@shop.kz\"\n\
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
        r#"[delivery]
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
    ));
    insta::assert_snapshot!(said("[whatsapp]\nphone_number_id = \"+7 701 123 45 67\"\n"));
}
