//! Why an episode began: the numbers behind every sentence of a plan, a script or a letter.

use serde::{Deserialize, Serialize};

use crate::config::settings::DealStep;
use crate::model::{Currency, Day, Locale, Money, RhythmState};

use super::wording;

/// What was seen on the day on which an episode began to count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// The client is silent against his own rhythm.
    Silence {
        /// How far the silence has come.
        state: RhythmState,
        /// The client's usual gap, in days.
        usual_gap_days: f64,
        /// Days since the last purchase.
        days_silent: i32,
        /// Of the pauses of such clients that ended, the share that were longer; 0..1.
        overdue_p: f64,
        /// The chance of a purchase within 30 days without our doing anything; 0..1.
        return_30: f64,
    },
    /// A one-time buyer is past the usual time to the second purchase.
    SecondPurchase {
        /// Days since the only purchase.
        days_silent: i32,
        /// Half of those who buy again have done so after so many days.
        usual_days: i32,
        /// The share of one-time buyers who buy again at all; 0..1.
        share_returning: f64,
    },
    /// The client bought.
    Purchase {
        /// The day.
        day: Day,
        /// Minor units.
        amount: i64,
    },
    /// A deal was won.
    DealWon {
        /// The day.
        day: Day,
        /// What it was about.
        title: Option<String>,
        /// Minor units.
        amount: Option<i64>,
    },
    /// A friend whom the client sent has bought. Who it was is not told to him.
    FriendBought {
        /// The day since which the friend counts.
        day: Day,
        /// Minor units, where they are known.
        amount: Option<i64>,
    },
    /// A deal was lost, and it is time to ask again.
    Rejection {
        /// The day of the rejection.
        day: Day,
        /// Days since then.
        days_ago: i32,
        /// What it was about.
        title: Option<String>,
        /// Why the client said no, in the source's words.
        reason: Option<String>,
        /// Minor units.
        amount: Option<i64>,
    },
    /// A deal was lost for a reason that the news answer.
    RejectionAnswered {
        /// The day of the rejection.
        day: Day,
        /// Days since then.
        days_ago: i32,
        /// What it was about.
        title: Option<String>,
        /// Why the client said no, in the source's words.
        reason: Option<String>,
        /// Minor units.
        amount: Option<i64>,
        /// The headline of the piece of news that answers it.
        news: String,
    },
    /// A quote or an invoice is out, and nothing has happened since.
    StalledDeal {
        /// The day since which nothing has happened.
        day: Day,
        /// Days since then.
        days_ago: i32,
        /// What is out.
        step: DealStep,
        /// What it is about.
        title: Option<String>,
        /// Minor units.
        amount: Option<i64>,
    },
    /// Looked around on the site, left, and has never bought.
    VisitLapsed {
        /// The last visit.
        day: Day,
        /// Days since then.
        days_ago: i32,
        /// Days with a visit.
        visits: u32,
        /// The page that was seen last.
        page: Option<String>,
    },
    /// The client has bought enough to be handed over.
    Handover {
        /// Purchase days.
        purchases: u32,
        /// Minor units in all.
        turnover: i64,
        /// The item that decided it, if one did.
        item: Option<String>,
        /// The manager who won him, by id.
        from: String,
    },
    /// A day of the calendar.
    Date {
        /// The day.
        day: Day,
    },
    /// The client's birthday.
    Birthday {
        /// This year's.
        day: Day,
    },
    /// The day of the first purchase has come back.
    Anniversary {
        /// The day.
        day: Day,
        /// After so many years.
        years: u32,
    },
    /// Company news.
    News {
        /// The day of the news.
        day: Day,
    },
    /// The client buys less than usual.
    VolumeDrop {
        /// Minor units spent in the window.
        spent: i64,
        /// Minor units that were to be expected in the same time.
        expected: i64,
        /// The length of the window, in days.
        window_days: i32,
        /// An item that is no longer bought, if that is what dropped.
        item: Option<String>,
        /// Which part of his buying changed, where it is the whole of it.
        #[serde(default)]
        parts: Option<DropParts>,
    },
}

/// Which part of a client's buying changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DropParts {
    /// What the whole base spent of what was expected: 0.97 is 3 % less.
    pub base_ratio: f64,
    /// Purchase days of the window over those that were expected.
    pub visits_ratio: f64,
    /// The baskets of the window over those before it.
    pub basket_ratio: f64,
}

/// A change up to which a part counts as usual.
const AS_USUAL: f64 = 0.15;

impl Evidence {
    /// The reason in one sentence, for a manager or a marketer.
    pub fn sentence(&self, locale: Locale, currency: Currency) -> String {
        let words = Words { locale, currency };
        match self {
            Self::Silence {
                usual_gap_days,
                days_silent,
                overdue_p,
                return_30,
                ..
            } => {
                let return_30 = Some(*return_30);
                wording::rhythm_sentence(
                    locale,
                    *usual_gap_days,
                    *days_silent,
                    *overdue_p,
                    return_30,
                )
            }
            Self::SecondPurchase {
                days_silent,
                usual_days,
                share_returning,
            } => words.second_purchase(*days_silent, *usual_days, *share_returning),
            Self::Purchase { day, amount } => words.purchase(*day, *amount),
            Self::DealWon { day, title, amount } => words.deal_won(*day, title.as_deref(), *amount),
            Self::FriendBought { day, amount } => words.friend_bought(*day, *amount),
            Self::Rejection {
                day,
                days_ago,
                title,
                reason,
                amount,
            } => {
                let what = words.deal(title.as_deref(), *amount);
                words.rejection(*day, *days_ago, &what, reason.as_deref())
            }
            Self::RejectionAnswered {
                day,
                days_ago,
                title,
                reason,
                amount,
                news,
            } => {
                let what = words.deal(title.as_deref(), *amount);
                let said = words.rejection(*day, *days_ago, &what, reason.as_deref());
                words.answered(&said, news)
            }
            Self::StalledDeal {
                days_ago,
                step,
                title,
                amount,
                ..
            } => words.stalled(*step, *days_ago, &words.deal(title.as_deref(), *amount)),
            Self::VisitLapsed {
                days_ago,
                visits,
                page,
                ..
            } => words.visited(*days_ago, *visits, page.as_deref()),
            Self::Handover {
                purchases,
                turnover,
                item,
                ..
            } => words.handover(*purchases, *turnover, item.as_deref()),
            Self::Date { day } => words.date_of("дата: ", "the date ", *day),
            Self::Birthday { day } => words.date_of("день рождения ", "birthday on ", *day),
            Self::Anniversary { day, years } => {
                let day = words.date_of(
                    "годовщина первой покупки ",
                    "anniversary of the first purchase on ",
                    *day,
                );
                match locale {
                    Locale::Ru => format!("{day}, лет: {years}"),
                    Locale::En => format!("{day}, years: {years}"),
                }
            }
            Self::News { day } => words.date_of("новости от ", "news of ", *day),
            Self::VolumeDrop {
                spent,
                expected,
                window_days,
                item,
                parts,
            } => match item {
                Some(item) => words.lost_item(item, *window_days),
                None => words.spends_less(*spent, *expected, *window_days, *parts),
            },
        }
    }
}

/// How the numbers of a sentence are written.
struct Words {
    locale: Locale,
    currency: Currency,
}

impl Words {
    fn money(&self, minor: i64) -> String {
        wording::money_whole(self.locale, Money::new(minor, self.currency))
    }

    fn date(&self, day: Day) -> String {
        wording::date(self.locale, day, wording::DateStyle::Short)
    }

    fn days(&self, days: i32) -> String {
        wording::days(self.locale, days.unsigned_abs())
    }

    fn date_of(&self, ru: &str, en: &str, day: Day) -> String {
        let before = if self.locale == Locale::Ru { ru } else { en };
        format!("{before}{}", self.date(day))
    }

    fn second_purchase(&self, days_silent: i32, usual_days: i32, share: f64) -> String {
        let (silent, usual) = (self.days(days_silent), self.days(usual_days));
        let share = wording::percent(self.locale, share);
        match self.locale {
            Locale::Ru => format!(
                "единственная покупка {silent} назад; вторую делают {share} таких клиентов, \
                 половина из них — за {usual}"
            ),
            Locale::En => format!(
                "bought once, {silent} ago; {share} of such clients buy again, half of them \
                 within {usual}"
            ),
        }
    }

    fn purchase(&self, day: Day, amount: i64) -> String {
        let (day, money) = (self.date(day), self.money(amount));
        match self.locale {
            Locale::Ru => format!("покупка {day} на {money}"),
            Locale::En => format!("bought for {money} on {day}"),
        }
    }

    /// The title and the amount of a deal, with a leading space; empty when neither is known.
    fn deal(&self, title: Option<&str>, amount: Option<i64>) -> String {
        let title = title.map(|title| match self.locale {
            Locale::Ru => format!(" «{title}»"),
            Locale::En => format!(" \"{title}\""),
        });
        let amount = amount.map(|amount| format!(" ({})", self.money(amount)));
        format!(
            "{}{}",
            title.unwrap_or_default(),
            amount.unwrap_or_default()
        )
    }

    fn deal_won(&self, day: Day, title: Option<&str>, amount: Option<i64>) -> String {
        let (day, what) = (self.date(day), self.deal(title, amount));
        match self.locale {
            Locale::Ru => format!("сделка{what} выиграна {day}"),
            Locale::En => format!("deal{what} won on {day}"),
        }
    }

    fn friend_bought(&self, day: Day, amount: Option<i64>) -> String {
        let day = self.date(day);
        let amount = amount.map(|amount| self.money(amount));
        match (self.locale, amount) {
            (Locale::Ru, Some(money)) => format!("друг купил {day} на {money} по его сертификату"),
            (Locale::Ru, None) => format!("друг купил {day} по его сертификату"),
            (Locale::En, Some(money)) => {
                format!("a friend bought for {money} on {day} with his certificate")
            }
            (Locale::En, None) => format!("a friend bought on {day} with his certificate"),
        }
    }

    fn rejection(&self, day: Day, days_ago: i32, what: &str, reason: Option<&str>) -> String {
        let (day, ago) = (self.date(day), self.days(days_ago));
        let because = reason
            .map(|reason| match self.locale {
                Locale::Ru => format!("; причина: {reason}"),
                Locale::En => format!("; reason: {reason}"),
            })
            .unwrap_or_default();
        match self.locale {
            Locale::Ru => format!("отказ{what} {day}, {ago} назад{because}"),
            Locale::En => format!("rejection{what} on {day}, {ago} ago{because}"),
        }
    }

    fn answered(&self, said: &str, news: &str) -> String {
        match self.locale {
            Locale::Ru => format!("{said}; теперь есть ответ: {news}"),
            Locale::En => format!("{said}; now there is an answer: {news}"),
        }
    }

    fn stalled(&self, step: DealStep, days_ago: i32, what: &str) -> String {
        let silent = self.days(days_ago);
        match (self.locale, step) {
            (Locale::Ru, DealStep::Invoice) => format!("счёт{what} выставлен и молчит {silent}"),
            (Locale::Ru, _) => format!("предложение{what} отправлено и молчит {silent}"),
            (Locale::En, DealStep::Invoice) => format!("an invoice{what} silent for {silent}"),
            (Locale::En, _) => format!("a quote{what} silent for {silent}"),
        }
    }

    fn visited(&self, days_ago: i32, visits: u32, page: Option<&str>) -> String {
        let ago = self.days(days_ago);
        let page = page.map(|page| format!(" ({page})")).unwrap_or_default();
        match self.locale {
            Locale::Ru => format!(
                "дней с визитами на сайт: {visits}, последний {ago} назад{page}; покупок не было"
            ),
            Locale::En => {
                format!("visited the site on {visits} days, last {ago} ago{page}; never bought")
            }
        }
    }

    fn handover(&self, purchases: u32, turnover: i64, item: Option<&str>) -> String {
        let money = self.money(turnover);
        let item = item.map(|item| match self.locale {
            Locale::Ru => format!(", в том числе «{item}»"),
            Locale::En => format!(", \"{item}\" among it"),
        });
        let item = item.unwrap_or_default();
        match self.locale {
            Locale::Ru => {
                format!("клиент вырос: дней с покупками {purchases}, всего {money}{item}")
            }
            Locale::En => {
                format!("has grown: purchases on {purchases} days, {money} in all{item}")
            }
        }
    }

    fn spends_less(
        &self,
        spent: i64,
        expected: i64,
        window_days: i32,
        parts: Option<DropParts>,
    ) -> String {
        let (spent, expected) = (self.money(spent), self.money(expected));
        let window = self.days(window_days);
        let less = match self.locale {
            Locale::Ru => format!("за {window} куплено на {spent} вместо обычных {expected}"),
            Locale::En => format!("spent {spent} instead of the usual {expected} in {window}"),
        };
        let parts = parts.map(|parts| self.parts_of_drop(&parts));
        less + &parts.unwrap_or_default()
    }

    /// What the base did, and which part dropped.
    fn parts_of_drop(&self, parts: &DropParts) -> String {
        let base = self.signed(parts.base_ratio);
        let (visits, baskets) = (
            self.change(parts.visits_ratio),
            self.change(parts.basket_ratio),
        );
        match self.locale {
            Locale::Ru => format!(" (вся база {base}); покупки {visits}, средний чек {baskets}"),
            Locale::En => format!(" (the whole base {base}); visits {visits}, baskets {baskets}"),
        }
    }

    /// A ratio as a change: `−55 %`, or "as usual" where it is small.
    fn change(&self, ratio: f64) -> String {
        if (ratio - 1.0).abs() <= AS_USUAL {
            return match self.locale {
                Locale::Ru => "как обычно".to_owned(),
                Locale::En => "as usual".to_owned(),
            };
        }
        self.signed(ratio)
    }

    fn signed(&self, ratio: f64) -> String {
        let sign = if ratio < 1.0 { '−' } else { '+' };
        let share = wording::percent(self.locale, (ratio - 1.0).abs());
        format!("{sign}{share}")
    }

    fn lost_item(&self, item: &str, window_days: i32) -> String {
        let window = self.days(window_days);
        match self.locale {
            Locale::Ru => format!("покупает, но уже {window} не берёт «{item}»"),
            Locale::En => format!("still buys, but no \"{item}\" for {window}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_says_what_the_base_did_and_which_part_changed() {
        let drop = Evidence::VolumeDrop {
            spent: 42_000,
            expected: 100_000,
            window_days: 84,
            item: None,
            parts: Some(DropParts {
                base_ratio: 0.97,
                visits_ratio: 0.95,
                basket_ratio: 0.45,
            }),
        };
        for (locale, said) in [
            (
                Locale::En,
                "(the whole base −3%); visits as usual, baskets −55%",
            ),
            (
                Locale::Ru,
                "(вся база −3 %); покупки как обычно, средний чек −55 %",
            ),
        ] {
            // Numbers stay with their units.
            let sentence = drop.sentence(locale, Currency::RUB).replace('\u{a0}', " ");
            assert!(sentence.ends_with(said), "{sentence}");
        }
    }

    #[test]
    fn drops_that_were_kept_without_parts_are_still_told() {
        let kept = r#"{"kind": "volume_drop", "spent": 1, "expected": 2, "window_days": 84, "item": null}"#;
        let drop: Evidence = serde_json::from_str(kept).unwrap();
        let sentence = drop.sentence(Locale::En, Currency::RUB);
        assert!(sentence.starts_with("spent"), "{sentence}");
    }
}
