//! Why a trigger has nothing for a client, and how that is told.

use crate::model::{Day, Locale, ManagerRole, RhythmState};

use super::wording::{self, DateStyle};

/// What was seen where nothing has happened that would start a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOccasion {
    /// The client has never bought.
    NeverBought,
    /// The client is silent, and not yet long enough.
    Silent {
        /// How far the silence has come.
        state: RhythmState,
        /// Its days.
        days: i32,
    },
    /// The client has bought on so many days: too many for a second purchase, or too few to be
    /// handed over.
    BoughtOn(u32),
    /// So many days have passed since the only purchase.
    OnlyPurchaseAgo(i32),
    /// No purchase lately.
    NoPurchase,
    /// No deal won lately.
    NoDealWon,
    /// No friend has bought lately.
    NoFriendBought,
    /// No rejection.
    NoRejection,
    /// No rejection for a reason that the news answer.
    NothingAnswered,
    /// No quote and no invoice is out.
    NothingOut,
    /// The client buys as much as usual.
    BuysAsUsual,
    /// It is too early to ask again after a rejection.
    TooEarlyToAsk,
    /// The deal was touched lately.
    DealTouched,
    /// The news are not out yet.
    NewsToCome,
    /// The news are old.
    NewsOld,
    /// Has bought, and so is no visitor who never did.
    HasBought,
    /// Has never visited the site.
    NeverVisited,
    /// Has visited the site on so few days.
    VisitedOn(u32),
    /// Has visited the site lately.
    VisitedLately,
    /// The client has no manager.
    NoManager,
    /// The client's manager has another role.
    ManagerIsNo(ManagerRole),
    /// It is not the day.
    NotTheDay,
    /// The birthday is not known.
    NoBirthday,
    /// Too late to enter, since this day where it is known.
    TooLate(Option<Day>),
    /// Nothing else.
    Nothing,
}

impl NoOccasion {
    /// What was seen, in a phrase.
    pub fn phrase(self, locale: Locale) -> String {
        match locale {
            Locale::Ru => self.ru(),
            Locale::En => self.en(),
        }
    }

    fn en(self) -> String {
        let said = match self {
            Self::NeverBought => "has never bought",
            Self::Silent { state, days } => return format!("{state}, silent for {days} days"),
            Self::BoughtOn(days) => return format!("has bought on {days} days"),
            Self::OnlyPurchaseAgo(days) => return format!("{days} days since the only purchase"),
            Self::NoPurchase => "no purchase in the last days",
            Self::NoDealWon => "no deal won in the last days",
            Self::NoFriendBought => "no friend has bought in the last days",
            Self::NoRejection => "no rejection",
            Self::NothingAnswered => "no rejection for a reason that the news answer",
            Self::NothingOut => "no quote or invoice is out",
            Self::BuysAsUsual => "buys as much as usual",
            Self::TooEarlyToAsk => "it is too early to ask again",
            Self::DealTouched => "the deal was touched lately",
            Self::NewsToCome => "the news are not out yet",
            Self::NewsOld => "the news are old",
            Self::HasBought => "has bought",
            Self::NeverVisited => "has never visited the site",
            Self::VisitedOn(days) => return format!("has visited the site on {days} days"),
            Self::VisitedLately => "has visited the site lately",
            Self::NoManager => "has no manager",
            Self::ManagerIsNo(role) => return format!("the manager is no {role}"),
            Self::NotTheDay => "not the day",
            Self::NoBirthday => "the birthday is not known",
            Self::TooLate(Some(since)) => return format!("too late to enter since {since}"),
            Self::TooLate(None) => "too late to enter",
            Self::Nothing => "no occasion",
        };
        said.to_owned()
    }

    fn ru(self) -> String {
        let days = |days: i32| wording::days(Locale::Ru, days.unsigned_abs());
        let said = match self {
            Self::NeverBought => "ещё ничего не покупал",
            Self::Silent {
                state,
                days: silent,
            } => {
                let state = wording::state(Locale::Ru, state);
                return format!("{state}, молчит {}", days(silent));
            }
            Self::BoughtOn(days) => return format!("дней с покупкой: {days}"),
            Self::OnlyPurchaseAgo(ago) => {
                return format!("единственная покупка {} назад", days(ago));
            }
            Self::NoPurchase => "в последние дни ничего не купил",
            Self::NoDealWon => "в последние дни сделок не выиграно",
            Self::NoFriendBought => "в последние дни никто из друзей не купил",
            Self::NoRejection => "отказов не было",
            Self::NothingAnswered => "нет отказа, на причину которого отвечают новости",
            Self::NothingOut => "нет отправленного предложения или счёта",
            Self::BuysAsUsual => "покупает не меньше обычного",
            Self::TooEarlyToAsk => "спрашивать снова ещё рано",
            Self::DealTouched => "сделка двигалась недавно",
            Self::NewsToCome => "новости ещё не вышли",
            Self::NewsOld => "новости уже старые",
            Self::HasBought => "уже покупал",
            Self::NeverVisited => "на сайте не был",
            Self::VisitedOn(days) => return format!("дней с визитами на сайт: {days}"),
            Self::VisitedLately => "заходил на сайт недавно",
            Self::NoManager => "у клиента нет менеджера",
            Self::ManagerIsNo(role) => {
                let role = wording::role(Locale::Ru, role);
                return format!("менеджер клиента не {role}");
            }
            Self::NotTheDay => "не тот день",
            Self::NoBirthday => "день рождения неизвестен",
            Self::TooLate(Some(since)) => {
                let since = wording::date(Locale::Ru, since, DateStyle::Short);
                return format!("входить уже поздно, с {since}");
            }
            Self::TooLate(None) => "входить уже поздно",
            Self::Nothing => "нет повода",
        };
        said.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_told_in_the_language_of_the_reader() {
        let silent = NoOccasion::Silent {
            state: RhythmState::Due,
            days: 2,
        };
        let late = NoOccasion::TooLate(Some("2026-03-02".parse().unwrap()));
        for (seen, ru, en) in [
            (silent, "пора, молчит 2 дня", "due, silent for 2 days"),
            (
                late,
                "входить уже поздно, с 02.03.2026",
                "too late to enter since 2026-03-02",
            ),
            (
                NoOccasion::ManagerIsNo(ManagerRole::Hunter),
                "менеджер клиента не хантер",
                "the manager is no hunter",
            ),
            (
                NoOccasion::NothingOut,
                "нет отправленного предложения или счёта",
                "no quote or invoice is out",
            ),
        ] {
            assert_eq!(seen.phrase(Locale::Ru).replace('\u{a0}', " "), ru);
            assert_eq!(seen.phrase(Locale::En), en);
        }
    }
}
