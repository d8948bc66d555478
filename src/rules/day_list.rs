//! A manager's list for the day: what is on it, in which order, and what waits.

use crate::config::settings::TaskSettings;
use crate::model::Day;

/// A task that wants a place on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The task.
    pub task: i64,
    /// Minor units at stake.
    pub value: i64,
    /// The day since which it waits.
    pub since: Day,
    /// Whether it exists on paper only: it takes a slot of the day and is not shown.
    pub held_out: bool,
    /// Whether the client has answered and waits for us: such a task stands before all others.
    pub answered: bool,
    /// Whether the client is ready to buy: such a task comes next, and today, whatever the capacity.
    pub urgent: bool,
}

/// Ranks the tasks of one manager and keeps to his capacity.
///
/// Value at risk decides, and waiting counts: a task gains its own value anew with each week, so
/// that a small client is not forgotten behind a stream of large ones. What comes back is ordered;
/// the place, from 1, is `None` for what waits for another day and for what is held out.
pub fn rank(mut tasks: Vec<Waiting>, capacity: u16, day: Day) -> Vec<(Waiting, Option<u32>)> {
    tasks.sort_by(|a, b| {
        let (of_a, of_b) = (urgency(a, day), urgency(b, day));
        b.answered
            .cmp(&a.answered)
            .then(b.urgent.cmp(&a.urgent))
            .then(of_b.total_cmp(&of_a))
            .then(a.since.cmp(&b.since))
            .then(a.task.cmp(&b.task))
    });
    let mut place = 0;
    let ranked = tasks.into_iter().enumerate().map(|(slot, task)| {
        let fits = slot < usize::from(capacity) || task.urgent;
        let shown = fits && !task.held_out;
        place += u32::from(shown);
        (task, shown.then_some(place))
    });
    ranked.collect()
}

/// The day on which a task leaves the list that has waited since `waits_since` without anybody
/// recording an outcome: what nobody asked about for so long is no longer true.
pub fn expires_on(waits_since: Day, settings: &TaskSettings) -> Day {
    waits_since.plus(settings.expires.count())
}

fn urgency(waiting: &Waiting, day: Day) -> f64 {
    let weeks = f64::from(day.days_since(waiting.since).max(0)) / 7.0;
    waiting.value.max(1) as f64 * (1.0 + weeks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(task: i64, value: i64, since: i32) -> Waiting {
        Waiting {
            task,
            value,
            since: Day::from_epoch(since),
            held_out: false,
            answered: false,
            urgent: false,
        }
    }

    fn order(tasks: &[Waiting], capacity: u16, day: i32) -> Vec<(i64, Option<u32>)> {
        let ranked = rank(tasks.to_vec(), capacity, Day::from_epoch(day));
        ranked
            .into_iter()
            .map(|(waiting, place)| (waiting.task, place))
            .collect()
    }

    #[test]
    fn the_most_valuable_come_first_and_the_rest_wait() {
        let tasks = [
            waiting(1, 100, 10),
            waiting(2, 300, 10),
            waiting(3, 200, 10),
        ];
        assert_eq!(
            order(&tasks, 2, 10),
            [(2, Some(1)), (3, Some(2)), (1, None)]
        );
        assert_eq!(order(&tasks, 0, 10), [(2, None), (3, None), (1, None)]);
    }

    #[test]
    fn a_held_out_task_takes_a_slot_and_no_place() {
        let held_out = Waiting {
            held_out: true,
            ..waiting(2, 300, 10)
        };
        let tasks = [waiting(1, 100, 10), held_out, waiting(3, 200, 10)];
        assert_eq!(order(&tasks, 2, 10), [(2, None), (3, Some(1)), (1, None)]);
    }

    #[test]
    fn who_has_answered_stands_before_all_others() {
        let answered = Waiting {
            answered: true,
            ..waiting(1, 0, 10)
        };
        let tasks = [waiting(2, 300, 0), answered];
        assert_eq!(order(&tasks, 1, 10), [(1, Some(1)), (2, None)]);
    }

    #[test]
    fn who_is_ready_to_buy_is_called_today_whatever_the_capacity() {
        let ready = |task| Waiting {
            urgent: true,
            ..waiting(task, 1, 0)
        };
        let tasks = [waiting(1, 300, 0), ready(2), ready(3)];
        let placed = order(&tasks, 1, 0);
        assert_eq!(placed, [(2, Some(1)), (3, Some(2)), (1, None)]);
    }

    #[test]
    fn a_small_client_is_not_forgotten_behind_a_stream_of_large_ones() {
        let small = waiting(1, 100, 0);
        let large = |day| waiting(2, 300, day);
        assert_eq!(order(&[small, large(7)], 1, 7)[0].0, 2);
        assert_eq!(order(&[small, large(28)], 1, 28)[0].0, 1);
    }
}
