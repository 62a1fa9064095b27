//! The keys there are, and the nearest one to a word that is none.

/// What kind of value a key takes in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// An array of strings.
    List,
}

/// A key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name, with its section.
    pub(crate) name: &'static str,
    /// What it takes in the file.
    pub(crate) kind: Kind,
    /// The right form, as it follows "must be".
    pub(crate) form: &'static str,
    /// What holds when nobody says anything; empty for nothing.
    pub(crate) default: &'static str,
}

impl Key {
    /// Its environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("TOLLGATE_{}", self.name.replace('.', "_").to_uppercase())
    }
}

const fn key(name: &'static str, kind: Kind, form: &'static str, default: &'static str) -> Key {
    Key { name, kind, form, default }
}

/// All keys, in the order people read them.
pub(crate) const KEYS: [Key; 27] = [
    key("listen", Kind::Text, "an address with a port, as 127.0.0.1:9003", "127.0.0.1:9003"),
    key("data_dir", Kind::Text, "a folder, as ./tollgate-data", "./tollgate-data"),
    key(
        "public_url",
        Kind::Text,
        "an http or https URL without user, query or fragment, as https://pay.example.com",
        "",
    ),
    key(
        "database",
        Kind::Text,
        "sqlite (the database in the data folder), or a PostgreSQL address as \
         postgres://user:password@host:5432/database",
        "sqlite",
    ),
    key("role", Kind::Text, "all, api or worker", "all"),
    key(
        "sandbox_bank",
        Kind::Text,
        "the http address of a sandbox bank on this machine, as http://127.0.0.1:9010",
        "",
    ),
    key(
        "sandbox_bank_notice_secret",
        Kind::Text,
        "whsec_ and the base64 of 24 to 64 bytes, as: echo whsec_$(openssl rand -base64 32)",
        "",
    ),
    key("demo_data", Kind::Switch, "true or false", "true"),
    key(
        "trusted_proxies",
        Kind::List,
        "a list of addresses or networks, as 10.0.0.0/8 or 127.0.0.1",
        "",
    ),
    key("postgres.connections", Kind::Number, "a whole number from 1 to 1000", "8"),
    key("postgres.connect_timeout_seconds", Kind::Number, "a whole number from 1 to 60", "2"),
    key("postgres.statement_timeout_seconds", Kind::Number, "a whole number from 1 to 60", "5"),
    key("webhooks.allow_private", Kind::Switch, "true or false", "false"),
    key(
        "webhooks.allow",
        Kind::List,
        "a list of hosts, addresses or networks, with or without a port, as hooks.shop.example, \
         *.shop.example:8443, 10.1.2.0/24 or [fd00::1]:8443, and none that is never dialled, as \
         link-local ones",
        "",
    ),
    key(
        "webhooks.deny",
        Kind::List,
        "a list of hosts, addresses or networks, with or without a port, as shop.example, \
         *.shop.example, 198.51.100.0/24 or 0.0.0.0/0:5432",
        "",
    ),
    key("webhooks.client_certificate", Kind::Text, "a file of PEM certificates", ""),
    key("webhooks.client_key", Kind::Text, "a file with a PEM private key", ""),
    key("webhooks.timeout_seconds", Kind::Number, "a whole number from 1 to 30", "5"),
    key(
        "mail.smtp_url",
        Kind::Text,
        "smtps://user:password@host:465 or smtp://user:password@host:587?tls=required (without a \
         password also ?tls=opportunistic or ?tls=none), where characters of user and password other \
         than letters, digits and -._~ are percent-encoded",
        "",
    ),
    key(
        "mail.from",
        Kind::Text,
        "a mail address, as pay@shop.example or Shop <pay@shop.example>",
        "",
    ),
    key("mail.folder", Kind::Text, "a folder, as ./tollgate-data/mail", ""),
    key("tls.certificate", Kind::Text, "a file of PEM certificates", ""),
    key("tls.private_key", Kind::Text, "a file with a PEM private key", ""),
    key("log.format", Kind::Text, "text or json", "text"),
    key("log.level", Kind::Text, "error, warn, info, debug or trace", "info"),
    key("limits.connections", Kind::Number, "a whole number from 1 to 1000000", "4096"),
    key("limits.in_flight", Kind::Number, "a whole number from 1 to 1000000", "2048"),
];

/// The key of this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The candidate that somebody who wrote `word` most likely meant, if one is near.
pub(crate) fn nearest(word: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let word = word.to_lowercase();
    candidates
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            // The right key in the wrong section is near whatever the section's name.
            let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
            let steps = distance(&word, &lower).min(distance(&last(&word), &last(&lower)) + 1);
            (steps, candidate)
        })
        .filter(|(steps, candidate)| *steps <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// How many characters must be put in, taken out, replaced or swapped with their neighbour to get
/// from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let replaced = at(&row, j).saturating_add(usize::from(a != b));
            let removed = at(&row, j + 1).saturating_add(1);
            let added = at(&next, j).saturating_add(1);
            let swapped = match (i.checked_sub(1), j.checked_sub(1)) {
                (Some(h), Some(k)) if from.get(h) == Some(b) && to.get(k) == Some(a) => {
                    at(&before, k).saturating_add(1)
                }
                _ => usize::MAX,
            };
            next.push(replaced.min(removed).min(added).min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_one_step() {
        for (from, to, steps) in [
            ("listen", "listen", 0),
            ("lisen", "listen", 1),
            ("lsiten", "listen", 1),
            ("listten", "listen", 1),
            ("lisden", "listen", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), steps, "{from} {to}");
            assert_eq!(distance(to, from), steps, "{to} {from}");
        }
    }

    #[test]
    fn the_nearest_key_is_found_or_none() {
        let near = |word: &str| nearest(word, KEYS.iter().map(|key| key.name.to_owned()));
        assert_eq!(near("lisen").as_deref(), Some("listen"));
        assert_eq!(near("data-dir").as_deref(), Some("data_dir"));
        assert_eq!(near("webhook.allow_private").as_deref(), Some("webhooks.allow_private"));
        assert_eq!(near("allow_private").as_deref(), Some("webhooks.allow_private"));
        assert_eq!(near("banana"), None);
    }

    #[test]
    fn every_default_has_the_right_form() {
        assert_eq!(find("listen").unwrap().variable(), "TOLLGATE_LISTEN");
        assert_eq!(find("tls.private_key").unwrap().variable(), "TOLLGATE_TLS_PRIVATE_KEY");
    }
}
