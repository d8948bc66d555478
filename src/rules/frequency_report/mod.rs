//! The frequency report: how many clients are active, due, missed, asleep or lost, by frequency, by
//! class and by manager, and who moved where since last week and last month.
//!
//! Clients come one by one; only counts are kept. All three days are seen by the parameters of the
//! last one, so that a move is a client's own and not that of a refit.

mod words;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Day, RhythmState, Xyz};
use crate::rules::base_facts::{BaseFacts, Proposed};
use crate::rules::client_kind::ClientKind;
use crate::rules::plan::BaseLine;
use crate::rules::rhythm::{CalibrationBin, of_sorted_days};

use words::heading;

/// How long ago "last week" and "last month" are, in days.
pub const WEEK_DAYS: i32 = 7;
/// See [`WEEK_DAYS`].
pub const MONTH_DAYS: i32 = 30;

/// Where a client stands: a state of the rhythm, or before the first purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Has never bought.
    Never,
    /// A state of the rhythm.
    In(RhythmState),
}

impl Place {
    /// Every place, in order.
    pub const ALL: [Self; 6] = [
        Self::Never,
        Self::In(RhythmState::Active),
        Self::In(RhythmState::Due),
        Self::In(RhythmState::Missed),
        Self::In(RhythmState::Asleep),
        Self::In(RhythmState::Lost),
    ];

    /// The word in tables and for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Never => "never_bought",
            Self::In(state) => state.name(),
        }
    }

    fn number(self) -> usize {
        match self {
            Self::Never => 0,
            Self::In(state) => 1 + state as usize,
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Where a client with these purchase days stood on a day. `days` rise; later ones are not seen.
pub fn place_on(client: ClientKind, days: &[Day], base: &BaseFacts, day: Day) -> Place {
    let known = days.iter().copied().take_while(|bought| *bought <= day);
    match of_sorted_days(known) {
        None => Place::Never,
        Some(rhythm) => Place::In(base.dates(client, &rhythm).state_on(day)),
    }
}

/// The clients of a group, counted by where they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The class or the id of the manager; `all`, and empty where no manager is named.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// All clients of the group.
    pub clients: u64,
    /// How many stand where.
    pub states: States,
    /// Who moved where since a week ago, and who stayed.
    pub since_week: Moves,
    /// The same since a month ago.
    pub since_month: Moves,
}

/// How many clients stand in each place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States([u64; 6]);

impl States {
    /// How many stand in a place.
    pub fn of(&self, place: Place) -> u64 {
        self.0[place.number()]
    }
}

impl Serialize for States {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            Place::ALL
                .iter()
                .map(|place| (place.word(), self.of(*place))),
        )
    }
}

/// How many clients went from one place to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves([[u64; 6]; 6]);

impl Moves {
    /// How many went from one place to another.
    pub fn of(&self, from: Place, to: Place) -> u64 {
        self.0[from.number()][to.number()]
    }

    /// How many stood in a place at the beginning.
    pub fn stood_in(&self, from: Place) -> u64 {
        self.0[from.number()].iter().sum()
    }

    /// How many came back: from a missed cycle, asleep or lost to active or due.
    pub fn woken(&self) -> u64 {
        self.sum(|from, to| from >= MISSED && (ACTIVE..MISSED).contains(&to))
    }

    /// How many bought for the first time.
    pub fn new_buyers(&self) -> u64 {
        self.sum(|from, to| from == Place::Never && to != Place::Never)
    }

    /// How many fell silent: from active or due to a missed cycle, asleep or lost.
    pub fn fell_silent(&self) -> u64 {
        self.sum(|from, to| (ACTIVE..MISSED).contains(&from) && to >= MISSED)
    }

    /// Every move that somebody made, and how many stayed.
    pub fn all(&self) -> impl Iterator<Item = Move> + '_ {
        let pairs = Place::ALL
            .into_iter()
            .flat_map(|from| Place::ALL.into_iter().map(move |to| (from, to)));
        pairs
            .map(|(from, to)| Move {
                from,
                to,
                clients: self.of(from, to),
            })
            .filter(|one| one.clients > 0)
    }

    fn sum(&self, counts: impl Fn(Place, Place) -> bool) -> u64 {
        let moves = self.all().filter(|one| counts(one.from, one.to));
        moves.map(|one| one.clients).sum()
    }
}

const ACTIVE: Place = Place::In(RhythmState::Active);
const MISSED: Place = Place::In(RhythmState::Missed);

impl Serialize for Moves {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all())
    }
}

/// How many clients went from one place to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Where they stood.
    pub from: Place,
    /// Where they stand.
    pub to: Place,
    /// How many.
    pub clients: u64,
}

impl Group {
    fn named(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            clients: 0,
            states: States::default(),
            since_week: Moves::default(),
            since_month: Moves::default(),
        }
    }

    fn add(&mut self, [now, week, month]: [Place; 3]) {
        self.clients += 1;
        self.states.0[now.number()] += 1;
        self.since_week.0[week.number()][now.number()] += 1;
        self.since_month.0[month.number()][now.number()] += 1;
    }
}

/// Counts clients one by one.
#[derive(Debug)]
pub struct ReportBuilder {
    day: Day,
    rhythm: BaseRhythm,
    all: Group,
    by_xyz: [Group; 4],
    /// Each configured class, and at the end who has none; empty where there are no classes.
    by_class: Vec<Group>,
    by_manager: BTreeMap<String, Group>,
}

impl ReportBuilder {
    /// Begins the report of a day.
    pub fn new(day: Day, base: &BaseFacts) -> Self {
        let classes = base.classes.iter();
        let mut by_class: Vec<Group> = classes
            .map(|class| Group::named(&class.tag, &class.tag))
            .collect();
        if !by_class.is_empty() {
            by_class.push(Group::named("", "no class"));
        }
        Self {
            by_class,
            day,
            rhythm: BaseRhythm {
                usual_gap_days: base.fit.parameters.m0.exp(),
                smallest_lost_days: base.fit.parameters.smallest_lost_days,
                proposed: base.proposed,
            },
            all: Group::named("all", "all"),
            by_xyz: [
                Group::named("X", "X, often"),
                Group::named("Y", "Y, less often"),
                Group::named("Z", "Z, seldom or once"),
                Group::named(Place::Never.word(), heading(Place::Never)),
            ],
            by_manager: BTreeMap::new(),
        }
    }

    /// Counts one client: his manager by id, and his purchase days up to the day, rising.
    pub fn add(&mut self, client: ClientKind, manager: &str, days: &[Day], base: &BaseFacts) {
        let ago = |days_ago: i32| self.day.plus(-days_ago);
        let places =
            [ago(0), ago(WEEK_DAYS), ago(MONTH_DAYS)].map(|day| place_on(client, days, base, day));
        let xyz = match of_sorted_days(days.iter().copied()) {
            None => 3,
            Some(rhythm) => {
                let usual_gap_days = base.law(client, &rhythm).usual_gap_days();
                match base.xyz(rhythm.purchase_days, usual_gap_days) {
                    Xyz::X => 0,
                    Xyz::Y => 1,
                    Xyz::Z => 2,
                }
            }
        };
        self.all.add(places);
        self.by_xyz[xyz].add(places);
        let last = self.by_class.len().saturating_sub(1);
        if let Some(group) = self.by_class.get_mut(client.class.unwrap_or(last)) {
            group.add(places);
        }
        if !self.by_manager.contains_key(manager) {
            let title = if manager.is_empty() {
                "no manager"
            } else {
                manager
            };
            let group = Group::named(manager, title);
            self.by_manager.insert(manager.to_owned(), group);
        }
        if let Some(group) = self.by_manager.get_mut(manager) {
            group.add(places);
        }
    }

    /// The report; `name_of` tells what people call a manager.
    pub fn finish(
        self,
        base: BaseLine,
        name_of: impl Fn(&str) -> Option<String>,
    ) -> FrequencyReport {
        let by_manager = self.by_manager.into_values().map(|group| Group {
            title: name_of(&group.name).unwrap_or(group.title),
            ..group
        });
        FrequencyReport {
            date: self.day,
            week_ago: self.day.plus(-WEEK_DAYS),
            month_ago: self.day.plus(-MONTH_DAYS),
            base,
            rhythm: self.rhythm,
            all: self.all,
            by_xyz: Vec::from(self.by_xyz),
            by_class: self.by_class,
            by_manager: by_manager.collect(),
            calibration: Vec::new(),
        }
    }
}

/// What the base says about its rhythms, and what it proposes for the keys that a person may set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaseRhythm {
    /// The usual gap of a client of whom nothing is known yet.
    pub usual_gap_days: f64,
    /// The least silence after which a client counts as lost, as it is used.
    pub smallest_lost_days: f64,
    /// What the base proposes for `smallest_lost` and `grid` of `[rhythm]`.
    pub proposed: Option<Proposed>,
}

/// How the clients of the base stand, and how they moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrequencyReport {
    /// The day.
    pub date: Day,
    /// The first day that it is compared with.
    pub week_ago: Day,
    /// The second one.
    pub month_ago: Day,
    /// What the dates of the clients rest on.
    pub base: BaseLine,
    /// What the base says about its rhythms.
    pub rhythm: BaseRhythm,
    /// All clients.
    pub all: Group,
    /// By frequency class: X, Y, Z, and those who never bought.
    pub by_xyz: Vec<Group>,
    /// By class of clients, where classes are configured.
    pub by_class: Vec<Group>,
    /// By manager.
    pub by_manager: Vec<Group>,
    /// Foreseen a month ago against happened since: a purchase within the month. Empty unless it
    /// was asked for.
    pub calibration: Vec<CalibrationBin>,
}

/// Which groups are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedBy {
    /// By frequency class.
    Xyz,
    /// By class of clients.
    Class,
    /// By manager.
    Manager,
}

impl FrequencyReport {
    /// Leaves one way of grouping.
    pub fn keep_only(&mut self, by: GroupedBy) {
        for (grouping, groups) in [
            (GroupedBy::Xyz, &mut self.by_xyz),
            (GroupedBy::Class, &mut self.by_class),
            (GroupedBy::Manager, &mut self.by_manager),
        ] {
            if grouping != by {
                groups.clear();
            }
        }
    }

    /// The rows of a table for programs: each group, then what it is compared with, from where to
    /// where. The rows that compare with nothing say how many stand where.
    pub fn rows(&self) -> Vec<[String; 6]> {
        let groups = std::iter::once(("all", &self.all))
            .chain(self.by_xyz.iter().map(|group| ("xyz", group)))
            .chain(self.by_class.iter().map(|group| ("class", group)))
            .chain(self.by_manager.iter().map(|group| ("manager", group)));
        let mut rows = Vec::new();
        for (by, group) in groups {
            let mut row = |since: &str, from: &str, to: &str, clients: u64| {
                let cells = [by, &group.name, since, from, to];
                let [by, name, since, from, to] = cells.map(str::to_owned);
                rows.push([by, name, since, from, to, clients.to_string()]);
            };
            for place in Place::ALL {
                row("", "", place.word(), group.states.of(place));
            }
            for (since, moves) in [
                (self.week_ago, &group.since_week),
                (self.month_ago, &group.since_month),
            ] {
                for one in moves.all() {
                    row(
                        &since.to_string(),
                        one.from.word(),
                        one.to.word(),
                        one.clients,
                    );
                }
            }
        }
        rows
    }
}

/// The names of the columns of [`FrequencyReport::rows`].
pub const HEADER: [&str; 6] = ["by", "group", "since", "from", "to", "clients"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::RhythmSettings;
    use crate::model::ClientId;
    use crate::rules::base_facts::BaseFactsBuilder;
    use crate::rules::rhythm::FitMethod;

    const TODAY: Day = Day::from_epoch(15_200);

    fn days_ago(days: &[i32]) -> Vec<Day> {
        days.iter().map(|ago| TODAY.plus(-ago)).collect()
    }

    fn report() -> FrequencyReport {
        let settings = RhythmSettings::default();
        // Without a gap to learn from: 30 days between purchases, lost after 90 days at least.
        let base = BaseFactsBuilder::new(TODAY, &settings).finish(&settings);
        let mut builder = ReportBuilder::new(TODAY, &base);
        let clients: [(&str, &[i32]); 6] = [
            ("olga", &[70, 61, 50, 40]),
            ("olga", &[200, 170, 140, 110, 80, 3]),
            ("olga", &[]),
            ("", &[20]),
            ("ivan", &[400, 380, 360, 340]),
            ("ivan", &[5]),
        ];
        for (n, (manager, days)) in clients.into_iter().enumerate() {
            let client = base.kind(ClientId(n as i64 + 1), &[]);
            builder.add(client, manager, &days_ago(days), &base);
        }
        let line = BaseLine {
            fitted_on: TODAY,
            method: FitMethod::Default,
            gaps: 0,
            version: None,
        };
        builder.finish(line, |id| (id == "olga").then(|| "Olga Petrova".to_owned()))
    }

    #[test]
    fn every_client_is_counted_once_in_each_grouping() {
        let report = report();
        let sum = |groups: &[Group]| groups.iter().map(|group| group.clients).sum::<u64>();
        assert_eq!(report.all.clients, 6);
        assert_eq!((sum(&report.by_xyz), sum(&report.by_manager)), (6, 6));
        let titles: Vec<&str> = report
            .by_manager
            .iter()
            .map(|group| group.title.as_str())
            .collect();
        assert_eq!(titles, ["no manager", "ivan", "Olga Petrova"]);
    }

    #[test]
    fn clients_are_counted_by_their_class_where_there_are_classes() {
        let settings = RhythmSettings {
            classes: vec!["wholesale".to_owned()],
            ..RhythmSettings::default()
        };
        let base = BaseFactsBuilder::new(TODAY, &settings).finish(&settings);
        let mut builder = ReportBuilder::new(TODAY, &base);
        for (n, tag) in ["wholesale", "vip", "wholesale"].into_iter().enumerate() {
            let client = base.kind(ClientId(n as i64), &[tag.to_owned()]);
            builder.add(client, "", &days_ago(&[9, 2]), &base);
        }
        let counts: Vec<(&str, u64)> = builder
            .by_class
            .iter()
            .map(|group| (group.title.as_str(), group.clients))
            .collect();
        assert_eq!(counts, [("wholesale", 2), ("no class", 1)]);
    }

    #[test]
    fn a_move_is_what_became_of_a_client_since_then() {
        let report = report();
        let (week, month) = (&report.all.since_week, &report.all.since_month);
        let lost = Place::In(RhythmState::Lost);
        // The first purchase of one was 5 days ago, that of another 20 days ago.
        assert_eq!(week.of(Place::Never, ACTIVE), 1);
        assert_eq!(month.of(Place::Never, ACTIVE), 2);
        assert_eq!(week.of(Place::Never, Place::Never), 1);
        assert_eq!(week.of(lost, lost), 1);
        assert_eq!((week.woken(), month.woken()), (1, 0));
        assert_eq!((week.fell_silent(), month.fell_silent()), (1, 1));
        for group in report.by_manager.iter().chain([&report.all]) {
            for moves in [&group.since_week, &group.since_month] {
                let all: u64 = Place::ALL.iter().map(|from| moves.stood_in(*from)).sum();
                assert_eq!(all, group.clients);
            }
        }
    }

    #[test]
    fn a_table_for_programs_has_a_row_for_each_state_and_each_move() {
        let mut report = report();
        report.keep_only(GroupedBy::Manager);
        let rows: Vec<String> = report.rows().iter().map(|row| row.join(",")).collect();
        assert!(rows.contains(&"manager,olga,,,never_bought,1".to_owned()));
        assert!(
            rows.contains(&"all,all,2011-08-07,never_bought,active,1".to_owned()),
            "{rows:?}"
        );
        assert!(!rows.iter().any(|row| row.starts_with("xyz")));
    }

    #[test]
    fn a_report_reads_like_this() {
        insta::assert_snapshot!(report());
    }
}
