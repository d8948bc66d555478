//! Certificates from issue to redemption: everybody one, each used once, no cheat rewarded, and a
//! picture whose QR code others can read.
#![expect(
    clippy::unwrap_used,
    reason = "a company that cannot be set up or read fails the test as it should"
)]

mod commands;
mod friends;
mod issued;
mod pictures;
mod redeemed;

use std::fs;

use rekindle::certificates::till::{Wish, redeem};
use rekindle::db::{Redeemed, Via};
use rekindle::model::AddressKey;
use rekindle::rules::certificate::code;

use crate::world::World;

/// A code that nobody else has.
pub(crate) fn code_of(n: u32) -> String {
    code(
        "T",
        &AddressKey::new([3; 32]).mac("certificate", &n.to_string()),
        0,
    )
}

/// A shop with its own files of clients and purchases.
pub(crate) struct Shop {
    pub(crate) world: World,
    issued: u32,
}

impl Shop {
    /// A shop with these clients: `id,name,email,phone,card,address`.
    pub(crate) fn new(clients: &[&str]) -> Self {
        let world = World::new();
        let data = world.home().join("data");
        fs::create_dir_all(&data).unwrap();
        let shop = Self { world, issued: 0 };
        shop.clients(clients);
        shop
    }

    /// Writes the file of clients.
    pub(crate) fn clients(&self, rows: &[&str]) {
        let text = format!("id,name,email,phone,card,address\n{}\n", rows.join("\n"));
        fs::write(self.world.home().join("data/clients.csv"), text).unwrap();
    }

    /// Writes the file of purchases, `id,client,date,amount,promo,cancels`, and imports everything.
    pub(crate) fn import(&mut self, purchases: &[&str]) {
        let text = format!(
            "id,client,date,amount,promo,cancels\n{}\n",
            purchases.join("\n")
        );
        fs::write(self.world.home().join("data/purchases.csv"), text).unwrap();
        self.world.import();
    }

    /// Issues a certificate to a client, valid until the end of 2026, as a sealed run would; `more`
    /// is what else is set.
    pub(crate) fn issue(&mut self, kind: &str, client: &str, more: &[(&str, &str)]) -> String {
        self.issued += 1;
        let code = code_of(self.issued);
        let n = self.issued;
        self.world.rows(
            "INSERT INTO runs (id, schedule, logical_date, mode, status, started_at)
             VALUES (9, 'test', 20500, 'sandbox', 'sealed', 0) ON CONFLICT DO NOTHING",
        );
        self.world.rows(&format!(
            "INSERT INTO certificates (code, campaign, client_id, episode, step, kind, discount,
                                       issued_on, valid_until, run_id)
             SELECT '{code}', 'gift', id, 'e{n}', 's', '{kind}', '10%', 20510, 20818, 9
             FROM clients WHERE ext_id = '{client}'"
        ));
        for (column, value) in more {
            let set = format!("UPDATE certificates SET {column} = {value} WHERE code = '{code}'");
            self.world.rows(&set);
        }
        code
    }

    /// Redeems at a till, telling a phone or an address.
    pub(crate) fn redeem(&mut self, code: &str, receipt: &str, contact: Option<&str>) -> Redeemed {
        let wish = Wish {
            code,
            receipt,
            contact,
            ..Wish::default()
        };
        self.wish(&wish)
    }

    /// Redeems what a person says.
    pub(crate) fn wish(&mut self, wish: &Wish<'_>) -> Redeemed {
        self.world.app();
        let app = self.world.open();
        let done = self.world.wait(redeem(&app, wish, "till 1", Via::Till));
        self.world.wait(app.store.close());
        done.unwrap()
    }

    /// The states of the friends, in the order in which they came.
    pub(crate) fn friends(&mut self) -> Vec<String> {
        self.world.texts(
            "SELECT f.state || coalesce(' ' || c.ext_id, '') FROM referrals f
             LEFT JOIN clients c ON c.id = f.friend_id ORDER BY f.redemption_id",
        )
    }

    /// The uses that are taken: code and receipt, in the order of the codes' issue.
    pub(crate) fn uses(&mut self) -> Vec<String> {
        self.world.texts(
            "SELECT r.code || ' ' || r.receipt FROM redemptions r
             JOIN certificates t ON t.code = r.code
             WHERE r.undone_at IS NULL ORDER BY t.episode, r.use_no",
        )
    }

    /// What a person has to look at: code, receipt, reasons.
    pub(crate) fn doubts(&mut self) -> Vec<String> {
        self.world.texts(
            "SELECT receipt || ' ' || because FROM reviews WHERE decision IS NULL ORDER BY id",
        )
    }
}

/// The words for which something was denied.
pub(crate) fn denied(done: &Redeemed) -> Vec<&'static str> {
    match done {
        Redeemed::Denied { because, .. } => because.iter().map(|one| one.word()).collect(),
        other => panic!("not denied: {other:?}"),
    }
}

/// Whether it was redeemed now, without a doubt.
pub(crate) fn is_redeemed(done: &Redeemed) -> bool {
    matches!(done, Redeemed::Now { doubts, .. } if doubts.is_empty())
}
