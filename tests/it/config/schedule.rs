//! What is said about schedules that cannot be meant.

use super::{COMPANY, Home};

#[test]
fn mistakes_in_the_schedules_are_named() {
    let home = Home::new(&format!(
        "{COMPANY}[schedule]\n\
         import = {{ at = \"6:30\" }}\n\
         daily = {{ at = \"0 6,18 * * *\", catch_up = \"all\" }}\n\
         digests = {{ at = \"0 8 * * *\", catch_up = \"sometimes\" }}\n\
         tidy = {{ at = \"0 0 30 2 *\" }}\n\
         backup = {{ at = \"0 30 3 * * *\", keep = 3 }}\n"
    ));
    let said = home.said();
    for words in [
        "at = \"6:30\" is not a schedule — did you mean \"30 6 * * *\"?",
        "\"0 6,18 * * *\" is due several times a day — name one hour and one minute",
        "a day that is over is not planned any more",
        "catch_up = \"sometimes\" is not known — the words are \"latest\", \"all\", \"skip\"",
        "at = \"0 0 30 2 *\" is not a schedule",
        "at = \"0 30 3 * * *\" is not a schedule — did you mean \"30 3 * * *\"?",
        "unknown key \"keep\"",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
}

#[test]
fn lists_before_their_day_are_doubted() {
    let home = Home::new(&format!(
        "{COMPANY}[schedule]\ndaily = {{ at = \"0 9 * * *\" }}\n"
    ));
    assert!(
        home.said()
            .contains("the lists come before the day is planned"),
        "{}",
        home.said()
    );
    let home = Home::new(&format!(
        "{COMPANY}[schedule]\ndaily = {{ at = \"0 9 * * *\" }}\ndigests = {{ at = \"never\" }}\n"
    ));
    assert_eq!(home.said(), "");
}
