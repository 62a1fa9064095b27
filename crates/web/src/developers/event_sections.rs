//! The catalogue of event types as its page shows it: types with the same fields together.

use super::answers::Field;
use crate::event_catalogue;
use domain::event_type::EventType;

/// Types whose `data` has the same fields.
pub(super) struct Section {
    /// Its fragment in the page's address.
    pub(super) id: String,
    /// Its types in words.
    pub(super) title: String,
    /// What the table of fields is called.
    pub(super) caption: String,
    /// The fields of `data`.
    pub(super) fields: Vec<Field>,
    /// What the sample is called.
    pub(super) sample_of: String,
    /// The body of the first type's message.
    pub(super) sample: String,
}

/// All types in the catalogue's order.
pub(super) fn sections() -> Vec<Section> {
    groups().iter().filter_map(|types| section(types)).collect()
}

/// Types of one noun with the same fields, together.
pub(super) fn groups() -> Vec<Vec<EventType>> {
    let mut together: Vec<Vec<EventType>> = Vec::new();
    for event_type in EventType::ALL {
        match together.last_mut() {
            Some(types) if types.first().is_some_and(|one| are_alike(*one, event_type)) => {
                types.push(event_type);
            }
            Some(_) | None => together.push(vec![event_type]),
        }
    }
    together
}

/// Of one noun, with the same fields.
fn are_alike(one: EventType, other: EventType) -> bool {
    let names = |event_type| {
        let entry = event_catalogue::entry(event_type);
        entry.fields().map(|field| field.name).collect::<Vec<_>>()
    };
    noun(one) == noun(other) && names(one) == names(other)
}

fn noun(event_type: EventType) -> &'static str {
    event_type.name().split('.').next().unwrap_or_default()
}

/// A group in words.
pub(super) fn title(types: &[EventType]) -> String {
    let of_noun = |one: &EventType| types.first().is_some_and(|first| noun(*one) == noun(*first));
    if types.len() > 1 && EventType::ALL.iter().filter(|one| of_noun(one)).count() == types.len() {
        return format!("{}.*", types.first().copied().map_or("", noun));
    }
    let names: Vec<&str> = types.iter().map(|one| one.name()).collect();
    names.join(", ")
}

fn section(types: &[EventType]) -> Option<Section> {
    let first = *types.first()?;
    let title = title(types);
    // Texts only: it cannot fail.
    let sample = serde_json::to_string_pretty(&event_catalogue::sample(first)).unwrap_or_default();
    Some(Section {
        id: format!("data-{}", first.name().replace('.', "-")),
        caption: format!("Fields of data: {title}"),
        fields: event_catalogue::entry(first).fields().collect(),
        sample_of: format!("A sample of {}", first.name()),
        sample,
        title,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_with_the_same_fields_stand_together() {
        let titles: Vec<String> = sections().into_iter().map(|section| section.title).collect();
        let expected = [
            "payment.*",
            "refund.*",
            "dispute.opened",
            "dispute.won, dispute.lost",
            "settlement.created",
            "payout.paid",
            "payout.failed",
            "endpoint.disabled",
        ];
        assert_eq!(titles, expected);
    }
}
