//! The canonical columns of every kind of file, and the names that real exports give them.
//!
//! Names stand in the form that [`plain_name`] makes: lower case, `ё` as `е`, no `-` and `_`. The
//! order of the other names is their rank: where a file has several, the first with a value counts.
//!
//! Source: exports of Bitrix24 (deals, contacts, REST), amoCRM (leads, old and new), RetailCRM API
//! v5, Shopify (orders, customers), WooCommerce Analytics and reports of 1C.

use crate::config::settings::FactKind;

/// One canonical column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Our name, as configuration maps it.
    pub(super) name: &'static str,
    /// Whether a file without it cannot be read.
    pub(super) required: bool,
    others: &'static str,
}

impl Column {
    /// Other names, best first.
    pub(super) fn others(&self) -> impl Iterator<Item = &'static str> {
        self.others.split('|').filter(|name| !name.is_empty())
    }
}

const fn required(name: &'static str, others: &'static str) -> Column {
    Column {
        name,
        required: true,
        others,
    }
}

const fn optional(name: &'static str, others: &'static str) -> Column {
    Column {
        name,
        required: false,
        others,
    }
}

const EMAILS: &str = "\
     e mail|e mail для рассылок|email address|mail|рабочий e mail|рабочий email|частный e mail|\
     личный email|другой e mail|другой email|почта|электронная почта|эл. почта|\
     контакт: рабочий e mail|контакт: частный e mail|рабочий email (контакт)|личный email (контакт)";
const PHONES: &str = "\
     телефон для рассылок|мобильный телефон|мобильный|mobile phone|mobile|phone number|phones|\
     телефон|номер телефона|рабочий телефон|рабочий прямой телефон|default address phone|\
     billing phone|shipping phone|домашний телефон|другой телефон|контакт: мобильный телефон|\
     контакт: рабочий телефон|мобильный телефон (контакт)|рабочий телефон (контакт)";
const MANAGERS: &str = "\
     manager id|managerid|ответственный|менеджер|assigned by id|responsible|responsible user id|\
     owner|ответственный за контакт|employee";
const CLIENTS: &str = "\
     client id|clientid|customer id|customerid|customer|код клиента|id клиента|клиент|контрагент|\
     покупатель|contragent";
const FIRST_NAMES: &str = "firstname|имя";
const LAST_NAMES: &str = "lastname|surname|фамилия";
const PURCHASE_CLIENTS: &str = "\
     client id|clientid|customer id|customerid|customer|код клиента|id клиента|клиент|контрагент|\
     покупатель|contragent|компания|company|контакт|e mail|email|телефон|phone";
const DEAL_CLIENTS: &str = "\
     client id|clientid|customer id|customerid|customer|код клиента|id клиента|клиент|контрагент|\
     покупатель|contragent|company id|contact id|компания|компания контакта|\
     компания: название компании|основной контакт|полное имя контакта|контакт|company|contact";

const MANAGER_COLUMNS: &[Column] = &[
    required("id", "manager id|managerid|код|ид"),
    required("name", "имя|фио|менеджер|сотрудник|full name"),
    optional("email", EMAILS),
    optional("phone", PHONES),
    optional("role", "роль"),
    optional("capacity", "задач в день|tasks per day"),
    optional("locale", "language|язык"),
    optional("absent_from", "отсутствует с|в отпуске с"),
    optional("absent_to", "absent until|отсутствует по|в отпуске по"),
    optional("substitute", "замещает|замена"),
];

const CLIENT_COLUMNS: &[Column] = &[
    required(
        "id",
        "client id|clientid|customer id|customerid|externalid|external id|код клиента|id клиента|\
         номер клиента|код|ид|client|клиент|контрагент|username",
    ),
    optional(
        "name",
        "full name|фио|полное имя|полное имя контакта|наименование|полное наименование|\
         имя, фамилия|имя клиента|customer name",
    ),
    optional("first_name", FIRST_NAMES),
    optional("last_name", LAST_NAMES),
    optional(
        "company",
        "компания|название компании|организация|default address company|company name|\
         компания контакта|юрлицо",
    ),
    optional("email", EMAILS),
    optional("phone", PHONES),
    optional("locale", "language|lang|язык"),
    optional("time_zone", "timezone|часовой пояс"),
    optional(
        "country",
        "страна|country code|default address country code|billing country",
    ),
    optional("manager", MANAGERS),
    optional("tags", "tag|теги|метки|теги контакта|теги сделки"),
    optional(
        "birthday",
        "birth date|birthdate|date of birth|дата рождения|день рождения",
    ),
    optional(
        "merged_into",
        "merged into id|master id|duplicate of|объединен с|слит с|дубль клиента",
    ),
    optional(
        "consent_email",
        "accepts email marketing|accepts marketing|subscribed|согласие на рассылку|согласие email",
    ),
    optional(
        "consent_whatsapp",
        "accepts whatsapp marketing|согласие whatsapp",
    ),
];

const CONTACT_COLUMNS: &[Column] = &[
    required("client", DEAL_CLIENTS),
    optional("id", "contact id|ид|код"),
    optional("name", "full name|фио|полное имя|contact name"),
    optional("first_name", FIRST_NAMES),
    optional("last_name", LAST_NAMES),
    optional("role", "роль|должность|position|job title|title"),
    optional("email", EMAILS),
    optional("phone", PHONES),
    optional("primary", "is primary|is main|основной|главный"),
];

const PURCHASE_COLUMNS: &[Column] = &[
    optional(
        "id",
        "purchase id|order id|orderid|order #|order number|order|number|invoice|invoiceno|\
         invoice no|номер|номер заказа|номер чека|заказ|чек|документ|регистратор|\
         документ/регистратор|№|ид",
    ),
    required("client", PURCHASE_CLIENTS),
    required(
        "date",
        "purchase date|paid at|fullpaidat|дата оплаты|дата покупки|дата продажи|дата чека|\
         order date|invoicedate|invoice date|transaction date|дата|дата заказа|дата документа|\
         period|период|created at|createdat|дата создания|day",
    ),
    required(
        "amount",
        "total|totalsumm|summ|sum|сумма|сумма заказа|сумма чека|сумма продажи|итого|выручка|\
         net sales|n. revenue (formatted)|revenue|бюджет|opportunity|value|стоимость|сумма оплаты",
    ),
    optional("currency", "валюта|currency id"),
    optional("cancels", "refund of|отменяет|возврат к"),
    optional(
        "promo",
        "promo code|promocode|discount code|coupon|coupon(s)|промокод|купон",
    ),
    optional(
        "status",
        "financial status|статус|статус оплаты|статус заказа",
    ),
    optional(
        "item",
        "product|product name|productname|lineitem name|товар|номенклатура|product(s)",
    ),
    optional("sku", "lineitem sku|артикул|offer|stockcode"),
    optional(
        "quantity",
        "qty|lineitem quantity|количество|кол во|items sold",
    ),
    optional(
        "item_amount",
        "line amount|line total|сумма товара|сумма строки",
    ),
    optional(
        "item_price",
        "lineitem price|unit price|unitprice|price|цена",
    ),
    optional(
        "client_name",
        "customer name|billing name|shipping name|name|фио|имя клиента",
    ),
    optional("email", EMAILS),
    optional("phone", PHONES),
];

const DEAL_COLUMNS: &[Column] = &[
    required("id", "deal id|lead id|id сделки|номер|ид"),
    required("client", DEAL_CLIENTS),
    optional("title", "name|название сделки|название|сделка"),
    optional("status", "stage semantic id|статус|состояние"),
    optional(
        "stage",
        "этап сделки|стадия сделки|этап|стадия|stage id|status id|deal stage",
    ),
    optional("amount", "сумма|бюджет|opportunity|price|budget"),
    optional("currency", "валюта|currency id"),
    optional(
        "opened",
        "created|created at|date create|create date|дата создания|дата создания сделки|begindate|\
         дата начала",
    ),
    optional(
        "closed",
        "closed at|close date|дата закрытия|moved time|closedate|предполагаемая дата закрытия",
    ),
    optional(
        "changed",
        "moved time|updated at|date modify|дата изменения|дата редактирования",
    ),
    optional(
        "reason",
        "loss reason|lost reason|closed lost reason|причина отказа|причина проигрыша|\
         причина провала",
    ),
    optional("need", "потребность"),
    optional("money", "деньги"),
    optional("urgency", "срочность"),
    optional("manager", MANAGERS),
    optional(
        "client_name",
        "contact name|полное имя контакта|основной контакт",
    ),
    optional("email", EMAILS),
    optional("phone", PHONES),
];

const VISIT_COLUMNS: &[Column] = &[
    required("client", CLIENTS),
    required("date", "time|timestamp|visited at|дата|дата визита|время"),
    optional("page", "url|path|страница|адрес страницы"),
];

const CONSENT_COLUMNS: &[Column] = &[
    required("client", CLIENTS),
    required("channel", "канал"),
    optional("class", "класс|вид"),
    optional("basis", "основание"),
    optional("given", "given on|date|дата|дата согласия"),
    optional("withdrawn", "withdrawn on|дата отзыва"),
    optional("proof", "подтверждение|документ"),
];

const SUPPRESSION_COLUMNS: &[Column] = &[
    optional("email", EMAILS),
    optional("phone", PHONES),
    optional("address", "адрес"),
    optional("channel", "канал"),
    optional("scope", "что|область"),
    optional("reason", "причина"),
    optional("since", "date|дата|created at"),
];

/// The columns of a kind of file.
pub(super) const fn columns(kind: FactKind) -> &'static [Column] {
    match kind {
        FactKind::Managers => MANAGER_COLUMNS,
        FactKind::Clients => CLIENT_COLUMNS,
        FactKind::Contacts => CONTACT_COLUMNS,
        FactKind::Purchases => PURCHASE_COLUMNS,
        FactKind::Deals => DEAL_COLUMNS,
        FactKind::Visits => VISIT_COLUMNS,
        FactKind::Consents => CONSENT_COLUMNS,
        FactKind::Suppressions => SUPPRESSION_COLUMNS,
    }
}

/// The form in which names of columns are compared.
pub(super) fn plain_name(header: &str) -> String {
    let mut plain = String::with_capacity(header.len());
    for c in header.chars() {
        match c {
            '\u{feff}' | '"' | '*' => {}
            '_' | '-' => plain.push(' '),
            'ё' | 'Ё' => plain.push('е'),
            c if c.is_whitespace() => plain.push(' '),
            c => plain.extend(c.to_lowercase()),
        }
    }
    let joined = plain.split(' ').filter(|word| !word.is_empty());
    let joined = joined.collect::<Vec<_>>().join(" ");
    joined.trim_end_matches(':').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_name_stands_in_the_form_in_which_it_is_compared_and_once_a_column() {
        for kind in FactKind::ALL {
            for column in columns(kind) {
                let mut seen = vec![plain_name(column.name)];
                for other in column.others() {
                    assert_eq!(plain_name(other), other, "{kind:?} {}", column.name);
                    assert!(!seen.contains(&other.to_owned()), "{kind:?} {other}");
                    seen.push(other.to_owned());
                }
            }
        }
    }

    #[test]
    fn names_are_compared_without_marks_and_case() {
        assert_eq!(plain_name("\u{feff}Рабочий E-mail: "), "рабочий e mail");
        assert_eq!(plain_name("CUSTOMER_ID"), "customer id");
        assert_eq!(plain_name("Дата\u{a0} рождения"), "дата рождения");
    }
}
