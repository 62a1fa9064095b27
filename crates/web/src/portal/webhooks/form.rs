//! The form of an endpoint: address, events, terminal and name.

use crate::desk::form::Posted;
use crate::desk::trouble::Trouble;
use domain::endpoint::Endpoint;
use domain::event_type::{EventPattern, EventType};
use domain::text::WebAddress;
use engine::endpoint::EndpointRefused;

/// What was typed, or what is kept, with what is wrong with it.
#[derive(Default)]
pub(super) struct EndpointForm {
    pub(super) url: String,
    pub(super) description: String,
    /// Empty: all terminals of the mode.
    pub(super) terminal: String,
    pub(super) everything: bool,
    pub(super) groups: Vec<EventGroup>,
    pub(super) errors: Vec<(&'static str, String)>,
}

/// Events of a noun.
pub(super) struct EventGroup {
    pub(super) name: &'static str,
    pub(super) pattern: String,
    pub(super) chosen: bool,
    pub(super) events: Vec<EventChoice>,
}

/// An event that may be ticked.
pub(super) struct EventChoice {
    pub(super) name: &'static str,
    pub(super) sentence: &'static str,
    pub(super) is_sent: bool,
    pub(super) chosen: bool,
}

/// What a form without mistakes says.
pub(super) struct Read {
    pub(super) url: WebAddress,
    pub(super) events: Vec<EventPattern>,
    pub(super) description: String,
}

/// The catalogue, grouped by noun, with these patterns ticked.
fn groups(chosen: &[&str]) -> Vec<EventGroup> {
    let mut groups: Vec<EventGroup> = Vec::new();
    for one in EventType::ALL {
        let name = one.name();
        let noun = name.split_once('.').map_or(name, |(noun, _)| noun);
        let event = EventChoice {
            name,
            sentence: one.sentence(),
            is_sent: one.is_sent(),
            chosen: chosen.contains(&name),
        };
        match groups.last_mut() {
            Some(last) if last.name == noun => last.events.push(event),
            Some(_) | None => {
                let pattern = format!("{noun}.*");
                let is_chosen = chosen.contains(&pattern.as_str());
                groups.push(EventGroup {
                    name: noun,
                    pattern,
                    chosen: is_chosen,
                    events: vec![event],
                });
            }
        }
    }
    groups
}

impl EndpointForm {
    /// A form for a new one.
    pub(super) fn empty() -> Self {
        Self { everything: true, groups: groups(&[]), ..Self::default() }
    }

    /// A form with what is kept.
    pub(super) fn of(endpoint: &Endpoint) -> Self {
        let chosen: Vec<&str> = endpoint.events.iter().map(EventPattern::as_str).collect();
        Self {
            url: endpoint.url.as_str().to_owned(),
            description: endpoint.description.clone(),
            terminal: endpoint.terminal.map(|one| one.to_string()).unwrap_or_default(),
            everything: chosen.contains(&"*"),
            groups: groups(&chosen),
            errors: Vec::new(),
        }
    }

    /// What was typed, and what it says where nothing is wrong.
    pub(super) fn read(posted: &Posted) -> (Self, Option<Read>) {
        let chosen: Vec<&str> = posted.all("events").collect();
        let mut form = Self {
            url: posted.text("url"),
            description: posted.text("description"),
            terminal: posted.text("terminal"),
            everything: chosen.contains(&"*"),
            groups: groups(&chosen),
            errors: Vec::new(),
        };
        let url = WebAddress::parse(&form.url).map_err(|error| form.refuse("url", &error));
        let description = domain::text::description(&form.description)
            .map_err(|error| form.refuse("description", &error));
        let events = form.patterns(&chosen);
        let read = match (url, description, events) {
            (Ok(url), Ok(description), Some(events)) => Some(Read { url, events, description }),
            _mistakes => None,
        };
        (form, read)
    }

    /// What is ticked, without what is among something larger.
    fn patterns(&mut self, chosen: &[&str]) -> Option<Vec<EventPattern>> {
        if self.everything {
            return Some(vec![EventPattern::everything()]);
        }
        let mut patterns: Vec<EventPattern> = Vec::new();
        for text in chosen {
            match EventPattern::parse(text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => {
                    self.refuse("events", &error);
                    return None;
                }
            }
        }
        let groups: Vec<String> = patterns
            .iter()
            .filter_map(|one| one.as_str().strip_suffix('*'))
            .map(str::to_owned)
            .collect();
        patterns.retain(|one| {
            let text = one.as_str();
            text.ends_with('*') || !groups.iter().any(|group| text.starts_with(group.as_str()))
        });
        patterns.dedup();
        if patterns.is_empty() {
            self.refuse("events", &"tick at least one event");
            return None;
        }
        Some(patterns)
    }

    fn refuse(&mut self, field: &'static str, why: &impl std::fmt::Display) {
        self.errors.push((field, why.to_string()));
    }

    /// Why the engine did not take it, beside its field; what is no mistake goes on.
    pub(super) fn refused(&mut self, why: EndpointRefused) -> Result<(), Trouble> {
        match why {
            EndpointRefused::Unknown => return Err(Trouble::NotFound),
            EndpointRefused::Fault(fault) => return Err(fault.into()),
            EndpointRefused::UnknownOwner => {
                self.refuse("terminal", &"choose one of your terminals of this mode");
            }
            EndpointRefused::NotHttps => self.refuse("url", &"must be https for live events"),
            EndpointRefused::NoEvents => self.refuse("events", &"tick at least one event"),
            EndpointRefused::TooMany => {
                self.refuse("url", &"a merchant may have 50 endpoints: remove one first");
            }
        }
        Ok(())
    }

    /// A mistake that was found elsewhere, as a wrong password; all else goes on.
    pub(super) fn troubled(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Field(field, text) => {
                self.errors.push((field, text));
                Ok(())
            }
            other @ (Trouble::NotFound
            | Trouble::Forbidden
            | Trouble::Refused(..)
            | Trouble::Fault(_)) => Err(other),
        }
    }

    pub(super) fn wrong_terminal(&mut self) {
        self.refuse("terminal", &"choose one of your terminals of this mode");
    }

    /// What is wrong with a field.
    pub(super) fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }

    pub(super) fn is_right(&self) -> bool {
        self.errors.is_empty()
    }
}
