//! The daily scan as both benches take its time: who is due, what is known of them, what is decided.

use rekindle::app::App;
use rekindle::config::Campaign;
use rekindle::db::Wanted;
use rekindle::jobs::base as base_facts;
use rekindle::model::{ClientId, RhythmState};
use rekindle::rules::plan::{Frame, Running, decide};

/// A campaign for whoever missed his cycle.
pub(crate) const MISSED: &str = "
    id = \"missed\"\ntitle = \"Missed\"\nstatus = \"live\"\n[trigger]\non = \"missed_cycle\"\n\
    [audience]\npurchases = { at_least = 3 }\n\
    [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"missed-cycle\"\n";

/// How many clients are read together, as the daily job does.
pub(crate) const CHUNK: usize = 1_000;

/// Clients who missed their cycle lately: about as many as wanted, spread over the base.
pub(crate) async fn due(app: &App, wanted: usize) -> Vec<ClientId> {
    let today = app.today();
    let mut days = 1;
    loop {
        let found = app
            .store
            .clients_reaching(RhythmState::Missed, today.plus(-days), today)
            .await
            .expect("the index answers");
        if found.len() >= wanted || days > 400 {
            let step = (found.len() / wanted.max(1)).max(1);
            return found.into_iter().step_by(step).take(wanted).collect();
        }
        days += 1;
    }
}

/// What the daily job does for those who are due: read their facts, decide.
pub(crate) async fn scan(app: &App, due: &[ClientId]) {
    let base = base_facts::of_day(app, app.today(), false)
        .await
        .expect("base facts");
    let campaign: Campaign = toml::from_str(MISSED).expect("the campaign is right");
    let campaigns = [Running {
        campaign: &campaign,
        starts: app.today(),
    }];
    let frame = Frame {
        day: app.today(),
        campaigns: &campaigns,
        base: &base.facts,
        settings: &app.settings,
        staff: rekindle::rules::staff::Staff::nobody(),
    };
    let mut wanted = 0;
    for chunk in due.chunks(CHUNK) {
        let facts = app
            .store
            .facts(chunk, app.today(), Wanted::default(), &app.key)
            .await
            .expect("facts");
        wanted += facts
            .iter()
            .map(|facts| decide(&frame, facts).candidates.len())
            .sum::<usize>();
    }
    assert!(wanted > 0, "nobody is wanted: the bench measures nothing");
}
