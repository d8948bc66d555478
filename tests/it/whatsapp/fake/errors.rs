//! Errors as the Graph API writes them.

use serde_json::json;

/// A request that is turned away.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) details: String,
}

impl Refusal {
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        Self {
            code,
            details: details.into(),
        }
    }
}

/// The HTTP status that goes with a code. Source: Meta, Cloud API error codes.
pub(super) fn status(code: i64) -> u16 {
    match code {
        0 | 190 => 401,
        3 | 10 | 200..=299 | 368 | 130_497 | 131_005 | 131_031 => 403,
        4 | 80_007 | 130_429 | 131_048 | 131_056 => 429,
        1 | 2 | 131_000 | 131_016 => 500,
        132_001 => 404,
        _ => 400,
    }
}

pub(super) fn body(code: i64, details: &str) -> Vec<u8> {
    let body = json!({ "error": {
        "message": format!("(#{code}) {details}"),
        "type": "OAuthException",
        "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": details },
        "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    } });
    body.to_string().into_bytes()
}
