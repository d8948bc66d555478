//! Where somebody lands who had to sign in first: on the page that he asked for.
//!
//! Only pages of our own are landed on, so that no link can send anybody elsewhere through our door.

use axum::http::request::Parts;
use axum::http::{Method, Uri};

use super::parts::encoded;

/// The longest path that is landed on.
const LONGEST: usize = 200;

/// The door, with the page that a stranger asked for.
pub(super) fn door_for(parts: &Parts) -> String {
    let asked = asked(&parts.method, &parts.uri);
    match asked.as_deref().and_then(safe) {
        Some(page) => format!("/sign-in?to={}", encoded(page)),
        None => "/sign-in".to_owned(),
    }
}

/// What a request asked to see: after a form its page, without what was typed.
fn asked(method: &Method, uri: &Uri) -> Option<String> {
    let with_query = uri.path_and_query().map(ToString::to_string);
    match *method {
        Method::GET | Method::HEAD => with_query,
        _ => Some(uri.path().to_owned()),
    }
}

/// The path when it is a page of ours that one can land on.
///
/// Source: OWASP, Unvalidated Redirects and Forwards.
pub(super) fn safe(path: &str) -> Option<&str> {
    let plain = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/-_~?=&%.".contains(&b));
    // "//host" and "/\host" are addresses of others to a browser.
    let local = path.starts_with('/') && !path.starts_with("//") && !path.contains("..");
    let page = path.split('?').next().unwrap_or_default();
    let of_a_page = ["/sign-", "/assets/", "/till"]
        .iter()
        .all(|other| !page.starts_with(other));
    let shown = page != "/" && !page.contains('.') && !page.ends_with("/body");
    let good = plain && local && of_a_page && shown && path.len() <= LONGEST;
    good.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lands_on_pages_of_ours_only() {
        for good in [
            "/tasks/17",
            "/today?manager=olga",
            "/clients?q=%D0%A0",
            "/figures?from=2026-08-01&to=2026-11-30",
        ] {
            assert_eq!(safe(good), Some(good));
        }
        let long = format!("/tasks/{}", "1".repeat(LONGEST));
        for bad in [
            "",
            "/",
            "tasks/17",
            "//evil.example.org",
            "/\\evil.example.org",
            "https://evil.example.org",
            "/@evil.example.org",
            "/tasks/../../etc",
            "/sign-in",
            "/sign-out",
            "/sign-in/v1.abc",
            "/assets/x",
            "/till",
            "/clients/1/rhythm.svg",
            "/letters/letters/a/body",
            "/a\r\nset-cookie",
            "/a b",
            "/a#b",
            &long,
        ] {
            assert_eq!(safe(bad), None, "{bad}");
        }
    }
}
