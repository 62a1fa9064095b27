//! The schema's versions, the same numbers and names in every dialect.
//!
//! A migration says from which version on a program can work with its result. One that only adds
//! leaves older programs running, so that nodes are upgraded one at a time.

/// A step from one schema version to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// The version it leads to.
    pub(crate) number: i64,
    /// What it is about.
    pub(crate) name: &'static str,
    /// Programs that know this version or a newer one can work with the result.
    pub(crate) compatible_from: i64,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// All of them, in order.
pub(crate) const MIGRATIONS: [Migration; 8] = [
    Migration {
        number: 1,
        name: "init",
        compatible_from: 1,
        sqlite: include_str!("../migrations/0001_init/sqlite.sql"),
        postgres: include_str!("../migrations/0001_init/postgres.sql"),
    },
    Migration {
        number: 2,
        name: "money",
        compatible_from: 2,
        sqlite: include_str!("../migrations/0002_money/sqlite.sql"),
        postgres: include_str!("../migrations/0002_money/postgres.sql"),
    },
    Migration {
        number: 3,
        name: "orders",
        compatible_from: 3,
        sqlite: include_str!("../migrations/0003_orders/sqlite.sql"),
        postgres: include_str!("../migrations/0003_orders/postgres.sql"),
    },
    Migration {
        number: 4,
        name: "webhooks",
        compatible_from: 4,
        sqlite: include_str!("../migrations/0004_webhooks/sqlite.sql"),
        postgres: include_str!("../migrations/0004_webhooks/postgres.sql"),
    },
    Migration {
        number: 5,
        name: "bank_messages",
        compatible_from: 4,
        sqlite: include_str!("../migrations/0005_bank_messages/sqlite.sql"),
        postgres: include_str!("../migrations/0005_bank_messages/postgres.sql"),
    },
    Migration {
        number: 6,
        name: "growth",
        compatible_from: 6,
        sqlite: include_str!("../migrations/0006_growth/sqlite.sql"),
        postgres: include_str!("../migrations/0006_growth/postgres.sql"),
    },
    Migration {
        number: 7,
        name: "archives",
        compatible_from: 7,
        sqlite: include_str!("../migrations/0007_archives/sqlite.sql"),
        postgres: include_str!("../migrations/0007_archives/postgres.sql"),
    },
    Migration {
        number: 8,
        name: "desks",
        // An older program would seal audit lines without whose they are, and verify those wrongly.
        compatible_from: 8,
        sqlite: include_str!("../migrations/0008_desks/sqlite.sql"),
        postgres: include_str!("../migrations/0008_desks/postgres.sql"),
    },
];

/// The newest version that this program knows.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

/// The migrations that lead on from this version.
pub(crate) fn after(version: i64) -> impl Iterator<Item = &'static Migration> {
    MIGRATIONS.iter().filter(move |migration| migration.number > version)
}

/// A step that is still to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The version it leads to.
    pub version: i64,
    /// What it is about.
    pub name: &'static str,
}

/// Where a database stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its schema's version; 0 when it has none.
    pub found: i64,
    /// The oldest program, by the schema version it knows, that can work with it.
    pub compatible_from: i64,
}

impl Version {
    /// The version this program knows.
    pub fn known() -> i64 {
        newest()
    }

    /// Whether this program can work with the database, after migrating it perhaps.
    pub fn is_usable(self) -> bool {
        self.found <= newest() || self.compatible_from <= newest()
    }

    /// The steps from here to the version this program knows.
    pub fn pending(self) -> Vec<Pending> {
        let step = |one: &Migration| Pending { version: one.number, name: one.name };
        after(self.found).map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps_and_promise_nothing_of_the_future() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.number, number);
            assert!(migration.compatible_from <= number, "{}", migration.name);
        }
    }

    #[test]
    fn a_newer_schema_is_usable_when_it_says_so() {
        let next = newest() + 1;
        assert!(Version { found: next, compatible_from: newest() }.is_usable());
        assert!(!Version { found: next, compatible_from: next }.is_usable());
        assert!(Version { found: 0, compatible_from: 0 }.is_usable());
    }
}
