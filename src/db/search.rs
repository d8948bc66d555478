//! Finding clients by what a person remembers of them: a part of a name or a company, a phone, an
//! address, a number.
//!
//! SQLite folds the case of Latin letters only, and PostgreSQL folds by the locale of the server, so
//! each word is looked for as it is written, small, with a large first letter and large. The whole table is read where no index answers; the answer is
//! a page and never the base.

use super::{Result, Store};
use crate::db::sql::{self, Engine};
use crate::model::ClientId;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// Words that all stand in the names of a client, of his company or of one of its people.
    Words(Vec<String>),
    /// Digits that stand in a phone.
    Digits(String),
    /// An e-mail address.
    Email(String),
}

/// A client who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundClient {
    /// Our own number.
    pub id: ClientId,
    /// The id that his source uses.
    pub ext_id: String,
    /// His name.
    pub name: Option<String>,
    /// His company.
    pub company: Option<String>,
    /// His phone.
    pub phone: Option<String>,
    /// His e-mail address.
    pub email: Option<String>,
    /// His manager.
    pub manager: Option<String>,
}

/// How many words are looked at.
const WORDS: usize = 4;

impl Sought {
    /// What somebody typed; nothing where it is too little to look for.
    pub fn typed(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_phone = text
            .chars()
            .all(|c| c.is_ascii_digit() || " +-()\u{a0}.".contains(c));
        if is_phone {
            // Whoever dials eight inside the country means its code.
            let own = digits.strip_prefix('8').filter(|own| own.len() == 10);
            let digits = own.map_or(digits.clone(), str::to_owned);
            return (digits.len() >= 2).then_some(Self::Digits(digits));
        }
        if text.contains('@') && !text.contains(char::is_whitespace) {
            return Some(Self::Email(text.to_lowercase()));
        }
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        let words: Vec<String> = words.take(WORDS).map(str::to_owned).collect();
        let letters: usize = words.iter().map(|word| word.chars().count()).sum();
        (letters >= 2).then_some(Self::Words(words))
    }
}

/// A word as it may stand in a name, without the difference of ё and е.
fn forms(word: &str) -> [String; 4] {
    let plain = |text: String| text.replace('ё', "е").replace('Ё', "Е");
    let small = plain(word.to_lowercase());
    let mut chars = small.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let large_first = first + chars.as_str();
    [
        plain(word.to_owned()),
        plain(word.to_uppercase()),
        large_first,
        small,
    ]
}

/// Whether every word stands in a text of the statement, in one of its forms.
fn all_words(text: &str, words: &[String], place: &str) -> String {
    let text = format!("replace(replace({text}, 'ё', 'е'), 'Ё', 'Е')");
    let tests = (0..words.len()).map(|n| {
        let forms = (0..4).map(|form| format!("{place}({text}, ${}) > 0", 4 + 4 * n + form));
        format!("({})", forms.collect::<Vec<_>>().join(" OR "))
    });
    tests.collect::<Vec<_>>().join(" AND ")
}

/// Where a client is found, and the texts that are bound from the fourth parameter on.
fn parts(sought: &Sought, engine: Engine) -> (String, Vec<String>) {
    // The place of a text in another one.
    let place = match engine {
        Engine::Sqlite => "instr",
        Engine::Postgres => "strpos",
    };
    match sought {
        Sought::Words(words) => {
            let client = "coalesce(company, '') || ' ' || coalesce(name, '') || ' ' || ext_id";
            let found = format!(
                "SELECT id FROM clients WHERE {} UNION SELECT client_id FROM contacts WHERE {}",
                all_words(client, words, place),
                all_words("coalesce(name, '')", words, place)
            );
            (found, words.iter().flat_map(|word| forms(word)).collect())
        }
        Sought::Digits(digits) => {
            let found = format!(
                "SELECT id FROM clients WHERE {place}(phone, $4) > 0 OR ext_id = $4
                 UNION SELECT client_id FROM contacts WHERE {place}(phone, $4) > 0"
            );
            (found, vec![digits.clone()])
        }
        Sought::Email(email) => {
            let found = "SELECT id FROM clients WHERE email = $4
                         UNION SELECT client_id FROM contacts WHERE email = $4";
            (found.to_owned(), vec![email.clone()])
        }
    }
}

impl Store {
    /// The clients who fit, at most `most`, those who bought last first; of one manager those whom he
    /// may see: his own, and those about whom he has a task.
    pub async fn find_clients(
        &self,
        sought: &Sought,
        of_manager: Option<&str>,
        most: u32,
    ) -> Result<Vec<FoundClient>> {
        let (found, texts) = parts(sought, self.pool.engine());
        let statement = format!(
            "WITH found (id) AS ({found})
             SELECT c.id, c.ext_id, c.name, c.company, c.phone, c.email, m.manager
             FROM found JOIN clients c ON c.id = found.id
             JOIN client_managers m ON m.client_id = c.id
             WHERE c.deleted_on IS NULL AND c.master_id IS NULL
               AND ($1 IS NULL OR m.manager = $1 OR EXISTS (
                   SELECT 1 FROM tasks t JOIN runs r ON r.id = t.run_id AND r.status = 'sealed'
                   WHERE t.client_id = c.id AND $1 IN (t.manager, t.acting)
                     AND t.state IN ('open', 'waiting')))
             ORDER BY c.ext_id = $3 DESC,
                      (SELECT max(day) FROM purchases p WHERE p.client_id = c.id) DESC NULLS LAST,
                      c.id
             LIMIT $2"
        );
        let whole = match sought {
            Sought::Words(words) => words.join(" "),
            Sought::Digits(text) | Sought::Email(text) => text.clone(),
        };
        let mut query = sql::query(sqlx::AssertSqlSafe(statement))
            .bind(of_manager)
            .bind(most)
            .bind(whole);
        for text in texts {
            query = query.bind(text);
        }
        let rows = query.fetch_all(&self.pool).await?;
        let clients = rows.iter().map(|row| FoundClient {
            id: ClientId(row.get("id")),
            ext_id: row.get("ext_id"),
            name: row.get("name"),
            company: row.get("company"),
            phone: row.get("phone"),
            email: row.get("email"),
            manager: row.get("manager"),
        });
        Ok(clients.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_as_people_mean_it() {
        let words = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            Some(Sought::Words(words.collect()))
        };
        let digits = |text: &str| Some(Sought::Digits(text.to_owned()));
        for (typed, sought) in [
            ("  Ромашка ", words(&["Ромашка"])),
            ("ООО «Ромашка», Анна", words(&["ООО", "Ромашка", "Анна"])),
            ("8 (913) 123-45-67", digits("9131234567")),
            ("+7 913 123", digits("7913123")),
            ("12-34", digits("1234")),
            (
                "Anna@Example.org",
                Some(Sought::Email("anna@example.org".to_owned())),
            ),
            ("", None),
            ("я", None),
            ("%", None),
            ("7", None),
        ] {
            assert_eq!(Sought::typed(typed), sought, "{typed}");
        }
    }

    #[test]
    fn a_word_is_looked_for_in_every_case() {
        assert_eq!(forms("сЕмён"), ["сЕмен", "СЕМЕН", "Семен", "семен"]);
    }
}
