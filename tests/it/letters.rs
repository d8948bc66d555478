//! Letters, scripts and nudges.
use rekindle::render::Templates;

#[test]
fn all_ready_templates_are_without_a_problem() {
    let (_, problems) = Templates::load(None);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}
