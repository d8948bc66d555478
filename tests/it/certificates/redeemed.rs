//! Each use once, however many tills try, and whatever a person types.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekindle::app::App;
use rekindle::certificates::till::{Wish, WishError, redeem};
use rekindle::db::{Redeemed, Via};
use rekindle::rules::certificate::CodeError;
use tokio::runtime::Handle;

use super::{Shop, code_of, denied, is_redeemed};
use crate::world::day;

const BEFORE: &str = "p1,anna,2026-02-01,100,,";

fn shop() -> Shop {
    let mut shop = Shop::new(&["anna,Anna Petrova,anna@example.org,+79131234567,,"]);
    shop.import(&[BEFORE]);
    shop
}

/// How many codes there are.
const CODES: u32 = 10_000;

/// How many tills.
const TILLS: u32 = 64;

/// One till: it tries every code of its own and of its neighbour, so that each code is wanted by two
/// tills at about the same time.
async fn till(app: &App, n: u32, redeemed: &AtomicUsize, denied: &AtomicUsize) {
    let share = CODES.div_ceil(TILLS);
    for offset in 0..2 * share {
        let place = (n * share + offset) % CODES;
        let code = code_of(100_000 + place);
        let receipt = format!("till {n} receipt {offset}");
        let wish = Wish {
            code: &code,
            receipt: &receipt,
            ..Wish::default()
        };
        match redeem(app, &wish, "till", Via::Till).await.unwrap() {
            Redeemed::Now { .. } => redeemed.fetch_add(1, Ordering::Relaxed),
            Redeemed::Denied { .. } => denied.fetch_add(1, Ordering::Relaxed),
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn sixty_four_threads_redeem_ten_thousand_codes_each_once() {
    let mut shop = shop();
    shop.issue("own", "anna", &[]);
    let codes: Vec<String> = (0..CODES)
        .map(|n| format!("\"{}\"", code_of(100_000 + n)))
        .collect();
    shop.world.rows(&format!(
        "INSERT INTO certificates (code, campaign, client_id, episode, step, kind, discount,
                                   issued_on, valid_until, run_id)
         SELECT atom, 'many', 1, key, 's', 'own', '10%', 20510, 20818, 9
         FROM json_each('[{}]')",
        codes.join(",")
    ));
    shop.world.app();
    let app = Arc::new(shop.world.open());
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    // One queue of statements for all threads, as in one process with a till page open 64 times; and
    // one runtime: a connection to a server lives and dies with the one that opened it.
    let runtime = shop.world.wait(async { Handle::current() });
    let threads: Vec<_> = (0..TILLS)
        .map(|n| {
            let (app, counts) = (Arc::clone(&app), Arc::clone(&counts));
            let runtime = runtime.clone();
            std::thread::spawn(move || runtime.block_on(till(&app, n, &counts.0, &counts.1)))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(
        counts.0.load(Ordering::Relaxed),
        CODES as usize,
        "each code once"
    );
    assert!(
        counts.1.load(Ordering::Relaxed) >= CODES as usize,
        "and wanted twice"
    );
    let rows = shop.world.rows(
        "SELECT count(*), count(DISTINCT code), max(use_no) FROM redemptions WHERE undone_at IS NULL",
    );
    let of = |n| rows[0].get::<i64, _>(n);
    assert_eq!(
        (of(0), of(1), of(2)),
        (i64::from(CODES), i64::from(CODES), 1)
    );
    shop.world.finish();
}

#[test]
fn the_same_receipt_again_is_the_same_redemption_and_another_one_is_denied() {
    let mut shop = shop();
    let code = shop.issue("own", "anna", &[]);
    assert!(is_redeemed(&shop.redeem(&code, "r-1", None)));
    let again = shop.redeem(&code, "r-1", None);
    assert!(matches!(again, Redeemed::Before { .. }), "{again:?}");
    let other = shop.redeem(&code, "r-2", None);
    assert_eq!(denied(&other), ["used_up"]);
    let Redeemed::Denied { last, .. } = other else {
        unreachable!()
    };
    assert_eq!(last.unwrap().receipt, "r-1");
    shop.world.finish();
}

#[test]
fn a_certificate_for_several_uses_is_used_so_often_and_a_use_can_be_given_back() {
    let mut shop = shop();
    let code = shop.issue("own", "anna", &[("uses", "2")]);
    assert!(is_redeemed(&shop.redeem(&code, "r-1", None)));
    assert!(is_redeemed(&shop.redeem(&code, "r-2", None)));
    assert_eq!(denied(&shop.redeem(&code, "r-3", None)), ["used_up"]);
    let app = shop.world.open();
    let undo = app
        .store
        .undo_redemption(&code, "r-1", "boss", "wrong key", 1);
    assert!(shop.world.wait(undo).unwrap());
    assert!(is_redeemed(&shop.redeem(&code, "r-3", None)));
    assert_eq!(denied(&shop.redeem(&code, "r-4", None)), ["used_up"]);
    shop.world.finish();
}

#[test]
fn an_expired_a_void_and_a_held_certificate_give_nothing() {
    let mut shop = shop();
    let expired = shop.issue("own", "anna", &[("valid_until", "20512")]);
    assert_eq!(denied(&shop.redeem(&expired, "r-1", None)), ["expired"]);
    let void = shop.issue("own", "anna", &[]);
    let app = shop.world.open();
    let voided = app
        .store
        .void_certificate(&void, "boss", "printed twice", 1);
    assert!(shop.world.wait(voided).unwrap());
    assert_eq!(denied(&shop.redeem(&void, "r-1", None)), ["void"]);
    // A run that waits for a person has given nothing to anybody yet.
    let held = shop.issue("own", "anna", &[]);
    shop.world
        .rows("UPDATE runs SET status = 'awaiting_approval' WHERE id = 9");
    assert_eq!(shop.redeem(&held, "r-1", None), Redeemed::Unknown);
    shop.world.finish();
}

#[test]
fn the_receipt_must_be_large_enough() {
    let mut shop = shop();
    let code = shop.issue("own", "anna", &[("min_receipt", "300000")]);
    let wish = |amount| Wish {
        code: &code,
        receipt: "r-1",
        amount: Some(amount),
        ..Wish::default()
    };
    assert_eq!(denied(&shop.wish(&wish("2 999,99"))), ["receipt_too_small"]);
    assert!(is_redeemed(&shop.wish(&wish("3 000"))));
    shop.world.finish();
}

#[test]
fn what_is_typed_wrong_is_told_and_changes_nothing() {
    let mut shop = shop();
    let code = shop.issue("own", "anna", &[]);
    let app = shop.world.open();
    let typed = |code: &'static str, receipt: &'static str| {
        let wish = Wish {
            code,
            receipt,
            ..Wish::default()
        };
        shop.world
            .wait(redeem(&app, &wish, "till", Via::Till))
            .unwrap_err()
    };
    assert!(matches!(
        typed("SPRING10", "r"),
        WishError::Code(CodeError::Length)
    ));
    let good: &'static str = code.clone().leak();
    assert!(matches!(typed(good, " "), WishError::NoReceipt));
    let unknown = shop.redeem(&code_of(999_999), "r-1", None);
    assert_eq!(unknown, Redeemed::Unknown);
    assert_eq!(shop.world.count("SELECT count(*) FROM redemptions"), 0);
    shop.world.finish();
}

#[test]
fn a_promo_code_of_an_import_redeems_once_and_twice_is_told() {
    let mut shop = shop();
    let code = shop.issue("own", "anna", &[]);
    let glued = code.replace('-', "").to_lowercase();
    let one = format!("w1,anna,2026-03-01,500,{glued},");
    shop.world.at(day("2026-03-05"));
    for _ in 0..3 {
        shop.import(&[BEFORE, &one]);
    }
    assert_eq!(shop.world.count("SELECT count(*) FROM redemptions"), 1);
    let other = format!("w2,anna,2026-03-03,500,{code},");
    let generic = "w3,anna,2026-03-03,500,SPRING10,";
    shop.import(&[BEFORE, &one, &other, generic]);
    shop.import(&[BEFORE, &one, &other, generic, "w4,anna,2026-03-04,1,,"]);
    assert_eq!(shop.world.count("SELECT count(*) FROM redemptions"), 1);
    assert_eq!(shop.doubts(), ["w2 [\"used_up\"]"]);
    // The till finds it used as well.
    assert_eq!(denied(&shop.redeem(&code, "r-1", None)), ["used_up"]);
    shop.world.finish();
}

#[test]
fn a_code_that_an_import_corrects_gives_the_wrong_one_its_use_back() {
    let mut shop = shop();
    let (wrong, right) = (
        shop.issue("own", "anna", &[]),
        shop.issue("own", "anna", &[]),
    );
    shop.world.at(day("2026-03-05"));
    let bought = |code: &str| format!("w1,anna,2026-03-01,500,{code},");
    shop.import(&[BEFORE, &bought(&wrong)]);
    assert_eq!(shop.uses(), [format!("{wrong} w1")]);
    // Somebody else wanted the same code meanwhile, and was told that it is used up.
    let other = format!("w2,anna,2026-03-02,700,{wrong},");
    shop.import(&[BEFORE, &bought(&wrong), &other]);
    assert_eq!(shop.doubts(), ["w2 [\"used_up\"]"]);
    shop.import(&[BEFORE, &bought(&right), &other]);
    assert_eq!(shop.uses(), [format!("{wrong} w2"), format!("{right} w1")]);
    assert_eq!(
        shop.doubts(),
        Vec::<String>::new(),
        "the second one is served now"
    );
    // A generic code, and none at all.
    shop.import(&[BEFORE, &bought("SPRING10"), &other]);
    assert_eq!(shop.uses(), [format!("{wrong} w2")]);
    for _ in 0..2 {
        shop.import(&[BEFORE, &bought(""), "w2,anna,2026-03-02,700,,"]);
        assert_eq!(shop.uses(), Vec::<String>::new());
    }
    assert!(is_redeemed(&shop.redeem(&right, "r-9", None)));
    shop.world.finish();
}

#[test]
fn what_a_till_took_stays_taken_when_the_import_names_another_code_and_a_person_is_told() {
    let mut shop = shop();
    let (taken, named) = (
        shop.issue("own", "anna", &[]),
        shop.issue("own", "anna", &[]),
    );
    shop.world.at(day("2026-03-05"));
    assert!(is_redeemed(&shop.redeem(&taken, "w1", None)));
    shop.import(&[BEFORE, &format!("w1,anna,2026-03-05,500,{taken},")]);
    assert_eq!(shop.doubts(), Vec::<String>::new());
    for _ in 0..2 {
        shop.import(&[BEFORE, &format!("w1,anna,2026-03-05,500,{named},")]);
        assert_eq!(shop.uses(), [format!("{taken} w1"), format!("{named} w1")]);
        assert_eq!(shop.doubts(), ["w1 [\"other_code\"]"]);
    }
    assert_eq!(denied(&shop.redeem(&taken, "w5", None)), ["used_up"]);
    shop.world.finish();
}
