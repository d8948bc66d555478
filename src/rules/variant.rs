//! Which of several forms of a message a client gets: a draw that is the same for ever.

use crate::config::campaign::Variant;
use crate::config::values::Share;

use super::draw::draw;

/// The variant of a step that a client gets; nothing where there are none.
///
/// The draw is independent of the holdout and of other steps. As long as ids and shares stay, so does
/// everybody's variant; `client` is the id that the source uses.
pub fn of_client<'v>(
    campaign: &str,
    step: &str,
    client: &str,
    variants: &'v [Variant],
) -> Option<&'v Variant> {
    let given: f64 = variants.iter().filter_map(share).sum();
    let without = variants.iter().filter(|one| one.share.is_none()).count();
    let rest = (1.0 - given).max(0.0) / without.max(1) as f64;
    let drawn = draw(&[campaign, step, "variant"], client);
    let mut upto = 0.0;
    let found = variants.iter().find(|variant| {
        upto += share(variant).unwrap_or(rest);
        drawn < upto
    });
    // Shares are sums of fractions: the last one takes what rounding leaves.
    found.or(variants.last())
}

fn share(variant: &Variant) -> Option<f64> {
    variant.share.map(Share::fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(id: &str, share: Option<f64>) -> Variant {
        Variant {
            id: id.to_owned(),
            share: share.map(Share::percent),
            ..Variant::default()
        }
    }

    fn count(variants: &[Variant], id: &str) -> usize {
        let drawn = (0..10_000).map(|n| of_client("news", "letter", &format!("c{n}"), variants));
        drawn
            .filter(|one| one.is_some_and(|one| one.id == id))
            .count()
    }

    #[test]
    fn everybody_keeps_his_variant_and_the_shares_come_out() {
        let halves = [variant("a", None), variant("b", None)];
        assert!((4_800..5_200).contains(&count(&halves, "a")));
        let few = [
            variant("a", None),
            variant("b", Some(20.0)),
            variant("c", None),
        ];
        assert!(
            (1_880..2_120).contains(&count(&few, "b")),
            "{}",
            count(&few, "b")
        );
        assert!((3_850..4_150).contains(&count(&few, "c")));
        for n in 0..100 {
            let client = format!("c{n}");
            let first = of_client("news", "letter", &client, &halves)
                .unwrap()
                .id
                .clone();
            assert_eq!(
                of_client("news", "letter", &client, &halves).unwrap().id,
                first
            );
        }
        assert_eq!(of_client("news", "letter", "c1", &[]), None);
    }

    #[test]
    fn the_variants_of_two_steps_are_drawn_independently() {
        let halves = [variant("a", None), variant("b", None)];
        let both = (0..10_000).filter(|n| {
            let client = format!("c{n}");
            let of = |step| of_client("news", step, &client, &halves).unwrap().id == "a";
            of("letter") && of("reminder")
        });
        assert!((2_300..2_700).contains(&both.count()));
    }
}
