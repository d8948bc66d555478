//! A mailing of news to people: in the morning, at a steady rate, stopped and let go on by a person.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use rekindle::jobs::campaigns::{self, Acting, CampaignState, Order};

use super::sink::Manners;
use super::{LETTER, Post, news};

/// How many readers there are.
const READERS: usize = 12;

/// News for twelve readers, one letter a minute from nine in the morning on; the clock stands at eight.
fn steady() -> Post {
    let mut post = Post::letters(Manners::default());
    for n in 0..READERS {
        post.clients(&[&format!("c{n}")]);
    }
    let steady = news("news", "2026-03-05", LETTER)
        .replace(", when = \"any_hour\"", "")
        .replace("holdout = \"0%\"", "holdout = \"0%\", per_hour = 60");
    post.world.campaign(&steady);
    post.planned("2026-03-05");
    post
}

fn progress(post: &mut Post) -> CampaignState {
    let app = post.app();
    let states = campaigns::states(&app, Some("news"));
    let mut states = post.world.wait(states).unwrap();
    let state = states.remove(0);
    assert_eq!(state.progress.planned, READERS as u64);
    state
}

/// Who has got a letter; nobody has two.
fn readers(post: &Post) -> usize {
    let taken = post.sink().received();
    let readers: BTreeSet<_> = taken.iter().map(|one| one.recipient.clone()).collect();
    assert_eq!(readers.len(), taken.len(), "nobody gets two");
    readers.len()
}

fn minutes(post: &mut Post, minutes: i64) {
    post.later(TimeDelta::minutes(minutes));
    post.deliver();
}

#[test]
fn a_mailing_leaves_at_its_rate_is_paused_and_goes_on_and_shows_how_far_it_has_come() {
    let mut post = steady();
    post.deliver();
    minutes(&mut post, 59);
    assert_eq!(readers(&post), 0, "not before the morning");
    minutes(&mut post, 1);
    assert_eq!(readers(&post), 1);
    minutes(&mut post, 5);
    assert_eq!(readers(&post), 6);
    let shown = progress(&mut post);
    assert_eq!((shown.progress.sent, shown.progress.waiting), (6, 6));
    assert_eq!((shown.progress.percent(), shown.per_hour), (50, 36));
    let app = post.app();
    let order = Order {
        campaign: &app.campaigns[0],
        by: "marketing",
        reason: "a wrong price",
    };
    post.world
        .wait(campaigns::pause(&app, order))
        .unwrap()
        .unwrap();
    for _ in 0..3 {
        minutes(&mut post, 20);
        assert_eq!(readers(&post), 6, "nothing leaves while it is paused");
    }
    assert_eq!(progress(&mut post).acting, Acting::Paused);
    let waiting = post.world.wait(campaigns::resume(&app, order.campaign));
    assert_eq!(waiting.unwrap(), Ok(6));
    post.deliver();
    assert_eq!(readers(&post), 7, "what waited does not leave all at once");
    // The process dies, and another one goes on.
    drop(app);
    post.live = None;
    minutes(&mut post, 2);
    assert_eq!(readers(&post), 9);
    minutes(&mut post, 60);
    assert_eq!(readers(&post), READERS, "nobody is passed over");
    let shown = progress(&mut post);
    assert_eq!((shown.progress.sent, shown.progress.percent()), (12, 100));
    post.finish();
}

#[test]
fn what_is_left_of_a_cancelled_mailing_never_leaves() {
    let mut post = steady();
    minutes(&mut post, 63);
    assert_eq!(readers(&post), 4);
    let app = post.app();
    let order = Order {
        campaign: &app.campaigns[0],
        by: "marketing",
        reason: "sold out",
    };
    let ended = post.world.wait(campaigns::cancel(&app, order)).unwrap();
    assert_eq!((ended.messages, ended.clients), (8, 12));
    assert!(
        post.world
            .wait(campaigns::resume(&app, order.campaign))
            .unwrap()
            .is_err()
    );
    drop(app);
    post.live = None;
    minutes(&mut post, 120);
    assert_eq!(readers(&post), 4);
    let shown = progress(&mut post);
    assert_eq!(
        (shown.acting, shown.progress.left_out),
        (Acting::Cancelled, 8)
    );
    // The next day plans nobody anew.
    post.run("2026-03-06");
    post.later(TimeDelta::hours(2));
    post.deliver();
    assert_eq!(readers(&post), 4);
    post.finish();
}

#[test]
fn a_mailing_that_is_approved_late_keeps_its_rate() {
    let mut post = Post::letters(Manners::default());
    post.clients(&["anna", "boris", "clara"]);
    let steady = news("news", "2026-03-05", LETTER)
        .replace("holdout = \"0%\"", "holdout = \"0%\", per_hour = 60");
    post.world.campaign(&steady);
    post.run("2026-03-05");
    post.later(TimeDelta::hours(4));
    post.approve("2026-03-05");
    for expected in 1..=3 {
        post.deliver();
        assert_eq!(readers(&post), expected);
        post.later(TimeDelta::minutes(1));
    }
    post.finish();
}
