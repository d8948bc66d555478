//! How much of a long test is played: little in CI, as much as the environment says elsewhere.

/// The number that a variable of the environment says, the usual one when it says none.
pub(crate) fn number(variable: &str, usual: u64) -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the full form is, is said from outside"
    )]
    let said = std::env::var(variable);
    said.ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}
