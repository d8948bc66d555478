//! Every code of the API, as an answer and told later, ends in the right action.

use crate::cleared::cleared;
use rekindle::channels::whatsapp::Held;
use rekindle::channels::whatsapp::webhook::{self, Event};
use rekindle::rules::delivery::reaction::{Fate, Measure, Timetable};
use serde_json::json;

use super::{Desk, Rule, Then, account, body, nudge};

/// The codes with the fate of an answered message and the measure: written down a second time, by
/// hand, so that a slip in the table of the product is seen.
fn matrix() -> Vec<(Vec<i64>, Fate, Measure)> {
    use Measure::Nothing;
    let retry = Fate::Retry;
    let permissions = (200..=299).chain([0, 3, 10, 190, 131_005]);
    vec![
        (permissions.collect(), Fate::GiveBack, Measure::StopChannel),
        (
            vec![
                368, 131_031, 131_042, 131_045, 133_010, 33, 131_037, 131_030,
            ],
            Fate::GiveBack,
            Measure::StopChannel,
        ),
        (vec![130_497], Fate::Failed, Measure::StopCountry),
        (
            vec![4, 80_007, 130_429],
            retry(Timetable::Throughput),
            Measure::SlowChannel,
        ),
        (vec![131_056], retry(Timetable::Pair), Nothing),
        (vec![131_048], Fate::GiveBack, Measure::PauseCampaign),
        (vec![131_049], retry(Timetable::NextDay), Nothing),
        (vec![131_050], Fate::Failed, Measure::SuppressAdvertising),
        (vec![130_472], Fate::Failed, Nothing),
        (vec![131_026], Fate::Failed, Measure::CountNoAccount),
        (
            vec![131_047, 131_021, 131_008, 131_009, 100, 131_051],
            Fate::Failed,
            Measure::StopStep,
        ),
        (vec![131_052, 131_053], retry(Timetable::Twice), Nothing),
        (
            vec![132_000, 132_001, 132_005, 132_007, 132_012, 132_068],
            Fate::Failed,
            Measure::StopStep,
        ),
        (vec![132_015, 132_016], Fate::GiveBack, Measure::StopStep),
        (
            vec![1, 2, 131_000, 131_016, 131_057, 132_069],
            retry(Timetable::Outage),
            Nothing,
        ),
        (vec![131_999, 7, 999_999], retry(Timetable::Once), Nothing),
    ]
}

fn every_code() -> impl Iterator<Item = (i64, Fate, Measure)> {
    matrix().into_iter().flat_map(|(codes, fate, measure)| {
        let codes = codes.into_iter();
        codes.map(move |code| (code, fate, measure))
    })
}

#[tokio::test]
async fn every_code_in_an_answer_ends_in_the_right_action() {
    let rules = every_code().map(|(code, ..)| Rule {
        times: Some(1),
        ..Rule::always(Then::Refuse { code })
    });
    let desk = Desk::new(account(rules.collect())).await;
    let mut count = 0;
    for (code, fate, measure) in every_code() {
        let trouble = desk
            .api
            .send(&cleared(&body(&nudge("k"))))
            .await
            .unwrap_err();
        assert_eq!(trouble.code, Some(code));
        assert_eq!(trouble.reaction.fate, fate, "{code}");
        assert_eq!(trouble.reaction.measure, measure, "{code}");
        assert!(
            trouble.what.contains(&format!("(code {code})")),
            "{}",
            trouble.what
        );
        assert!(trouble.answer.starts_with("{\"error\""));
        count += 1;
        assert_eq!(desk.fake.requests().len(), count, "{code} was repeated");
    }
    assert!(desk.fake.requests().iter().all(|request| !request.taken));
}

#[tokio::test]
async fn every_code_told_later_ends_in_the_right_action_and_never_uses_the_message_again() {
    for (code, _, measure) in every_code() {
        let told = json!({ "object": "whatsapp_business_account", "entry": [ { "changes": [
            { "field": "messages", "value": { "statuses": [
                { "id": "wamid.A", "status": "failed", "biz_opaque_callback_data": "m:k",
                  "errors": [ { "code": code, "title": "x" } ] } ] } } ] } ] });
        let events = webhook::parse(told.to_string().as_bytes()).unwrap();
        let [Event::Status(status)] = &events[..] else {
            panic!("{events:?}")
        };
        let (told, reaction) = status.reaction().unwrap();
        assert_eq!(told, Some(code));
        assert_eq!(reaction.fate, Fate::Failed, "{code}");
        assert_eq!(reaction.measure, measure, "{code}");
        assert_eq!(status.key.as_deref(), Some("k"));
    }
}

#[tokio::test]
async fn a_good_request_is_taken_and_on_the_disk_before_the_answer() {
    let mut script = account(Vec::new());
    let known_as = ("77011234567".to_owned(), "7011234567".to_owned());
    script.wa_ids.extend([known_as]);
    let desk = Desk::new(script).await;
    let taken = desk
        .api
        .send(&cleared(&body(&nudge("01JDQ7Z9K3"))))
        .await
        .unwrap();
    assert_eq!(taken.wa_id.as_deref(), Some("7011234567"));
    assert_eq!(taken.held, None);
    let lines = desk.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["key"], "m:01JDQ7Z9K3");
    assert_eq!(lines[0]["wamid"], taken.wamid);
    assert_eq!(lines[0]["taken"], true);
}

#[tokio::test]
async fn a_message_that_meta_keeps_back_is_taken_with_a_word() {
    for (word, held) in [
        ("held_for_quality_assessment", Held::QualityAssessment),
        ("paused", Held::Paused),
    ] {
        let word = word.to_owned();
        let desk = Desk::new(account(vec![Rule::always(Then::Held { word })])).await;
        let taken = desk.api.send(&cleared(&body(&nudge("k")))).await.unwrap();
        assert_eq!(taken.held, Some(held));
    }
}

#[tokio::test]
async fn the_limits_of_an_account_are_kept_by_the_fake() {
    let mut script = account(Vec::new());
    script.pair_seconds = 600;
    let desk = Desk::new(script).await;
    assert!(desk.api.send(&cleared(&body(&nudge("a")))).await.is_ok());
    let pair = desk
        .api
        .send(&cleared(&body(&nudge("b"))))
        .await
        .unwrap_err();
    assert_eq!(pair.code, Some(131_056));

    let mut script = account(Vec::new());
    script.per_second = 1;
    let desk = Desk::new(script).await;
    // Two within one second: at least one of any three in a row is too fast.
    let mut codes = Vec::new();
    for _ in 0..3 {
        let sent = desk.api.send(&cleared(&body(&nudge("c")))).await;
        codes.extend(sent.err().and_then(|trouble| trouble.code));
    }
    assert!(codes.contains(&130_429), "{codes:?}");
}
