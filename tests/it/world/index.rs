//! The daily scan reads whom the indexes name; `--as-of` looks at everybody. On the same day, with
//! the same facts, both decide the same.

use rekindle::model::OutcomeKind;
use rekindle::rules::plan::Plan;
use serde_json::{Value, json};

use super::{COMPANY, World, day};

/// Figures of the base are made anew each day, as `--as-of` makes them.
const FRESH_BASE: &str = "[rhythm]\nrefit_after = \"1d\"\n";

/// A small source of numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // Source: Numerical Recipes, the linear congruential generator of 64 bits.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What is to happen, without the counts of those whom only a full scan sees.
fn deeds(plan: &Plan) -> Value {
    let campaigns: Vec<Value> = plan
        .campaigns
        .iter()
        .map(|one| {
            json!([
                one.id,
                one.entered,
                one.left,
                one.messages,
                one.tasks,
                one.holdout
            ])
        })
        .collect();
    json!({ "campaigns": campaigns, "messages": plan.messages, "tasks": plan.tasks })
}

fn assert_both_scans_agree(world: &mut World, on: &str) {
    let indexed = deeds(&world.plan(on));
    let full = deeds(&world.plan_with(World::as_of(day(on))));
    assert_eq!(indexed, full, "the index and the full scan differ on {on}");
}

fn campaigns_of_purchases(world: &mut World) {
    world.campaign(
        r#"id = "missed"
title = "M"
status = "live"
backlog_per_day = 2
trigger = { on = "missed_cycle" }
limits = { reentry = "20d", holdout = "20%" }
step = [
  { id = "letter", channel = "email", template = "missed-cycle" },
  { id = "nudge", after = "3d", channel = "whatsapp", template = "missed-cycle-short", fallback = { channel = "email", template = "missed-cycle-second" } },
  { id = "call", after = "5d", task = "call", script = "sleeping-client" },
]
"#,
    );
    world.campaign(
        r#"id = "due"
title = "D"
status = "live"
priority = 2
trigger = { on = "missed_cycle", level = "due", lead = "1d" }
limits = { reentry = "10d", holdout = "0%" }
step = [{ id = "call", task = "call", script = "usual-order" }]
"#,
    );
    world.campaign(
        r#"id = "lost"
title = "L"
status = "live"
trigger = { on = "missed_cycle", level = "asleep" }
limits = { reentry = "30d", holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d" } }]
"#,
    );
    world.campaign(
        r#"id = "thanks"
title = "T"
status = "live"
priority = 5
trigger = { on = "purchase" }
limits = { reentry = "10d", holdout = "10%" }
step = [
  { id = "letter", after = "1d", channel = "email", template = "thank-you" },
  { id = "again", after = "2d", channel = "email", template = "second-purchase" },
]
"#,
    );
    world.campaign(
        r#"id = "second"
title = "S"
status = "live"
trigger = { on = "second_purchase" }
limits = { reentry = "90d", holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "second-purchase" }]
"#,
    );
}

fn campaigns_of_deals_and_news(world: &mut World) {
    world.campaign(
        r#"id = "rejected"
title = "R"
status = "live"
trigger = { on = "rejection", after = "10d" }
goal = { event = "deal_won", within = "20d" }
limits = { reentry = "10d", holdout = "0%" }
step = [
  { id = "call", task = "call", script = "rejection" },
  { id = "letter", after = "4d", channel = "email", template = "rejection" },
]
"#,
    );
    world.campaign(
        r#"id = "stalled"
title = "S"
status = "live"
trigger = { on = "stalled_deal", after = "6d" }
goal = { event = "deal_won", within = "20d" }
limits = { reentry = "0d", holdout = "0%" }
step = [
  { id = "call", task = "call", script = "rejection" },
  { id = "letter", after = "4d", channel = "email", template = "rejection" },
]
"#,
    );
    world.campaign(
        r#"id = "visitors"
title = "V"
status = "live"
trigger = { on = "visit_lapsed", visits = 1, after = "6d" }
limits = { reentry = "0d", holdout = "0%" }
step = [{ id = "call", task = "call", script = "usual-order" }]
"#,
    );
    world.campaign(
        r#"id = "answered"
title = "A"
status = "live"
trigger = { on = "rejection_answered", day = 2026-04-12 }
limits = { reentry = "0d", holdout = "0%" }
news = { title = "Cheaper", item = [{ title = "Bread", text = "Cheaper.", answers = ["price"] }] }
step = [{ id = "letter", channel = "email", template = "rejection-answered" }]
"#,
    );
    world.campaign(
        r#"id = "won"
title = "W"
status = "live"
priority = 9
trigger = { on = "deal_won" }
limits = { reentry = "5d", holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "thank-you", class = "service" }]
"#,
    );
    world.campaign(
        r#"id = "news"
title = "N"
status = "live"
trigger = { on = "news", day = 2026-04-10 }
limits = { reentry = "0d", holdout = "0%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [
  { id = "letter", channel = "email", template = "news" },
  { id = "call", after = "1w", task = "call", script = "sleeping-client" },
]
"#,
    );
}

fn people(world: &mut World) {
    for n in 0..24 {
        let id = format!("c{n:02}");
        let client = world.client(&id);
        let client = match n % 6 {
            0 => client.phone("+79161234567"),
            1 => client.email(""),
            // Two and two share an address.
            2 => client.email(&format!("office{}@example.org", n / 12)),
            _ => client,
        };
        let gap = 4 + n % 7;
        let times = if n % 8 == 7 { 1 } else { 8 };
        client.bought_every(gap, times, "2026-02-20");
    }
}

/// What happens to the company on a day.
fn life(world: &mut World, dice: &mut Dice, on: &str) {
    for n in 0..24_i32 {
        let id = format!("c{n:02}");
        let gap = u64::from((4 + n % 7).cast_unsigned());
        // Some go on buying, some fade away, some come back.
        let asleep = (n % 5 == 0) ^ (on > "2026-04-15");
        if dice.below(gap) == 0 && (!asleep || dice.below(9) == 0) {
            world.client(&id).bought(&[on]);
        }
    }
    let n = dice.below(24);
    let id = format!("c{n:02}");
    match dice.below(18) {
        0 => world.deal(&format!("d{on}"), &id, &format!("lost,{on},{on},price,500")),
        1 => world.deal(&format!("d{on}"), &id, &format!("won,{on},{on},,500")),
        6 => world.deal(
            &format!("o{id}"),
            &id,
            &format!("open,{on},,,500,Bread,Quote"),
        ),
        7 => world.deal(
            &format!("o{id}"),
            &id,
            &format!("open,{on},,,500,Bread,Invoice"),
        ),
        8 => world.visited(&format!("v{id}"), &[on]),
        2 => world.consent(&id, &format!("email,advertising,consent,{on},{on}")),
        3 => world.consent(&id, &format!("email,advertising,consent,{on},")),
        4 => world.suppressed(&format!("{id}@example.org"), on),
        5 => {
            world.client(&id).bought(&[on]);
            world.cancelled_last_purchase(on);
        }
        _ => {}
    }
    let tasks = world.tasks();
    let Some(task) = tasks.first().filter(|_| dice.below(4) == 0) else {
        return;
    };
    let client = task.client.clone();
    if tasks.iter().filter(|task| task.client == client).count() > 1 {
        return;
    }
    let (kind, until) = match dice.below(6) {
        0 => (OutcomeKind::ComeBack, Some(day(on).plus(6).to_string())),
        1 => (OutcomeKind::NoAnswer, None),
        2 => (OutcomeKind::Rejection, None),
        3 => (OutcomeKind::Interested, None),
        4 => (OutcomeKind::Bought, None),
        _ => (OutcomeKind::DoNotContact, None),
    };
    world.outcome(&client, kind, on, until.as_deref());
}

fn live_through(seed: u64, from: &str, days: i32, is_down: impl Fn(i32) -> bool) {
    let mut world = World::with(&format!("{COMPANY}{FRESH_BASE}"));
    campaigns_of_purchases(&mut world);
    campaigns_of_deals_and_news(&mut world);
    people(&mut world);
    let mut dice = Dice(seed);
    for n in 0..days {
        let on = day(from).plus(n).to_string();
        world.at(day(&on));
        life(&mut world, &mut dice, &on);
        if is_down(n) {
            continue;
        }
        assert_both_scans_agree(&mut world, &on);
        world.run(&on);
    }
    assert!(world.messages().len() > 50, "something has to happen");
    world.finish();
}

#[test]
fn the_index_and_the_full_scan_decide_the_same_on_every_day() {
    live_through(1, "2026-02-25", 55, |_| false);
}

#[test]
fn they_agree_after_days_on_which_the_worker_was_down() {
    live_through(2, "2026-02-25", 55, |n| n % 17 > 11 || n % 5 == 1);
}

#[test]
fn they_agree_on_a_first_run_that_meets_old_silences() {
    live_through(3, "2026-05-20", 30, |_| false);
}

#[test]
fn they_agree_where_nothing_is_imported_for_weeks() {
    let mut world = World::with(&format!("{COMPANY}{FRESH_BASE}"));
    campaigns_of_purchases(&mut world);
    campaigns_of_deals_and_news(&mut world);
    people(&mut world);
    for n in 0..40 {
        let on = day("2026-02-21").plus(n).to_string();
        assert_both_scans_agree(&mut world, &on);
        world.run(&on);
    }
    world.finish();
}
