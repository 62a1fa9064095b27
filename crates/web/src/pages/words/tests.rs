//! Every language says the same, and says it in its own words.

use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that may stand in another language as they do in English: names and bare patterns.
const SAME_AS_ENGLISH: &[(&str, &str)] = &[
    ("title", "*"),
    ("transaction", "fr"),
    ("sandbox-state", "id"),
    ("bank", "de"),
    ("bank", "id"),
    ("wallet", "de"),
];

/// The names of the variables in a text.
fn variables(text: &str) -> BTreeSet<&str> {
    text.split('$').skip(1).map(|rest| rest.split([' ', '}']).next().unwrap()).collect()
}

/// Keys and texts, as they are written.
fn entries(language: Language) -> BTreeMap<&'static str, String> {
    let mut entries: BTreeMap<&str, String> = BTreeMap::new();
    let mut last = "";
    for line in source(language).lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(" = ") {
            Some((key, text)) if !line.starts_with(' ') => {
                last = key;
                let before = entries.insert(key, text.to_owned());
                assert_eq!(before, None, "{key} stands twice in {language:?}");
            }
            _ => {
                if let Some(entry) = entries.get_mut(last) {
                    entry.push('\n');
                    entry.push_str(line);
                }
            }
        }
    }
    entries
}

#[test]
fn every_language_has_the_same_messages_with_the_same_variables() {
    let english = entries(Language::English);
    assert!(english.len() > 150);
    for language in Language::ALL {
        FluentResource::try_new(source(language).to_owned())
            .unwrap_or_else(|(_, errors)| panic!("{language:?}: {errors:?}"));
        let entries = entries(language);
        let keys = |entries: &BTreeMap<&str, String>| -> BTreeSet<String> {
            entries.keys().map(ToString::to_string).collect()
        };
        assert_eq!(keys(&entries), keys(&english), "{language:?}");
        for (key, text) in &entries {
            assert_eq!(variables(text), variables(&english[key]), "{key} in {language:?}");
            assert!(!text.trim().is_empty(), "{key} in {language:?}");
        }
    }
}

#[test]
fn nothing_is_left_in_english_by_mistake() {
    let english = entries(Language::English);
    for language in Language::ALL.into_iter().filter(|it| *it != Language::English) {
        for (key, text) in entries(language) {
            let may = |(one, code): &(&str, &str)| {
                *one == key && (*code == "*" || *code == language.code())
            };
            let same = text.trim() == english[key].trim();
            assert_eq!(same, SAME_AS_ENGLISH.iter().any(may), "{key} in {language:?}: {text}");
        }
    }
}

#[test]
fn every_message_is_used_and_every_used_message_is_there() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let mut sources = String::new();
    for part in ["src/pages", "templates"] {
        let mut folders = vec![std::path::PathBuf::from(format!("{folder}{part}"))];
        while let Some(inner) = folders.pop() {
            for entry in std::fs::read_dir(inner).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("words/tests.rs") {
                    sources.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
    }
    // Messages that are named by what they tell of.
    let composed = ["reason-", "sandbox-state-"];
    let endings = ["-heading", "-text", "-advice"];
    for key in entries(Language::English).keys() {
        let named = |name: &str| sources.contains(&format!("\"{name}\""));
        let stem = endings.iter().find_map(|ending| key.strip_suffix(ending));
        let used = named(key)
            || stem.is_some_and(|stem| named(stem) || named(stem.trim_start_matches("sandbox-")))
            || key.ends_with("-search")
            || composed.iter().any(|start| key.starts_with(start));
        assert!(used, "nothing uses {key}");
    }
}

#[test]
fn plurals_are_those_of_the_language() {
    for (language, number, text) in [
        (Language::English, 1, "1 try left"),
        (Language::English, 2, "2 tries left"),
        (Language::Russian, 1, "Осталась 1 попытка"),
        (Language::Russian, 2, "Осталось 2 попытки"),
        (Language::Russian, 5, "Осталось 5 попыток"),
        (Language::Russian, 11, "Осталось 11 попыток"),
        (Language::Russian, 21, "Осталась 21 попытка"),
        (Language::Arabic, 0, "لم تبقَ أي محاولة"),
        (Language::Arabic, 1, "بقيت محاولة واحدة"),
        (Language::Arabic, 2, "بقيت محاولتان"),
        (Language::Arabic, 3, "بقيت 3 محاولات"),
        (Language::Arabic, 11, "بقيت 11 محاولة"),
        (Language::Arabic, 10, "بقيت 10 محاولات"),
        (Language::Chinese, 1, "还可尝试 1 次"),
        (Language::French, 0, "Encore 0 essai"),
        (Language::German, 1, "Noch 1 Versuch"),
    ] {
        let values = [("number", Value::Number(number))];
        assert_eq!(Words::new(language).plain("tries-left", &values), text);
    }
}

#[test]
fn what_is_filled_in_is_text_and_stays_in_one_piece() {
    let words = Words::new(Language::Arabic);
    let merchant = "<b>\u{2068}A&B\u{2069} \"Ltd\"";
    let values = [("merchant", Value::Text(merchant))];
    assert_eq!(
        words.html("return-to", &values).to_string(),
        "العودة إلى <bdi>&#60;b&#62;A&#38;B &#34;Ltd&#34;</bdi>"
    );
    assert_eq!(words.plain("return-to", &values), "العودة إلى <b>A&B \"Ltd\"");
    let sent = [("bank", Value::Text("B")), ("address", Value::Text("•••• ••12"))];
    let sent = words.html("code-sent", &sent).to_string();
    assert!(sent.contains("<bdi dir=\"ltr\">•••• ••12</bdi>"), "{sent}");
    let number = [("number", Value::Number(3))];
    assert_eq!(words.html("tries-left", &number).to_string(), "بقيت 3 محاولات");
}

#[test]
fn the_time_left_is_told_in_seconds_and_minutes() {
    let words = Words::new(Language::English);
    for (seconds, text) in [
        (0, "Finish within one second, by <bdi>14:31 UTC</bdi>"),
        (99, "Finish within 99 seconds, by <bdi>14:31 UTC</bdi>"),
        (100, "Finish within 2 minutes, by <bdi>14:31 UTC</bdi>"),
        (841, "Finish within 15 minutes, by <bdi>14:31 UTC</bdi>"),
    ] {
        assert_eq!(words.finish_by(seconds, "14:31 UTC").to_string(), text);
    }
}

#[test]
fn reasons_have_words_and_unknown_ones_the_general_ones() {
    let words = Words::new(Language::German);
    for (reason, text) in [
        (DeclineReason::Refused, "Von der Bank abgelehnt"),
        (DeclineReason::InsufficientFunds, "Von der Bank abgelehnt: keine ausreichende Deckung"),
    ] {
        assert_eq!(words.reason(reason), text);
    }
    assert_eq!(words.reason_by_name("lost_card"), words.text("reason-lost-card"));
    assert_eq!(words.reason_by_name("never_heard_of"), "Von der Bank abgelehnt");
    assert_ne!(words.reason(DeclineReason::AuthenticationFailed), "Von der Bank abgelehnt");
}
