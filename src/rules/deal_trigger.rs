//! Occasions that deals give: won, lost and worth another word, lost for a reason that is answered,
//! stalled on the way.

use std::collections::BTreeMap;

use crate::config::campaign::{Campaign, NewsItem};
use crate::config::reasons::plain;
use crate::config::settings::DealStep;
use crate::config::values::Days;
use crate::model::{Day, Deal, DealStatus};

use super::evidence::Evidence;
use super::no_occasion::NoOccasion;
use super::trigger::{Episode, NotYet, Sight};

/// How long after a purchase or a won deal a thank-you still makes sense.
pub(super) const THANKS_DAYS: i32 = 7;

/// How long news are still an answer: whoever could not be reached at once may be reached later.
const ANSWERS_DAYS: i32 = 30;

/// When it is worth asking again where neither the campaign nor the dictionary says it.
const ASK_AGAIN: Days = Days(90);

/// Closed deals of one kind, the newest first, each with the day of its closing.
fn closed(deals: &[Deal], status: DealStatus) -> Vec<(&Deal, Day)> {
    let mut closed: Vec<(&Deal, Day)> = deals
        .iter()
        .filter(|deal| deal.status == status)
        .filter_map(|deal| deal.closed_on.map(|day| (deal, day)))
        .collect();
    closed.sort_by(|(a, day_a), (b, day_b)| day_b.cmp(day_a).then_with(|| a.ext_id.cmp(&b.ext_id)));
    closed
}

pub(super) fn won(sight: &Sight<'_>) -> Vec<Episode> {
    let day = sight.day;
    closed(&sight.facts.deals, DealStatus::Won)
        .into_iter()
        .filter(|(_, won)| (0..=THANKS_DAYS).contains(&day.days_since(*won)))
        .map(|(deal, won)| Episode {
            key: format!("won:{}", deal.ext_id),
            began_on: won,
            last_entry: Some(won.plus(THANKS_DAYS)),
            evidence: Evidence::DealWon {
                day: won,
                title: deal.title.clone(),
                amount: deal.amount,
            },
            value: deal.amount.unwrap_or_default(),
        })
        .collect()
}

/// When it is time to ask again, as a campaign writes it.
pub(super) struct AskAgain<'a> {
    pub(super) reasons: &'a [String],
    pub(super) after: Option<Days>,
    pub(super) after_by_reason: &'a BTreeMap<String, Days>,
}

impl AskAgain<'_> {
    /// How long after this rejection; nothing where nobody asks again, or the campaign is not about
    /// its reason.
    fn wait(&self, deal: &Deal, sight: &Sight<'_>) -> Option<Days> {
        let dictionary = &sight.settings.reasons;
        let reason = deal.reason.as_deref().unwrap_or_default();
        let meant = |wanted: &String| dictionary.same(wanted, reason);
        if !self.reasons.is_empty() && !self.reasons.iter().any(meant) {
            return None;
        }
        let known = dictionary.meant(reason);
        if known.is_some_and(|known| known.never) {
            return None;
        }
        let own = self.after_by_reason.iter().find(|(key, _)| meant(key));
        let of_reason = known.and_then(|known| known.back);
        let wait = own.map(|(_, days)| *days).or(self.after).or(of_reason);
        Some(wait.unwrap_or(ASK_AGAIN))
    }
}

pub(super) fn rejections(ask: &AskAgain<'_>, sight: &Sight<'_>) -> Result<Vec<Episode>, NotYet> {
    let day = sight.day;
    let mut found = Vec::new();
    let mut next: Option<Day> = None;
    for (deal, lost) in closed(&sight.facts.deals, DealStatus::Lost) {
        let Some(wait) = ask.wait(deal, sight) else {
            continue;
        };
        let began_on = lost.plus(wait.count());
        if began_on > day {
            next = Some(next.map_or(began_on, |known| known.min(began_on)));
            continue;
        }
        found.push(Episode {
            key: format!("rejection:{}", deal.ext_id),
            began_on,
            last_entry: None,
            evidence: Evidence::Rejection {
                day: lost,
                days_ago: day.days_since(lost),
                title: deal.title.clone(),
                reason: deal.reason.clone(),
                amount: deal.amount,
            },
            value: value_of(deal, sight),
        });
    }
    match next {
        Some(on) if found.is_empty() => Err(NotYet::before(NoOccasion::TooEarlyToAsk, on)),
        _ => Ok(found),
    }
}

fn value_of(deal: &Deal, sight: &Sight<'_>) -> i64 {
    let standing = sight.standing.map_or(0, |standing| standing.value_at_risk);
    deal.amount.unwrap_or(standing)
}

/// The rejections that the news of a campaign answers.
pub(super) fn answered(on: Day, sight: &Sight<'_>) -> Result<Vec<Episode>, NotYet> {
    let day = sight.day;
    if on > day {
        return Err(NotYet::before(NoOccasion::NewsToCome, on));
    }
    let lost = closed(&sight.facts.deals, DealStatus::Lost).into_iter();
    // What was lost after the news was lost in spite of it.
    let lost = lost.filter(|(_, lost)| *lost <= on);
    let found = lost.filter_map(|(deal, lost)| {
        let item = answer_to(sight.campaign, deal, sight)?;
        Some(Episode {
            key: format!("answered:{}", deal.ext_id),
            began_on: on,
            last_entry: Some(on.plus(ANSWERS_DAYS)),
            evidence: Evidence::RejectionAnswered {
                day: lost,
                days_ago: day.days_since(lost),
                title: deal.title.clone(),
                reason: deal.reason.clone(),
                amount: deal.amount,
                news: item.title.clone(),
            },
            value: value_of(deal, sight),
        })
    });
    Ok(found.collect())
}

/// The piece of news that answers why a deal was lost.
fn answer_to<'c>(campaign: &'c Campaign, deal: &Deal, sight: &Sight<'_>) -> Option<&'c NewsItem> {
    let reason = deal.reason.as_deref()?;
    let dictionary = &sight.settings.reasons;
    let mut items = campaign.news.iter().flat_map(|news| &news.items);
    items.find(|item| {
        let mut answers = item.answers.iter();
        answers.any(|answer| dictionary.same(answer, reason)) && is_about(item, deal)
    })
}

/// Whether the title of a deal names one of the products of a piece of news, as whole words or the
/// beginning of them: Russian words change their ends.
fn is_about(item: &NewsItem, deal: &Deal) -> bool {
    if item.products.is_empty() {
        return true;
    }
    let title = format!(" {}", plain(deal.title.as_deref().unwrap_or_default()));
    let mut products = item.products.iter().map(|product| plain(product));
    products.any(|product| !product.is_empty() && title.contains(&format!(" {product}")))
}

/// Open deals with a quote or an invoice out and nothing since.
pub(super) fn stalled(
    at: &[DealStep],
    after: Days,
    sight: &Sight<'_>,
) -> Result<Vec<Episode>, NotYet> {
    let day = sight.day;
    let mut found = Vec::new();
    let mut next: Option<Day> = None;
    let open = sight.facts.deals.iter();
    for deal in open.filter(|deal| deal.status == DealStatus::Open) {
        let step = sight
            .settings
            .deals
            .step(deal.stage.as_deref().unwrap_or_default());
        let wanted = at.contains(&step) || (at.is_empty() && step != DealStep::Request);
        let since = deal.stage_since.or(deal.opened_on);
        let (true, Some(since)) = (wanted, since) else {
            continue;
        };
        let began_on = since.plus(after.count());
        if began_on > day {
            next = Some(next.map_or(began_on, |known| known.min(began_on)));
            continue;
        }
        found.push(Episode {
            key: format!("stalled:{}:{since}", deal.ext_id),
            began_on,
            last_entry: None,
            evidence: Evidence::StalledDeal {
                day: since,
                days_ago: day.days_since(since),
                step,
                title: deal.title.clone(),
                amount: deal.amount,
            },
            value: value_of(deal, sight),
        });
    }
    found.sort_by(|a, b| b.began_on.cmp(&a.began_on).then_with(|| a.key.cmp(&b.key)));
    match next {
        Some(on) if found.is_empty() => Err(NotYet::before(NoOccasion::DealTouched, on)),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::model::ClientFacts;
    use crate::rules::base_facts::{BaseFacts, BaseFactsBuilder};
    use crate::rules::staff::Staff;

    fn lost(id: &str, title: &str, reason: &str, day: i32) -> Deal {
        Deal {
            ext_id: id.to_owned(),
            title: Some(title.to_owned()),
            status: DealStatus::Lost,
            stage: None,
            stage_since: None,
            amount: Some(100),
            opened_on: None,
            closed_on: Some(Day::from_epoch(day)),
            reason: Some(reason.to_owned()),
            readiness: crate::model::Readiness::default(),
            manager: None,
        }
    }

    struct Scene {
        settings: Settings,
        staff: Staff,
        base: BaseFacts,
        facts: ClientFacts,
    }

    impl Scene {
        fn new(deals: Vec<Deal>) -> Self {
            let settings: Settings = toml::from_str("[company]\nname = \"T\"\n").unwrap();
            let day = Day::from_epoch(20_000);
            let base = BaseFactsBuilder::new(day, &settings.rhythm).finish(&settings.rhythm);
            Self {
                staff: Staff::default(),
                base,
                facts: ClientFacts {
                    deals,
                    ..ClientFacts::default()
                },
                settings,
            }
        }

        /// The keys of the occasions on a day, or the day on which there will be one.
        fn look(&self, campaign: &str, day: i32) -> Result<Vec<String>, Option<i32>> {
            let campaign: Campaign =
                toml::from_str(&format!("id = \"c\"\ntitle = \"C\"\n{campaign}")).unwrap();
            let sight = Sight {
                campaign: &campaign,
                facts: &self.facts,
                standing: None,
                base: &self.base,
                settings: &self.settings,
                staff: &self.staff,
                day: Day::from_epoch(day),
            };
            match super::super::trigger::episodes(&sight) {
                Ok(found) => Ok(found.into_iter().map(|one| one.key).collect()),
                Err(not_yet) => Err(not_yet.on.map(Day::epoch_days)),
            }
        }
    }

    #[test]
    fn the_reason_says_when_to_ask_again_unless_the_campaign_does() {
        let scene = Scene::new(vec![
            lost("P", "Кофе", "Дорого", 100),
            lost("B", "Кофе", "нет бюджета", 100),
            lost("S", "Кофе", "спам", 100),
        ]);
        let ask = |trigger: &str, day| {
            scene.look(&format!("[trigger]\non = \"rejection\"\n{trigger}"), day)
        };
        assert_eq!(ask("", 159), Err(Some(160)));
        assert_eq!(ask("", 160), Ok(vec!["rejection:P".to_owned()]));
        let both = vec!["rejection:B".to_owned(), "rejection:P".to_owned()];
        assert_eq!(ask("", 220), Ok(both));
        let p = Ok(vec!["rejection:P".to_owned()]);
        assert_eq!(ask("after_by_reason = { \"price\" = \"10d\" }", 110), p);
        assert_eq!(ask("after = \"10d\"\nreasons = [\"высокая цена\"]", 110), p);
        // Whoever is not a client of ours is asked by nobody.
        assert_eq!(
            ask("reasons = [\"not-ours\"]\nafter = \"1d\"", 500),
            Err(None)
        );
    }

    #[test]
    fn news_reach_exactly_those_whose_reason_they_answer() {
        let scene = Scene::new(vec![
            lost("P", "Кофемашины для офиса", "слишком дорого", 100),
            lost("C", "Чай в пирамидках", "дорого", 100),
            lost("N", "Кофемашина", "не нужно", 100),
            lost("L", "Кофемашина", "дорого", 130),
        ]);
        let news = |item: &str, day| {
            let campaign = format!(
                "[trigger]\non = \"rejection_answered\"\nday = 1970-05-01\n[news]\ntitle = \"N\"\n\
                 [[news.item]]\ntitle = \"I\"\ntext = \"t\"\n{item}"
            );
            scene.look(&campaign, day)
        };
        let machines = "answers = [\"price\"]\nproducts = [\"кофемашин\"]";
        assert_eq!(news(machines, 119), Err(Some(120)));
        assert_eq!(news(machines, 120), Ok(vec!["answered:P".to_owned()]));
        let both = vec!["answered:C".to_owned(), "answered:P".to_owned()];
        assert_eq!(news("answers = [\"дорого\"]", 121), Ok(both));
        assert_eq!(news("answers = [\"terms\"]", 121), Err(None));
    }

    #[test]
    fn a_deal_stalls_where_a_quote_or_an_invoice_is_out_and_nothing_follows() {
        let open = |id: &str, stage: &str, since| Deal {
            status: DealStatus::Open,
            stage: Some(stage.to_owned()),
            stage_since: Some(Day::from_epoch(since)),
            closed_on: None,
            reason: None,
            ..lost(id, "Кофе", "", 0)
        };
        let scene = Scene::new(vec![
            open("Q", "КП отправлено", 100),
            open("I", "Счёт выставлен", 104),
            open("R", "Первичный контакт", 90),
        ]);
        let look = |trigger: &str, day| {
            scene.look(&format!("[trigger]\non = \"stalled_deal\"\n{trigger}"), day)
        };
        assert_eq!(look("", 106), Err(Some(107)));
        let quote = format!("stalled:Q:{}", Day::from_epoch(100));
        let invoice = format!("stalled:I:{}", Day::from_epoch(104));
        assert_eq!(look("", 107), Ok(vec![quote.clone()]));
        assert_eq!(look("", 111), Ok(vec![invoice.clone(), quote]));
        assert_eq!(look("at = [\"invoice\"]", 120), Ok(vec![invoice]));
    }
}
