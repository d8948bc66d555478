//! The managers of the company as rules see them: who has whose clients, and who is there.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::config::settings::TaskSettings;
use crate::model::{Abc, Client, Day, Manager, ManagerRole};

/// Everybody who looks after clients.
#[derive(Clone, Debug, Default)]
pub struct Staff {
    managers: BTreeMap<String, Manager>,
    settings: TaskSettings,
}

/// A task that looks for somebody to do it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Whom it is about.
    pub client: &'a Client,
    /// The role that the step asks for.
    pub role: Option<ManagerRole>,
    /// Whether the client is a key account.
    pub key_account: bool,
    /// Whether he has ever bought.
    pub has_bought: bool,
    /// How ready he is.
    pub class: Option<Abc>,
    /// The day of the rejection that it is about, if it is about one.
    pub rejected_on: Option<Day>,
    /// The day of the task.
    pub day: Day,
}

impl Staff {
    /// The managers by id; of two with one id the later counts.
    pub fn new(managers: impl IntoIterator<Item = Manager>, settings: &TaskSettings) -> Self {
        let by_id = managers.into_iter().map(|one| (one.id.clone(), one));
        Self {
            managers: by_id.collect(),
            settings: settings.clone(),
        }
    }

    /// No managers at all, for looking at a past of which nobody knows who was there.
    pub fn nobody() -> &'static Self {
        static NOBODY: LazyLock<Staff> = LazyLock::new(Staff::default);
        &NOBODY
    }

    /// Every manager, in the order of ids.
    pub fn all(&self) -> impl Iterator<Item = &Manager> {
        self.managers.values()
    }

    /// A manager by id.
    pub fn get(&self, id: &str) -> Option<&Manager> {
        self.managers.get(id)
    }

    /// What a manager does; nothing when nobody of that id is known.
    pub fn role(&self, id: &str) -> Option<ManagerRole> {
        self.get(id).map(|manager| manager.role)
    }

    /// Tasks a day of a manager.
    pub fn capacity(&self, id: &str) -> u16 {
        let own = self.get(id).and_then(|manager| manager.capacity);
        own.unwrap_or(self.settings.capacity)
    }

    /// The head of sales.
    pub fn head(&self) -> Option<&str> {
        self.settings.head.as_deref()
    }

    /// Whose list the tasks of a manager stand on, on a day: his own, that of whoever stands in for
    /// him, or the head's. Where nobody of them is there, it stays his own: nothing is forgotten.
    pub fn acting<'a>(&'a self, manager: &'a str, day: Day) -> &'a str {
        let is_there = |id: &str| self.get(id).is_none_or(|one| one.is_there(day));
        let mut id = manager;
        // A circle of substitutes ends after everybody has been asked once.
        for _ in 0..=self.managers.len() {
            if is_there(id) {
                return id;
            }
            let substitute = self.get(id).and_then(|one| one.substitute.as_deref());
            match substitute {
                Some(next) => id = next,
                None => break,
            }
        }
        self.head().filter(|head| is_there(head)).unwrap_or(manager)
    }

    /// Somebody with a role who is there on a day: the same for the same client as long as the same
    /// people are there, and all of them get their share.
    pub fn with_role(&self, role: ManagerRole, client: &str, day: Day) -> Option<&str> {
        let people = self
            .all()
            .filter(|one| one.role == role && one.is_there(day));
        let lot = |id: &str| Sha256::digest([client.as_bytes(), &[0], id.as_bytes()].concat());
        people
            .max_by_key(|one| lot(&one.id))
            .map(|one| one.id.as_str())
    }

    /// Whose task it is; empty when nobody can be named.
    ///
    /// A key account belongs to his named person. A step may ask for a role. Rejections of people who
    /// never bought go to trainees where they are old or not ready; one who is ready never does.
    /// Everything else belongs to the client's manager, and clients without one to the configured
    /// one, else to whoever has the role for such clients.
    pub fn whose(&self, wanted: &Wanted<'_>) -> String {
        let own = wanted.client.manager.as_deref();
        let draw = |role| self.with_role(role, &wanted.client.ext_id, wanted.day);
        let found = if wanted.key_account {
            own.or_else(|| draw(ManagerRole::Key)).or(self.head())
        } else if let Some(role) = wanted.role {
            own.filter(|id| self.role(id) == Some(role))
                .or_else(|| draw(role))
                .or(own)
        } else if self.is_for_trainees(wanted) {
            draw(ManagerRole::Trainee).or(own)
        } else {
            own
        };
        let by_role = || {
            draw(match (wanted.has_bought, wanted.rejected_on) {
                (true, _) => ManagerRole::Farmer,
                (false, Some(_)) => ManagerRole::Hunter,
                (false, None) => ManagerRole::Scout,
            })
        };
        let configured = self.settings.default_manager.as_deref();
        let found = found.or(configured).or_else(by_role);
        found.unwrap_or_default().to_owned()
    }

    fn is_for_trainees(&self, wanted: &Wanted<'_>) -> bool {
        let Some(rejected_on) = wanted.rejected_on else {
            return false;
        };
        let settings = &self.settings;
        let age = wanted.day.days_since(rejected_on);
        let old = age > settings.trainee_after.count();
        let listed = wanted
            .class
            .is_some_and(|class| settings.trainee_classes.contains(&class));
        !wanted.has_bought && wanted.class != Some(Abc::A) && (old || listed)
    }

    /// Who goes on with a client whom a manager found interested: the configured expert, the client's
    /// own manager, or somebody who sells. Nobody where that is the one who called.
    pub fn expert_for(&self, client: &Client, called_by: &str, day: Day) -> Option<String> {
        let sells = |id: &str| self.role(id) != Some(ManagerRole::Trainee);
        let expert = self.settings.expert.as_deref();
        let own = client.manager.as_deref().filter(|id| sells(id));
        let hunter = || self.with_role(ManagerRole::Hunter, &client.ext_id, day);
        let farmer = || self.with_role(ManagerRole::Farmer, &client.ext_id, day);
        let found = expert.or(own).or_else(hunter).or_else(farmer);
        let found = found.or(self.head()).filter(|id| *id != called_by);
        found.map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(change: impl FnOnce(&mut Vec<Manager>, &mut TaskSettings)) -> Staff {
        let mut managers = vec![
            Manager::with_role("anna", ManagerRole::Farmer),
            Manager::with_role("boris", ManagerRole::Hunter),
            Manager::with_role("vera", ManagerRole::Trainee),
            Manager::with_role("key", ManagerRole::Key),
            Manager::with_role("scout", ManagerRole::Scout),
        ];
        let mut settings = TaskSettings {
            head: Some("head".to_owned()),
            ..TaskSettings::default()
        };
        change(&mut managers, &mut settings);
        Staff::new(managers, &settings)
    }

    fn client(manager: Option<&str>) -> Client {
        Client {
            ext_id: "K-1".to_owned(),
            manager: manager.map(str::to_owned),
            ..Client::default()
        }
    }

    const DAY: Day = Day::from_epoch(1_000);

    fn wanted(client: &Client) -> Wanted<'_> {
        Wanted {
            client,
            role: None,
            key_account: false,
            has_bought: false,
            class: None,
            rejected_on: None,
            day: DAY,
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn each_task_finds_whom_it_belongs_to() {
        let staff = staff(|_, _| ());
        let (own, none) = (client(Some("boris")), client(None));
        let yesterday = Some(DAY.plus(-1));
        let long_ago = Some(DAY.plus(-400));
        for (expected, wanted) in [
            ("boris", wanted(&own)),
            ("scout", wanted(&none)),
            (
                "anna",
                Wanted {
                    has_bought: true,
                    ..wanted(&none)
                },
            ),
            (
                "boris",
                Wanted {
                    rejected_on: yesterday,
                    ..wanted(&none)
                },
            ),
            (
                "vera",
                Wanted {
                    rejected_on: yesterday,
                    class: Some(Abc::C),
                    ..wanted(&own)
                },
            ),
            (
                "vera",
                Wanted {
                    rejected_on: long_ago,
                    ..wanted(&own)
                },
            ),
            // Who is ready, and who has bought, is nobody's exercise.
            (
                "boris",
                Wanted {
                    rejected_on: long_ago,
                    class: Some(Abc::A),
                    ..wanted(&own)
                },
            ),
            (
                "boris",
                Wanted {
                    rejected_on: long_ago,
                    has_bought: true,
                    ..wanted(&own)
                },
            ),
            (
                "boris",
                Wanted {
                    key_account: true,
                    role: Some(ManagerRole::Trainee),
                    ..wanted(&own)
                },
            ),
            (
                "key",
                Wanted {
                    key_account: true,
                    ..wanted(&none)
                },
            ),
            (
                "anna",
                Wanted {
                    role: Some(ManagerRole::Farmer),
                    ..wanted(&own)
                },
            ),
        ] {
            assert_eq!(staff.whose(&wanted), expected, "{wanted:?}");
        }
        assert_eq!(Staff::default().whose(&wanted(&none)), "");
    }

    #[test]
    fn whoever_is_away_is_stood_in_for_and_circles_end() {
        let away = |one: &mut Manager, substitute: Option<&str>| {
            one.absent = vec![(DAY, DAY.plus(3))];
            one.substitute = substitute.map(str::to_owned);
        };
        let one = staff(|managers, _| away(&mut managers[0], Some("boris")));
        assert_eq!(one.acting("anna", DAY), "boris");
        assert_eq!(one.acting("anna", DAY.plus(4)), "anna");
        let circle = staff(|managers, _| {
            away(&mut managers[0], Some("boris"));
            away(&mut managers[1], Some("anna"));
        });
        assert_eq!(circle.acting("anna", DAY), "head");
        let nobody = staff(|managers, settings| {
            away(&mut managers[0], None);
            settings.head = None;
        });
        assert_eq!(nobody.acting("anna", DAY), "anna");
        assert_eq!(nobody.acting("", DAY), "");
    }

    #[test]
    fn trainees_pass_interested_clients_on_and_sellers_go_on_themselves() {
        let staff = staff(|_, _| ());
        let own = client(Some("boris"));
        assert_eq!(
            staff.expert_for(&own, "vera", DAY).as_deref(),
            Some("boris")
        );
        assert_eq!(staff.expert_for(&own, "boris", DAY), None);
        let none = client(None);
        assert_eq!(
            staff.expert_for(&none, "vera", DAY).as_deref(),
            Some("boris")
        );
    }

    #[test]
    fn people_of_one_role_share_the_clients() {
        let staff =
            staff(|managers, _| managers.push(Manager::with_role("dina", ManagerRole::Farmer)));
        let mut counts = [0; 2];
        for n in 0..200 {
            let whose = staff.with_role(ManagerRole::Farmer, &format!("K-{n}"), DAY);
            counts[usize::from(whose == Some("dina"))] += 1;
        }
        assert!(
            counts.iter().all(|count| (70..=130).contains(count)),
            "{counts:?}"
        );
    }
}
