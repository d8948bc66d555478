//! Whether the sources are fresh enough to plan on.

use crate::model::Day;

/// How old the content of a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceAge {
    /// The name of the source.
    pub name: String,
    /// The day on which its files last changed; absent when it was never read.
    pub changed_on: Option<Day>,
    /// How many days that may be ago; absent when it does not matter.
    pub stale_after: Option<i32>,
}

/// Why nothing may be planned today on these sources; nothing when all are fresh.
pub fn stale(sources: &[SourceAge], today: Day) -> Option<String> {
    let told = sources.iter().filter_map(|source| {
        let most = source.stale_after?;
        let Some(changed) = source.changed_on else {
            return Some(format!("source \"{}\" was never read", source.name));
        };
        let age = today - changed;
        (age > most).then(|| {
            format!(
                "the files of source \"{}\" have not changed for {age} days (stale_after = \"{most}d\"): \
                 has the export stopped?",
                source.name
            )
        })
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_has_not_changed_for_too_long_is_stale() {
        let today = Day::from_epoch(100);
        let source = |changed_on: Option<i32>, stale_after| SourceAge {
            name: "crm".to_owned(),
            changed_on: changed_on.map(Day::from_epoch),
            stale_after,
        };
        for (one, fresh) in [
            (source(Some(97), Some(3)), true),
            (source(Some(96), Some(3)), false),
            (source(Some(1), None), true),
            (source(None, None), true),
            (source(None, Some(3)), false),
        ] {
            assert_eq!(
                stale(std::slice::from_ref(&one), today).is_none(),
                fresh,
                "{one:?}"
            );
        }
    }
}
