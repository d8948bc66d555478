//! Links in the hands of scanners and guessers: R16.
//!
//! `REKINDLE_LINK_TRIES=1000 REKINDLE_TOKENS=1000000 cargo test --release --test it web::links --
//! --nocapture` is the full form.

use rekindle::model::{AddressKey, Channel};
use rekindle::rules::delivery::token::{self, Purpose};
use reqwest::{Method, StatusCode};

use super::{Company, key};
use crate::draw::Draw;
use crate::full_form;

#[tokio::test]
async fn every_link_may_be_looked_at_as_often_as_scanners_like_and_works_afterwards() {
    let tries = full_form::number("REKINDLE_LINK_TRIES", 40);
    let company = Company::open().await;
    for (n, channel, state) in [
        (1, Channel::Email, "accepted"),
        (2, Channel::Whatsapp, "accepted"),
        (3, Channel::Email, "unknown"),
        (4, Channel::Email, "planned"),
    ] {
        company.message(n, channel, state).await;
    }
    let before = company.picture().await;
    for n in 1..=4 {
        let (unsubscribe, preferences) = company.links(n);
        for link in [&unsubscribe, &preferences] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                for _ in 0..tries {
                    let request = company.http.request(method.clone(), link.as_str());
                    let answer = request.send().await.unwrap();
                    let expected = match method {
                        Method::OPTIONS => StatusCode::METHOD_NOT_ALLOWED,
                        _ => StatusCode::OK,
                    };
                    assert_eq!(answer.status(), expected, "{method} {link}");
                }
            }
        }
    }
    assert_eq!(company.picture().await, before);
    for n in 1..=4 {
        let post = company.http.post(company.links(n).0);
        let post = post
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("List-Unsubscribe=One-Click");
        assert_eq!(post.send().await.unwrap().status(), StatusCode::OK, "{n}");
        assert_eq!(company.suppressed(n).await.len(), 1, "{n}");
    }
    println!("{tries} times each of 3 methods on 8 links: nothing changed");
}

#[test]
fn no_mutated_token_is_taken_for_a_good_one() {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=%";
    let tokens = full_form::number("REKINDLE_TOKENS", 20_000);
    let company = AddressKey::new([7; 32]);
    let purposes = [Purpose::Unsubscribe, Purpose::Preferences];
    let mut draw = Draw(20_261_125);
    let mut below = |bound: usize| draw.below(bound as u64) as usize;
    for n in 0..tokens {
        let purpose = purposes[below(2)];
        let good = token::make(&company, purpose, &key((n % 1_000) as i64));
        let mut mutated = good.clone().into_bytes();
        for _ in 0..=below(3) {
            let place = below(mutated.len());
            let letter = LETTERS[below(LETTERS.len())];
            match below(4) {
                0 => mutated[place] = letter,
                1 => mutated.insert(place, letter),
                2 => drop(mutated.remove(place)),
                _ => {
                    let next = (place + 1) % mutated.len();
                    mutated.swap(place, next);
                }
            }
            if mutated.is_empty() {
                mutated.push(letter);
            }
        }
        let mutated = String::from_utf8(mutated).unwrap();
        let other = purposes[usize::from(purpose == purposes[0])];
        assert_eq!(token::verify(&company, other, &good), None);
        if mutated != good {
            for purpose in purposes {
                let taken = token::verify(&company, purpose, &mutated);
                assert_eq!(taken, None, "{mutated} of {good}");
            }
        }
    }
    println!("{tokens} mutated tokens: none was taken");
}
