//! The TOML file, as words with the lines they stand on.

use super::keys::{self, KEYS, Kind};
use super::{Given, Layers, Origin};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Puts what the file says into the layers, and what is wrong with it into the problems.
pub(super) fn read(name: &str, text: &str, layers: &mut Layers, problems: &mut Vec<String>) {
    let reader = Reader { name, text };
    match DeTable::parse(text) {
        Ok(table) => reader.table("", table.get_ref(), layers, problems),
        Err(error) => {
            let place =
                error.span().map_or_else(|| name.to_owned(), |span| reader.place(span.start));
            problems.push(format!("{place}: {}", error.message()));
        }
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
    }

    fn place(&self, offset: usize) -> String {
        format!("{} line {}", self.name, self.line(offset))
    }

    fn table(
        &self,
        section: &str,
        table: &DeTable<'_>,
        layers: &mut Layers,
        problems: &mut Vec<String>,
    ) {
        for (name, value) in table {
            let start = name.span().start;
            let full = if section.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{section}.{}", name.get_ref())
            };
            if let (DeValue::Table(inner), true) = (value.get_ref(), is_section(&full)) {
                self.table(&full, inner, layers, problems);
                continue;
            }
            let Some(key) = keys::find(&full) else {
                problems.push(format!("{}: {}", self.place(start), unknown(&full)));
                continue;
            };
            match words(key.kind, value) {
                Some(words) => {
                    let origin =
                        Origin::File { name: self.name.to_owned(), line: self.line(start) };
                    layers.put(key.name, Given { words, origin });
                }
                None => problems.push(format!(
                    "{}: {} must be {}, not {}",
                    self.place(start),
                    key.name,
                    key.form,
                    found(value.get_ref())
                )),
            }
        }
    }
}

fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.split_once('.').is_some_and(|(section, _)| section == name))
}

fn unknown(name: &str) -> String {
    let sections = KEYS.iter().filter_map(|key| key.name.split_once('.'));
    let candidates = KEYS
        .iter()
        .map(|key| key.name.to_owned())
        .chain(sections.map(|(section, _)| section.to_owned()));
    match keys::nearest(name, candidates) {
        Some(near) if is_section(&near) => {
            format!("there is no key {name:?}; did you mean the section [{near}]?")
        }
        Some(near) => format!("there is no key {name:?}; did you mean {near:?}?"),
        None => {
            let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
            format!("there is no key {name:?}; there are {}", names.join(", "))
        }
    }
}

/// The value's words when it is of the right kind.
fn words(kind: Kind, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let value = value.get_ref();
    match kind {
        Kind::Text => Some(vec![value.as_str()?.to_owned()]),
        Kind::Number => {
            let number = value.as_integer()?;
            (number.radix() == 10).then(|| vec![number.as_str().replace('_', "")])
        }
        Kind::Switch => Some(vec![value.as_bool()?.to_string()]),
        Kind::List => {
            let entries = value.as_array()?;
            entries.iter().map(|entry| Some(entry.get_ref().as_str()?.to_owned())).collect()
        }
    }
}

fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}
