//! What came back about a message after it left, folded from the events of the outside world.
//!
//! Events come twice, late, early and in any order; the fold is a maximum and a few flags, so that
//! none of this matters. It never changes what *we* did with a message: that is its state.

use serde::{Deserialize, Serialize};

/// How far a message is known to have come.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Nothing is known.
    #[default]
    None,
    /// It left the provider.
    Sent,
    /// It is on the client's device, or in his mailbox.
    Delivered,
    /// He opened it.
    Read,
}

/// One thing that the outside world says about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The provider passed it on.
    Sent,
    /// It arrived.
    Delivered,
    /// It was opened.
    Read,
    /// It was taken over and could not be delivered after all.
    Failed,
    /// The client answered.
    Replied,
    /// The client wants no more.
    OptedOut,
    /// It came back as undeliverable mail.
    Bounced,
    /// The client called it spam.
    Complained,
}

impl Report {
    /// Every report.
    pub const ALL: [Self; 8] = [
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Replied,
        Self::OptedOut,
        Self::Bounced,
        Self::Complained,
    ];

    /// Whether the report proves that the provider had taken the message over: it settles a
    /// message of which that was not known.
    ///
    /// The reports on people do not: an answer or a complaint may be about another message.
    pub const fn proves_acceptance(self) -> bool {
        match self {
            Self::Sent | Self::Delivered | Self::Read | Self::Failed | Self::Bounced => true,
            Self::Replied | Self::OptedOut | Self::Complained => false,
        }
    }
}

/// Everything that came back about one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five things that happen independently of each other, in any order"
)]
pub struct Feedback {
    /// The furthest point known.
    pub progress: Progress,
    /// The provider said that it failed; a delivery may be reported all the same.
    pub failed: bool,
    /// The client answered.
    pub replied: bool,
    /// The client wants no more.
    pub opted_out: bool,
    /// It came back as undeliverable mail.
    pub bounced: bool,
    /// The client called it spam.
    pub complained: bool,
}

impl Feedback {
    /// The same with one report more. A report that is not new changes nothing.
    #[must_use]
    pub fn with(self, report: Report) -> Self {
        let mut all = self;
        let progress = match report {
            Report::Sent => Progress::Sent,
            Report::Delivered => Progress::Delivered,
            Report::Read => Progress::Read,
            _ => Progress::None,
        };
        all.progress = all.progress.max(progress);
        match report {
            Report::Failed => all.failed = true,
            Report::Replied => all.replied = true,
            Report::OptedOut => all.opted_out = true,
            Report::Bounced => all.bounced = true,
            Report::Complained => all.complained = true,
            Report::Sent | Report::Delivered | Report::Read => {}
        }
        all
    }

    /// Whether the client is known to have the message: with several devices one may fail and
    /// another one not.
    pub fn has_arrived(self) -> bool {
        self.progress >= Progress::Delivered
    }

    /// Whether the message is known not to have reached the client.
    pub fn has_failed(self) -> bool {
        (self.failed || self.bounced) && !self.has_arrived()
    }
}

impl FromIterator<Report> for Feedback {
    fn from_iter<I: IntoIterator<Item = Report>>(reports: I) -> Self {
        reports.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(reports: &[Report]) -> Feedback {
        reports.iter().copied().collect()
    }

    #[test]
    fn a_message_goes_forward_and_never_back() {
        use Report::{Delivered, Read, Sent};
        assert_eq!(folded(&[]).progress, Progress::None);
        assert_eq!(folded(&[Sent]).progress, Progress::Sent);
        assert_eq!(folded(&[Read, Sent, Delivered]).progress, Progress::Read);
        assert_eq!(folded(&[Delivered, Sent]).progress, Progress::Delivered);
    }

    #[test]
    fn a_delivery_after_a_failure_counts() {
        let failed = folded(&[Report::Sent, Report::Failed]);
        assert!(failed.has_failed() && !failed.has_arrived());
        let arrived = failed.with(Report::Delivered);
        assert!(arrived.has_arrived() && !arrived.has_failed() && arrived.failed);
        let bounced = folded(&[Report::Bounced]);
        assert!(bounced.has_failed());
    }

    fn reports() -> impl Strategy<Value = Vec<Report>> {
        prop::collection::vec(prop::sample::select(Report::ALL.to_vec()), 0..24)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn neither_order_nor_repetition_matters(
            (first, second) in reports()
                .prop_flat_map(|reports| {
                    let twice: Vec<Report> = reports.iter().chain(&reports).copied().collect();
                    (Just(reports), Just(twice).prop_shuffle())
                })
        ) {
            prop_assert_eq!(folded(&first), folded(&second));
        }

        #[test]
        fn one_report_more_takes_nothing_away(
            reports in reports(),
            more in prop::sample::select(Report::ALL.to_vec()),
        ) {
            let before = folded(&reports);
            let after = before.with(more);
            prop_assert!(after.progress >= before.progress);
            prop_assert!(after.failed >= before.failed && after.replied >= before.replied);
            prop_assert!(after.opted_out >= before.opted_out);
            prop_assert!(after.bounced >= before.bounced);
            prop_assert!(after.complained >= before.complained);
            prop_assert_eq!(after.with(more), after);
        }
    }
}
