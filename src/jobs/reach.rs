//! How many clients each channel can lawfully reach: shown by every plan, because it is the first
//! answer to "why so few?".

use crate::app::App;
use crate::db::StoreError;
use crate::model::{Channel, Class, ClientFacts, ClientId, Day};
use crate::rules::plan::{Reach, reachable};

/// How many clients are read at once.
const CHUNK: u32 = 5_000;

/// Counts, for each channel and class, the clients whom the gates would let pass.
pub(super) async fn count(app: &App, day: Day) -> Result<Vec<Reach>, StoreError> {
    let kinds: Vec<(Channel, Class)> = Channel::ALL
        .iter()
        .flat_map(|channel| Class::ALL.iter().map(|class| (*channel, *class)))
        .collect();
    let mut counts = vec![0_u64; kinds.len()];
    let (mut after, mut of) = (ClientId(0), 0);
    loop {
        let chunk = app.store.clients_known_after(after, CHUNK, day).await?;
        let Some(last) = chunk.last() else { break };
        after = *last;
        of += chunk.len() as u64;
        let facts = app.store.reach_facts(&chunk, day, &app.key).await?;
        for facts in &facts {
            count_one(app, facts, &kinds, &mut counts);
        }
    }
    let reach = kinds
        .into_iter()
        .zip(counts)
        .map(|((channel, class), clients)| Reach {
            channel,
            class,
            clients,
            of,
        });
    Ok(reach.collect())
}

fn count_one(app: &App, facts: &ClientFacts, kinds: &[(Channel, Class)], counts: &mut [u64]) {
    for (count, (channel, class)) in counts.iter_mut().zip(kinds) {
        if reachable(facts, &app.settings, *channel, *class).is_ok() {
            *count += 1;
        }
    }
}
