//! Files as real systems export them.

use rekindle::jobs::import::ImportResult;

use super::shop::{APPEND, SNAPSHOT, Shop, only_file};

#[tokio::test]
async fn a_report_of_1c_in_windows_1251_with_titles_and_totals_is_understood() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.data("import/one-c-cp1251.csv", "purchases.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.rows, file.changes.new, file.rejected.rows),
        (5, 3, 1),
        "{summary:?}"
    );
    assert_eq!(
        file.examples[0].line, 8,
        "the line of totals: {:?}",
        file.examples
    );
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, date(p.day * 86400, 'unixepoch'), p.key, p.amount
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY p.day"
        )
        .await,
        [
            "ООО «Ромашка»|2026-05-01|Реализация 0001|200000",
            "ИП Ёлкин|2026-05-02|Реализация 0002|617280",
            "АО \"Вектор; плюс\"|2026-05-05|Возврат 0003|-76544",
        ]
    );
    assert_eq!(
        shop.rows("SELECT key, line, item, quantity FROM purchase_items ORDER BY key, line")
            .await,
        [
            "Возврат 0003|0|Кофе в зёрнах|1",
            "Реализация 0001|0|Кофе в зёрнах|1",
            "Реализация 0001|1|Чай чёрный|2",
            "Реализация 0002|0|Чай чёрный|10",
        ]
    );
}

#[tokio::test]
async fn deals_of_bitrix24_are_open_won_or_lost_with_their_reason() {
    let shop = Shop::new(SNAPSHOT).await;
    shop.data("import/bitrix-deals-cp1251.csv", "deals.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!((file.changes.new, file.rejected.rows), (3, 1));
    let dollars = &file.examples[0];
    assert_eq!((dollars.line, dollars.column.as_str()), (5, "Валюта"));
    assert_eq!(
        shop.rows(
            "SELECT d.ext_id, c.ext_id, d.status, d.amount, date(d.closed_on * 86400, 'unixepoch'),
                    d.reason, d.manager, c.email, c.phone
             FROM deals d JOIN clients c ON c.id = d.client_id ORDER BY d.ext_id"
        )
        .await,
        [
            "101|ООО «Ромашка»|won|15000000|2026-03-31|-|Пётр Сидоров|anna@example.org|+79131234567",
            "102|ИП Ёлкин|lost|9000000|2026-04-30|Дорого|Пётр Сидоров|boris@example.org|-",
            "103|ООО «Ромашка»|open|4000000|-|-|Пётр Сидоров|anna@example.org|+79131234567",
        ]
    );
}

#[tokio::test]
async fn leads_of_amocrm_say_not_closed_and_name_the_manager() {
    let managers = format!(
        "{SNAPSHOT}[[manager]]\nid = \"m1\"\nname = \"Пётр Сидоров\"\nemail = \"petr@example.org\"\n"
    );
    let shop = Shop::new(&managers).await;
    shop.data("import/amo-leads-bom.csv", "deals.csv");
    let summary = shop.import().await;
    assert_eq!(only_file(&summary).changes.new, 3, "{summary:?}");
    assert_eq!(
        shop.rows("SELECT ext_id, status, stage, manager, reason FROM deals ORDER BY ext_id")
            .await,
        [
            "501|open|Переговоры|m1|-",
            "502|won|Успешно реализовано|m1|-",
            "503|lost|Закрыто и не реализовано|Мария|Нет бюджета",
        ]
    );
    assert_eq!(
        shop.rows(
            "SELECT d.ext_id, date(s.day * 86400, 'unixepoch'), s.stage
             FROM deal_stages s JOIN deals d ON d.id = s.deal_id ORDER BY d.ext_id"
        )
        .await,
        [
            "501|2026-10-01|Переговоры",
            "502|2026-09-20|Успешно реализовано",
            "503|2026-09-25|Закрыто и не реализовано",
        ]
    );
}

#[tokio::test]
async fn orders_of_shopify_are_put_together_from_their_lines_and_unpaid_ones_left_out() {
    let shop = Shop::of("EUR", "Europe/Moscow", "DE", APPEND).await;
    shop.data("import/shopify-orders.csv", "purchases.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.rows, file.skipped, file.changes.new),
        (4, 1, 2),
        "{summary:?}"
    );
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, c.name, date(p.day * 86400, 'unixepoch'), p.key, p.amount, p.promo
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY p.day"
        )
        .await,
        [
            // Half past eleven in Berlin is the next day in Moscow.
            "anna@example.org|Anna Stone|2026-05-02|#1001|6000|SPRING",
            "clara@example.org|Clara Hill|2026-05-03|#1003|125000|-",
        ]
    );
    assert_eq!(
        shop.rows("SELECT item, sku, quantity, amount FROM purchase_items ORDER BY item, quantity")
            .await,
        [
            "Green tea|TEA-1|2|4000",
            "Green tea|TEA-1|50|125000",
            "Mug, white|MUG-1|1|1500",
        ]
    );
}

#[tokio::test]
async fn customers_of_shopify_lose_their_apostrophes_and_keep_every_further_column() {
    let shop = Shop::of("EUR", "Europe/Berlin", "DE", SNAPSHOT).await;
    shop.data("import/shopify-customers.csv", "clients.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.changes.new, file.rejected.rows, file.rejected.values),
        (2, 0, 1)
    );
    assert_eq!(file.examples[0].value, "not a phone");
    assert_eq!(
        shop.rows(
            "SELECT ext_id, name, company, email, phone, country, tags,
                    attributes ->> 'Total Spent', attributes ->> 'Note' FROM clients ORDER BY 1"
        )
        .await,
        [
            "7001|Anna Stone|-|anna@example.org|+4930901820|DE|[\"tea\",\"vip\"]|60.00|-",
            "7002|Boris Lane|Lane Ltd|boris@example.org|-|DE|[]|0.00|two lines",
        ]
    );
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, n.channel, n.basis, n.given_on, n.withdrawn_on IS NOT NULL
             FROM consents n JOIN clients c ON c.id = n.client_id ORDER BY 1"
        )
        .await,
        ["7001|email|consent|-|0", "7002|email|consent|-|1"]
    );
}

#[tokio::test]
async fn orders_of_woocommerce_analytics_name_their_client_and_count_once_paid() {
    let shop = Shop::of("EUR", "Europe/Berlin", "DE", APPEND).await;
    shop.data("import/woocommerce-orders.csv", "purchases.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.rows, file.skipped, file.changes.new),
        (4, 2, 2),
        "{summary:?}"
    );
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, date(p.day * 86400, 'unixepoch'), p.key, p.amount, p.promo
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY p.day"
        )
        .await,
        [
            "Anna Stone|2026-05-01|2001|5500|SPRING",
            "Anna Stone|2026-05-03|2003|125000|-",
        ]
    );
}

#[tokio::test]
async fn orders_of_retailcrm_count_on_the_day_they_were_paid() {
    let shop = Shop::new(APPEND).await;
    shop.data("import/retailcrm-orders.csv", "purchases.csv");
    let summary = shop.import().await;
    let file = only_file(&summary);
    assert_eq!(
        (file.skipped, file.changes.new, file.rejected.rows),
        (1, 2, 1),
        "{summary:?}"
    );
    let unpaid = &file.examples[0];
    assert_eq!(
        (unpaid.line, unpaid.column.as_str(), unpaid.reason.as_str()),
        (4, "fullPaidAt", "is empty")
    );
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, c.email, c.phone, date(p.day * 86400, 'unixepoch'), p.key, p.amount
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY p.day"
        )
        .await,
        [
            "C-17|anna@example.org|+79131234567|2026-05-02|9001|150050",
            "C-17|anna@example.org|+79131234567|2026-05-05|9004|230000",
        ]
    );
}

#[tokio::test]
async fn one_file_of_purchases_with_tabs_and_a_mapping_is_enough_to_start() {
    let shop = Shop::new(
        "[[source]]\nname = \"till\"\npath = \"data/tabs.tsv\"\n\
         columns = { client = \"client\", date = \"date\", amount = \"amount\" }\n",
    )
    .await;
    shop.data("import/tabs.tsv", "tabs.tsv");
    let summary = shop.import().await;
    assert_eq!(summary.result, ImportResult::Done);
    assert_eq!(summary.implied_clients, 2);
    assert_eq!(
        shop.rows(
            "SELECT c.ext_id, c.implied, p.key, p.amount
             FROM purchases p JOIN clients c ON c.id = p.client_id ORDER BY 1"
        )
        .await,
        ["A, B and C|1|~1050~1|1050", "D|1|~100000~1|100000"]
    );
}

#[tokio::test]
async fn the_mapping_of_one_file_does_not_disturb_another() {
    let shop = Shop::new(&format!(
        "{SNAPSHOT}columns = {{ email = \"Почта клиента\" }}\n\
         [source.columns_of.purchases]\nclient = \"Кому\"\namount = \"Сколько\"\n"
    ))
    .await;
    shop.file(
        "clients.csv",
        "id;Имя;Почта клиента\nA;Анна;anna@example.org\n",
    );
    shop.file("purchases.csv", "Кому;Дата;Сколько\nA;01.05.2026;10\n");
    let summary = shop.import().await;
    assert_eq!(summary.result, ImportResult::Done, "{summary:?}");
    assert_eq!(summary.implied_clients, 0);
    assert_eq!(
        shop.rows("SELECT email FROM clients").await,
        ["anna@example.org"]
    );
}
