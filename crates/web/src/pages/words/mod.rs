//! The texts of the customer pages, in every language: `messages/<code>.ftl`, in the syntax of
//! Project Fluent, which knows each language's plurals. Nothing that a customer reads is written
//! anywhere else but in the bank's own sentences.

use super::language::Language;
use domain::outcome::DeclineReason;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::fmt;
use std::sync::LazyLock;

/// Fluent puts what was filled in between these, so that "Demo Shop" stays in one piece inside an
/// Arabic sentence. In HTML they become `<bdi>`.
const ISOLATE: char = '\u{2068}';
const POP_ISOLATE: char = '\u{2069}';

type Messages = FluentBundle<FluentResource>;

/// The message files, embedded.
const fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../../messages/en.ftl"),
        Language::Hindi => include_str!("../../../messages/hi.ftl"),
        Language::Spanish => include_str!("../../../messages/es.ftl"),
        Language::French => include_str!("../../../messages/fr.ftl"),
        Language::German => include_str!("../../../messages/de.ftl"),
        Language::Portuguese => include_str!("../../../messages/pt.ftl"),
        Language::Arabic => include_str!("../../../messages/ar.ftl"),
        Language::Russian => include_str!("../../../messages/ru.ftl"),
        Language::Indonesian => include_str!("../../../messages/id.ftl"),
        Language::Chinese => include_str!("../../../messages/zh.ftl"),
    }
}

static MESSAGES: LazyLock<Vec<(Language, Messages)>> = LazyLock::new(|| {
    Language::ALL.into_iter().map(|language| (language, messages(language))).collect()
});

fn messages(language: Language) -> Messages {
    let locale = language.code().parse().unwrap_or_default();
    let mut messages = Messages::new_concurrent(vec![locale]);
    // A file with a mistake in it still has its other messages. The tests refuse any.
    let resource = match FluentResource::try_new(source(language).to_owned()) {
        Ok(resource) => resource,
        Err((resource, errors)) => {
            tracing::error!(?errors, language = language.code(), "messages do not parse");
            resource
        }
    };
    if let Err(errors) = messages.add_resource(resource) {
        tracing::error!(?errors, language = language.code(), "messages stand twice");
    }
    messages
}

/// HTML that is safe as it is: text escaped, what was filled in isolated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Markup(String);

impl Markup {
    /// HTML of our own making, as a QR code.
    pub(super) const fn trusted(html: String) -> Self {
        Self(html)
    }

    /// Text with isolates.
    fn of(text: &str) -> Self {
        let mut html = String::with_capacity(text.len().saturating_mul(2));
        for part in text.split(ISOLATE) {
            let Some((filled_in, after)) = part.split_once(POP_ISOLATE) else {
                push_escaped(&mut html, part);
                continue;
            };
            // A number needs no isolation; what has no letter has no direction of its own.
            let (open, close) = if filled_in.bytes().all(|byte| byte.is_ascii_digit()) {
                ("", "")
            } else if filled_in.chars().any(char::is_alphabetic) {
                ("<bdi>", "</bdi>")
            } else {
                ("<bdi dir=\"ltr\">", "</bdi>")
            };
            html.push_str(open);
            push_escaped(&mut html, filled_in);
            html.push_str(close);
            push_escaped(&mut html, after);
        }
        Self(html)
    }
}

fn push_escaped(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&#38;"),
            '<' => html.push_str("&#60;"),
            '>' => html.push_str("&#62;"),
            '"' => html.push_str("&#34;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

/// What is filled into a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// Decides the plural.
    Number(u64),
}

/// The texts in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    language: Language,
}

impl Words {
    /// The texts in this language.
    pub(super) const fn new(language: Language) -> Self {
        Self { language }
    }

    /// Which language it is.
    pub(super) const fn language(self) -> Language {
        self.language
    }

    /// The message with isolates. Where a language lacks it (a test sees to it that none does),
    /// English has it.
    fn isolated(self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        let arguments: FluentArgs<'_> = values
            .iter()
            .map(|(name, value)| match value {
                Value::Text(text) => {
                    let text = text.replace([ISOLATE, POP_ISOLATE], "");
                    (*name, FluentValue::from(text))
                }
                Value::Number(number) => (*name, FluentValue::from(*number)),
            })
            .collect();
        for language in [self.language, Language::English] {
            let messages = MESSAGES.iter().find(|(one, _messages)| *one == language);
            let Some((_language, messages)) = messages else { continue };
            let pattern = messages.get_message(key).and_then(|message| message.value());
            let Some(pattern) = pattern else { continue };
            let mut errors = Vec::new();
            let text = messages.format_pattern(pattern, Some(&arguments), &mut errors);
            if errors.is_empty() {
                return text.into_owned();
            }
            tracing::error!(?errors, key, language = language.code(), "a message lacks a value");
            debug_assert!(false, "{key} in {language:?}: {errors:?}");
        }
        debug_assert!(false, "there is no message {key}");
        key.to_owned()
    }

    /// A message as plain text, for titles, attributes and buttons.
    pub(super) fn plain(self, key: &str, values: &[(&'static str, Value<'_>)]) -> String {
        self.isolated(key, values).replace([ISOLATE, POP_ISOLATE], "")
    }

    /// A message as HTML.
    pub(super) fn html(self, key: &str, values: &[(&'static str, Value<'_>)]) -> Markup {
        Markup::of(&self.isolated(key, values))
    }

    /// A message with nothing to fill in.
    pub(super) fn text(self, key: &str) -> String {
        self.plain(key, &[])
    }

    /// Why a payment was declined. A reason without words of its own is told as "declined".
    pub(super) fn reason(self, reason: DeclineReason) -> String {
        // The name that it is stored by is the key: a new reason needs only its messages.
        let name = serde_json::to_value(reason).ok();
        let name = name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
        self.reason_by_name(name)
    }

    pub(super) fn reason_by_name(self, name: &str) -> String {
        let key = format!("reason-{}", name.replace('_', "-"));
        let english = MESSAGES.first();
        let known = english.is_some_and(|(_language, messages)| messages.has_message(&key));
        self.text(if known { &key } else { "reason-refused" })
    }

    /// The time left in words that stay true while the page stands still: with the hour at which
    /// it is over.
    pub(super) fn finish_by(self, seconds: u64, until: &str) -> Markup {
        let (key, number) = match seconds {
            0..=99 => ("finish-in-seconds", seconds.max(1)),
            _ => ("finish-in-minutes", seconds.div_ceil(60)),
        };
        self.html(key, &[("number", Value::Number(number)), ("until", Value::Text(until))])
    }

    /// A page's title.
    pub(super) fn title(self, heading: &str, merchant: &str) -> String {
        let values = [("heading", Value::Text(heading)), ("merchant", Value::Text(merchant))];
        self.plain("title", &values)
    }
}

#[cfg(test)]
mod tests;
