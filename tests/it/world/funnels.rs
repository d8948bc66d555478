//! The funnels agree with the tables to the last deal: recounted by plain statements.

use rekindle::jobs::funnels::{Funnels, funnels};
use rekindle::jobs::outcome::{Told, record};
use rekindle::model::{Outcome, OutcomeKind};
use rekindle::rules::funnel::GroupedBy;

use super::{World, day};

fn world() -> World {
    let mut world = World::new();
    world.crowd();
    world.campaign(
        r#"id = "missed"
title = "M"
status = "live"
starts = 2026-01-01
trigger = { on = "missed_cycle" }
goal = { event = "purchase", within = "30d" }
limits = { holdout = "0%" }
step = [{ id = "call", task = "call", script = "sleeping-client" }]
"#,
    );
    world.campaign(
        r#"id = "rejected"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
goal = { event = "purchase", within = "40d" }
limits = { holdout = "0%" }
step = [{ id = "call", task = "call", script = "rejection" }]
"#,
    );
    for n in 0..12 {
        let id = format!("s{n:02}");
        world
            .client(&id)
            .manager(["olga", "boris"][n % 2])
            .bought_every(7, 8, "2026-01-20");
    }
    for n in 0..10 {
        let id = format!("r{n:02}");
        world.client(&id).manager(["olga", "boris"][n % 2]);
        let reason = ["дорого", "Слишком дорого", "нет бюджета", "соседи против"][n % 4];
        world.deal(
            &id,
            &id,
            &format!("lost,2026-01-05,2026-02-2{},{reason},500,Bread", n % 5),
        );
    }
    world
}

fn count(world: &mut World) -> Funnels {
    world.app();
    let app = world.app.as_ref().expect("opened");
    let counted = funnels(app, day("2026-01-01"), day("2026-12-31"));
    world.wait(counted).expect("funnels")
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "every total has a plain statement of its own"
)]
fn the_totals_agree_with_the_tables_to_the_last_deal() {
    let mut world = world();
    world.run("2026-03-02");
    let kinds = [
        OutcomeKind::Interested,
        OutcomeKind::Rejection,
        OutcomeKind::FriendNamed,
        OutcomeKind::CardSent,
        OutcomeKind::NoAnswer,
    ];
    for (n, task) in world.tasks().into_iter().enumerate() {
        let outcome = Outcome::new(kinds[n % kinds.len()], day("2026-03-02"));
        let told = Told::new(outcome, "test");
        let app = world.app.as_ref().expect("opened");
        world.wait(record(app, task.id, &told)).expect("recorded");
    }
    world.deal("q1", "s00", "open,2026-03-04,,,900,Bread,Quote sent");
    world.deal("i1", "s01", "open,2026-03-04,,,900,Bread,Invoice sent");
    world.client("s02").bought_for("2026-03-10", 700);
    world.client("r00").bought_for("2026-03-11", 400);
    world.run("2026-03-12");
    let funnels = count(&mut world);
    let repeat = funnels.repeat_sales.total;
    let base = world.count(
        "SELECT count(*) FROM enrollments e JOIN runs r ON r.id = e.run_id AND r.status = 'sealed'
         WHERE e.campaign = 'missed' AND e.arm = 'treated'",
    );
    assert_eq!(repeat.base.cast_signed(), base);
    assert!(repeat.base >= 12);
    let paid = world.count(
        "SELECT count(*) FROM enrollments e WHERE e.campaign = 'missed' AND EXISTS (
             SELECT 1 FROM purchases p WHERE p.client_id = e.client_id AND p.amount > 0
               AND p.day BETWEEN e.entered_on AND e.entered_on + 30)",
    );
    assert_eq!((repeat.paid.cast_signed(), paid), (1, 1));
    assert_eq!(repeat.paid_minor, 70_000);
    assert_eq!(
        (repeat.invoice, repeat.quote),
        (2, 3),
        "who paid came past every stage"
    );
    let asked = world.count(
        "SELECT count(DISTINCT e.id) FROM enrollments e
         JOIN tasks t ON t.campaign = e.campaign AND t.client_id = e.client_id
         JOIN outcomes o ON o.task_id = t.id AND o.kind = 'interested' WHERE e.campaign = 'missed'",
    );
    assert!(repeat.request.cast_signed() >= asked && asked > 0);

    let rejections = funnels.rejections.total;
    let lost = world.count("SELECT count(*) FROM deals WHERE status = 'lost'");
    assert_eq!(rejections.rejected.cast_signed(), lost);
    for (counted, kinds) in [
        (rejections.interested, "'interested', 'bought'"),
        (rejections.friend_named, "'friend_named'"),
        (rejections.card_sent, "'card_sent'"),
        (
            rejections.reached,
            "'interested', 'rejection', 'friend_named', 'card_sent'",
        ),
    ] {
        let plain = world.count(&format!(
            "SELECT count(DISTINCT d.id) FROM deals d
             JOIN tasks t ON t.client_id = d.client_id AND t.episode = 'rejection:' || d.ext_id
             JOIN outcomes o ON o.task_id = t.id AND o.kind IN ({kinds}) WHERE d.status = 'lost'"
        ));
        assert_eq!(counted.cast_signed(), plain, "{kinds}");
        assert!(plain > 0, "{kinds}");
    }
    assert_eq!((rejections.paid, rejections.paid_minor), (1, 40_000));
    for by in [
        GroupedBy::Campaign,
        GroupedBy::Manager,
        GroupedBy::Reason,
        GroupedBy::Month,
    ] {
        let groups = funnels.rejections.by(by);
        let sum: u64 = groups.iter().map(|(_, one)| one.rejected).sum();
        assert_eq!(sum, rejections.rejected);
    }
    let reasons: Vec<String> = funnels
        .rejections
        .by(GroupedBy::Reason)
        .into_iter()
        .map(|(reason, _)| reason)
        .collect();
    assert!(reasons.contains(&"price".to_owned()) && reasons.contains(&"соседи против".to_owned()));
    assert!(
        !reasons.contains(&"дорого".to_owned()),
        "the dictionary gathers words"
    );

    let (firsts, seconds) = funnels
        .second_purchases
        .iter()
        .fold((0, 0), |(firsts, seconds), one| {
            (firsts + one.first_purchases, seconds + one.second_purchases)
        });
    let plain = world.count(
        "SELECT count(*) FROM (SELECT client_id FROM purchases WHERE amount > 0
         GROUP BY client_id HAVING min(day) >= 20454) AS firsts",
    );
    assert!(firsts > 0 && i64::try_from(firsts) == Ok(plain));
    let again = world.count(
        "SELECT count(*) FROM (SELECT client_id FROM purchases WHERE amount > 0
         GROUP BY client_id HAVING min(day) >= 20454 AND count(DISTINCT day) > 1) AS seconds",
    );
    assert_eq!(i64::try_from(seconds), Ok(again));
    world.finish();
}
