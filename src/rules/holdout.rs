//! Who is left out so that the effect of a campaign can be measured.

use super::draw::draw;
use crate::model::Arm;

/// The arm of a client in a campaign: the same for ever, independent between campaigns.
///
/// The first eight bytes of SHA-256(campaign, 0, client) as a number in 0..1; below `share` the
/// client is held out. `client` is the id that the source uses, so a rebuilt database draws alike.
pub fn arm(campaign: &str, client: &str, share: f64) -> Arm {
    if draw(&[campaign], client) < share {
        Arm::Holdout
    } else {
        Arm::Treated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draw_is_stable_and_near_its_share() {
        let held = (0..10_000)
            .filter(|n| arm("missed-cycle", &format!("c{n}"), 0.1) == Arm::Holdout)
            .count();
        assert!((900..1100).contains(&held), "{held}");
        assert_eq!(
            arm("missed-cycle", "12583", 0.5),
            arm("missed-cycle", "12583", 0.5)
        );
        assert_eq!(arm("a", "b", 0.0), Arm::Treated);
        assert_eq!(arm("a", "b", 1.0), Arm::Holdout);
    }

    #[test]
    fn campaigns_draw_independently() {
        let both = (0..10_000)
            .filter(|n| {
                let client = format!("c{n}");
                arm("one", &client, 0.5) == Arm::Holdout && arm("two", &client, 0.5) == Arm::Holdout
            })
            .count();
        assert!((2300..2700).contains(&both), "{both}");
    }
}
