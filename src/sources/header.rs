//! Which column of a file holds what.
//!
//! What configuration maps counts first, then the canonical names, then the names that real exports
//! use. A file whose required columns are not found is refused with the nearest name it has.

use std::collections::BTreeMap;

use super::columns::{Column, columns, plain_name};
use crate::config::settings::{FactKind, Source};

/// The columns of one file.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The line on which the header stands.
    pub(super) line: u64,
    /// The names, as the file writes them.
    pub(super) names: Vec<String>,
    slots: BTreeMap<&'static str, Slot>,
}

/// Where the values of one canonical column lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slot {
    /// Indexes of columns, best first; empty when the file has none.
    pub(super) indexes: Vec<usize>,
    /// What messages call the column: its name in the file, else the canonical one.
    pub(super) title: String,
}

impl Slot {
    /// Whether the file has this column.
    pub(super) fn is_there(&self) -> bool {
        !self.indexes.is_empty()
    }
}

/// How configuration maps the columns of one kind of file.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping {
    /// Canonical name to the name in the file, and whether it must be there.
    entries: BTreeMap<String, (String, bool)>,
}

impl Mapping {
    /// The mapping of `source` for `kind`.
    ///
    /// An entry for one kind must be found in its file. An entry for all files must be found if the
    /// source is a single file; in a folder each file may have its own names, and the entry counts
    /// where it is found.
    pub(super) fn of(source: &Source, kind: FactKind, single_file: bool) -> Self {
        let mut entries = BTreeMap::new();
        for (canonical, name) in &source.columns {
            if columns(kind).iter().any(|column| column.name == canonical) {
                entries.insert(canonical.clone(), (name.clone(), single_file));
            }
        }
        for (canonical, name) in source.columns_of.get(&kind).into_iter().flatten() {
            entries.insert(canonical.clone(), (name.clone(), true));
        }
        Self { entries }
    }

    /// Keys that are no canonical column of the kind, with the nearest one.
    fn unknown(&self, kind: FactKind) -> Vec<String> {
        let known: Vec<&str> = columns(kind).iter().map(|column| column.name).collect();
        let unknown = self
            .entries
            .keys()
            .filter(|key| !known.contains(&key.as_str()));
        unknown
            .map(|key| {
                format!("the mapping names a column \"{key}\" that rekindle does not know{}; it knows {}",
                    nearest(key, known.iter().copied()), known.join(", "))
            })
            .collect()
    }
}

impl Header {
    /// Reads `names`, the fields of the record on `line`, as the header of a file of `kind`.
    ///
    /// The error lists everything that is wrong with it.
    pub(super) fn of<'a>(
        line: u64,
        names: impl Iterator<Item = &'a str>,
        kind: FactKind,
        mapping: &Mapping,
    ) -> Result<Self, Vec<String>> {
        let names: Vec<String> = names
            .map(|name| {
                name.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
                    .to_owned()
            })
            .collect();
        let plain: Vec<String> = names.iter().map(|name| plain_name(name)).collect();
        let mut header = Self {
            line,
            names,
            slots: BTreeMap::new(),
        };
        let mut problems = mapping.unknown(kind);
        for column in columns(kind) {
            match header.find(column, kind, &plain, mapping) {
                Ok(slot) if column.required && !slot.is_there() => {
                    problems.push(header.missing(column));
                }
                Ok(slot) => {
                    header.slots.insert(column.name, slot);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(header)
        } else {
            Err(problems)
        }
    }

    /// Where `name`, a canonical column of the kind, lies.
    pub(super) fn slot(&self, name: &'static str) -> Slot {
        let found = self.slots.get(name).cloned();
        found.unwrap_or_else(|| Slot {
            indexes: Vec::new(),
            title: name.to_owned(),
        })
    }

    /// The columns that no canonical column takes: index and name.
    pub(super) fn others(&self) -> Vec<(usize, String)> {
        let taken: Vec<usize> = self
            .slots
            .values()
            .flat_map(|slot| slot.indexes.clone())
            .collect();
        let names = self.names.iter().enumerate();
        names
            .filter(|(index, name)| !taken.contains(index) && !name.is_empty())
            .map(|(index, name)| (index, name.clone()))
            .collect()
    }

    fn find(
        &self,
        column: &Column,
        kind: FactKind,
        plain: &[String],
        mapping: &Mapping,
    ) -> Result<Slot, String> {
        let mut indexes = Vec::new();
        if let Some((name, must)) = mapping.entries.get(column.name) {
            let exact = self.names.iter().position(|header| header == name.trim());
            let loose = || plain.iter().position(|header| *header == plain_name(name));
            match exact.or_else(loose) {
                Some(index) => indexes.push(index),
                None if *must => {
                    return Err(format!(
                        "the mapping {} = \"{name}\" names a column that the file does not have{}",
                        column.name,
                        nearest(name, self.names.iter().map(String::as_str))
                    ));
                }
                None => {}
            }
        }
        if indexes.is_empty() {
            let ways: Vec<String> =
                names_in_orders_of_shopify(column, kind, plain).unwrap_or_else(|| {
                    let others = column.others().map(str::to_owned);
                    std::iter::once(plain_name(column.name))
                        .chain(others)
                        .collect()
                });
            indexes = ways
                .iter()
                .filter_map(|way| plain.iter().position(|header| header == way))
                .collect();
            // Values of several columns may stand in for one another only where a client may
            // have any of them; ids and amounts of two columns mean two things.
            if !["email", "phone", "company"].contains(&column.name) {
                indexes.truncate(1);
            }
        }
        let title = indexes
            .first()
            .map_or(column.name, |index| &self.names[*index]);
        Ok(Slot {
            title: title.to_owned(),
            indexes,
        })
    }

    fn missing(&self, column: &Column) -> String {
        let headers = self.names.iter().map(String::as_str);
        format!(
            "there is no column \"{}\"{}; name yours in the configuration: columns = {{ {} = \"...\" }}",
            column.name,
            nearest(column.name, headers),
            column.name
        )
    }
}

/// In the order export of Shopify "Name" is the number of the order and "Id" stands on the first
/// line of an order only.
fn names_in_orders_of_shopify(
    column: &Column,
    kind: FactKind,
    plain: &[String],
) -> Option<Vec<String>> {
    let shopify = kind == FactKind::Purchases && plain.iter().any(|name| name == "lineitem name");
    let ways: &[&str] = match column.name {
        "id" if shopify => &["name"],
        "client_name" if shopify => &["billing name", "shipping name"],
        _ => return None,
    };
    Some(ways.iter().map(|way| (*way).to_owned()).collect())
}

/// A remark about the nearest of `candidates`, if one is near.
fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let plain = plain_name(name);
    let nearest = candidates
        .map(|candidate| {
            (
                strsim::jaro_winkler(&plain, &plain_name(candidate)),
                candidate,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(String::new, |(_, candidate)| {
        format!(" (the nearest is \"{candidate}\")")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(
        kind: FactKind,
        names: &str,
        mapping: &[(&str, &str)],
    ) -> Result<Header, Vec<String>> {
        let entries = mapping
            .iter()
            .map(|(key, name)| ((*key).to_owned(), ((*name).to_owned(), true)))
            .collect();
        Header::of(1, names.split(';'), kind, &Mapping { entries })
    }

    fn titles(header: &Header, names: &[&'static str]) -> Vec<String> {
        names.iter().map(|name| header.slot(name).title).collect()
    }

    #[expect(clippy::too_many_lines, reason = "a table of real headers")]
    #[test]
    fn exports_of_real_systems_are_understood_without_a_mapping() {
        let bitrix = "ID;Направление;Стадия сделки;Название сделки;Сумма;Валюта;Контакт;Компания;\
             Контакт: Мобильный телефон;Контакт: Рабочий e-mail;Ответственный;Дата создания;\
             Дата изменения;Предполагаемая дата закрытия;Причина отказа";
        let found = header(FactKind::Deals, bitrix, &[]).unwrap();
        assert_eq!(
            titles(
                &found,
                &[
                    "id", "client", "stage", "amount", "manager", "opened", "reason", "phone"
                ]
            ),
            [
                "ID",
                "Компания",
                "Стадия сделки",
                "Сумма",
                "Ответственный",
                "Дата создания",
                "Причина отказа",
                "Контакт: Мобильный телефон"
            ]
        );
        let amo = "ID;Название сделки;Бюджет;Ответственный;Дата создания сделки;Дата закрытия;Теги;\
             Этап сделки;Воронка;Полное имя контакта;Компания контакта;Рабочий телефон;Рабочий email";
        let found = header(FactKind::Deals, amo, &[]).unwrap();
        assert_eq!(
            titles(
                &found,
                &[
                    "client",
                    "closed",
                    "amount",
                    "stage",
                    "email",
                    "client_name"
                ]
            ),
            [
                "Компания контакта",
                "Дата закрытия",
                "Бюджет",
                "Этап сделки",
                "Рабочий email",
                "Полное имя контакта"
            ]
        );
        let shopify = "Name;Email;Financial Status;Paid at;Currency;Total;Discount Code;Created at;\
             Lineitem quantity;Lineitem name;Lineitem price;Billing Name;Id;Phone";
        let found = header(FactKind::Purchases, shopify, &[]).unwrap();
        assert_eq!(
            titles(
                &found,
                &[
                    "id",
                    "client",
                    "date",
                    "amount",
                    "status",
                    "item",
                    "client_name"
                ]
            ),
            [
                "Name",
                "Email",
                "Paid at",
                "Total",
                "Financial Status",
                "Lineitem name",
                "Billing Name"
            ]
        );
        let one_c = "Контрагент;ИНН;Документ/Регистратор;Дата;Номенклатура;Количество;Сумма";
        let found = header(FactKind::Purchases, one_c, &[]).unwrap();
        assert_eq!(
            titles(&found, &["id", "client", "date", "amount", "item"]),
            [
                "Документ/Регистратор",
                "Контрагент",
                "Дата",
                "Сумма",
                "Номенклатура"
            ]
        );
        let customers = "Customer ID;First Name;Last Name;Email;Accepts Email Marketing;\
             Default Address Company;Default Address Country Code;Phone;Total Spent;Tags";
        let found = header(FactKind::Clients, customers, &[]).unwrap();
        assert_eq!(found.others(), [(8, "Total Spent".to_owned())]);
    }

    #[test]
    fn the_mapping_of_the_configuration_comes_first() {
        let found = header(
            FactKind::Purchases,
            "client;date;amount;Покупатель по договору",
            &[("client", "Покупатель по договору")],
        );
        assert_eq!(found.unwrap().slot("client").indexes, [3]);
    }

    #[test]
    fn a_missing_column_is_an_error_with_the_nearest_name_and_the_way_out() {
        let problems = header(FactKind::Purchases, "klient;date;sum total", &[]).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].contains("\"client\" (the nearest is \"klient\")"),
            "{problems:?}"
        );
        assert!(problems[1].contains("columns = { amount ="), "{problems:?}");
        let problems = header(
            FactKind::Purchases,
            "client;date;amount",
            &[("client", "Kunde"), ("ammount", "x")],
        );
        let problems = problems.unwrap_err();
        assert!(
            problems[0]
                .contains("\"ammount\" that rekindle does not know (the nearest is \"amount\")")
        );
        assert!(problems[1].contains("client = \"Kunde\""), "{problems:?}");
    }

    #[test]
    fn a_mapping_for_all_files_counts_where_it_is_found() {
        let source: Source = toml::from_str(
            "name = \"crm\"\nkind = \"csv\"\npath = \"data\"\ncolumns = { email = \"Почта клиента\" }\n\
             [columns_of.deals]\nclient = \"Фирма\"\n",
        )
        .unwrap();
        let names = "id;email";
        let mapping = Mapping::of(&source, FactKind::Clients, false);
        let found = Header::of(1, names.split(';'), FactKind::Clients, &mapping).unwrap();
        assert_eq!(found.slot("email").indexes, [1]);
        let mapping = Mapping::of(&source, FactKind::Clients, true);
        assert!(Header::of(1, names.split(';'), FactKind::Clients, &mapping).is_err());
        let mapping = Mapping::of(&source, FactKind::Deals, false);
        assert!(Header::of(1, "id;client".split(';'), FactKind::Deals, &mapping).is_err());
    }
}
