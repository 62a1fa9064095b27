//! A message that a bank sent of its own accord. It decides nothing: it makes the gateway ask.

use crate::redaction::Redacted;
use crate::time::Timestamp;
use std::fmt;

/// Most characters of a message's id.
const ID_AT_MOST: usize = 255;

/// The bank's own id of a message, the same when it is sent again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageId(Box<str>);

/// The text is no id of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message's id must be 1 to 255 visible ASCII characters")]
pub struct InvalidMessageId;

impl MessageId {
    /// By its text.
    pub fn parse(text: &str) -> Result<Self, InvalidMessageId> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=ID_AT_MOST).contains(&text.len()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidMessageId)
        }
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message's name: which connector it came by, and the bank's id of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageKey {
    /// The connector's name.
    pub connector: String,
    /// The bank's id.
    pub id: MessageId,
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connector, self.id)
    }
}

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankMessage {
    /// Its name.
    pub key: MessageKey,
    /// When it came first.
    pub received_at: Timestamp,
    /// Our reference of the call or order that it is about; none when it names none of ours.
    pub our_reference: Option<String>,
    /// A keyed digest over the body, to tell whether the same came again.
    pub digest: [u8; 32],
    /// The body without card data.
    pub body: Redacted,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// The bank was asked.
    Asked,
    /// Its payment waits for nothing that the bank could tell.
    NothingToAsk,
    /// It is about no payment of ours.
    Unknown,
}

impl Heard {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Asked, Self::NothingToAsk, Self::Unknown];

    /// The word in the database and in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::NothingToAsk => "nothing_to_ask",
            Self::Unknown => "unknown",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|heard| heard.name() == name)
    }
}

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its name.
    pub key: MessageKey,
    /// When it came first.
    pub received_at: Timestamp,
    /// Our reference of the call or order that it is about.
    pub our_reference: Option<String>,
    /// The body without card data.
    pub body: String,
    /// How often it came.
    pub times_seen: u32,
    /// The body of the last other message that came under its id, without card data: suspicious.
    pub other_body: Option<String>,
    /// When it was handled, and what became of it; none while that is still to do.
    pub handled: Option<(Timestamp, Heard)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_visible_and_short() {
        for good in ["1", "msg_2b-~!", &"x".repeat(255)] {
            assert_eq!(MessageId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a\n", "\u{e9}", &"x".repeat(256)] {
            assert_eq!(MessageId::parse(bad), Err(InvalidMessageId), "{bad}");
        }
    }

    #[test]
    fn words_go_both_ways() {
        for heard in Heard::ALL {
            assert_eq!(Heard::from_name(heard.name()), Some(heard));
        }
        assert_eq!(Heard::from_name("believed"), None);
    }
}
