//! The chain of the audit log: pure functions that every store shares.
//!
//! Each line's seal is an HMAC-SHA256 over the seal of the line before it and every column of its
//! own, under a key that the database does not have. The head holds how many lines are sealed and
//! the last seal, sealed itself, so that lines cut off the end are missed. Lines from before the
//! chain have no seal of their own; the first sealed line follows all of them.
//!
//! What a store does: in the transaction that adds a line, and with nobody else adding one, read
//! the head, choose the line's number (above all others), [`seal`] it, write both. Without a head
//! it begins with [`Chain::after_unsealed`] over all lines there are.
//!
//! What it cannot see: the whole database put back as it was on an earlier day. Whoever wants to
//! know that keeps the last seal, which `tollgate verify` prints, elsewhere.

use aws_lc_rs::hmac;
use engine::changeset::AuditLine;
use engine::verify::{AuditFinding, AuditWalk};
use std::fmt;

/// The key of the chain; see [`crate::vault::audit_key`].
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

/// A seal.
pub type Seal = [u8; 32];

/// What the first line of all follows.
pub const BEGINNING: Seal = [0; 32];

/// What is sealed begins with what it is.
const A_LINE: u8 = 1;
const THE_HEAD: u8 = 2;

/// A line as it stands in the table, without its seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number; the order of the chain.
    pub id: i64,
    /// Microseconds since 1970.
    pub at: i64,
    /// Who.
    pub actor: &'a str,
    /// From which network address.
    pub caller: Option<&'a str>,
    /// What was asked.
    pub action: &'a str,
    /// Whether it was done.
    pub result: &'a str,
    /// Which terminal.
    pub ter_no: Option<i64>,
    /// The request's id.
    pub request_id: Option<&'a str>,
    /// In words.
    pub detail: &'a str,
    /// Whose business it is.
    pub merchant: Option<i64>,
    /// Who signed in to do it.
    pub user: Option<i64>,
}

impl<'a> Line<'a> {
    /// The line under this number; `caller` is the address as text.
    pub fn of(id: i64, line: &'a AuditLine, caller: Option<&'a str>) -> Self {
        Self {
            id,
            at: line.at.micros(),
            actor: line.actor,
            caller,
            action: line.action,
            result: line.result,
            ter_no: line.terminal.map(|terminal| terminal.0),
            request_id: line.request_id.as_deref(),
            detail: &line.detail,
            merchant: line.merchant.map(|merchant| merchant.0),
            user: line.user.map(|user| user.0),
        }
    }
}

/// The head as it stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many lines are sealed.
    pub lines: i64,
    /// The last one's seal.
    pub last: Seal,
    /// The seal over both.
    pub seal: Seal,
}

/// Where the chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many lines are sealed.
    pub lines: i64,
    /// The last one's seal.
    pub last: Seal,
}

impl AuditKey {
    /// 32 bytes that stand nowhere in the database.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }
}

impl Chain {
    /// A chain of no sealed line yet. The lines there are, in the order of their numbers, are
    /// added with [`Self::after_unsealed`].
    pub const BEGINNING: Self = Self { lines: 0, last: BEGINNING };

    /// The chain after a line that has no seal of its own.
    #[must_use]
    pub fn after_unsealed(self, key: &AuditKey, line: &Line<'_>) -> Self {
        Self { last: seal(key, &self.last, line), ..self }
    }

    /// The chain after a line with this seal.
    #[must_use]
    pub const fn after(self, seal: Seal) -> Self {
        Self { lines: self.lines.saturating_add(1), last: seal }
    }

    /// Its head.
    pub fn head(self, key: &AuditKey) -> Head {
        Head { lines: self.lines, last: self.last, seal: seal_of_head(key, self.lines, &self.last) }
    }
}

/// The seal of a line that follows one with the seal `previous`.
pub fn seal(key: &AuditKey, previous: &Seal, line: &Line<'_>) -> Seal {
    let mut context = hmac::Context::with_key(&key.0);
    context.update(&[A_LINE]);
    context.update(previous);
    number(&mut context, Some(line.id));
    number(&mut context, Some(line.at));
    text(&mut context, Some(line.actor));
    text(&mut context, line.caller);
    text(&mut context, Some(line.action));
    text(&mut context, Some(line.result));
    number(&mut context, line.ter_no);
    text(&mut context, line.request_id);
    text(&mut context, Some(line.detail));
    // Lines without either are sealed as they were before there were these columns.
    if line.merchant.is_some() || line.user.is_some() {
        number(&mut context, line.merchant);
        number(&mut context, line.user);
    }
    bytes_of(&context.sign())
}

fn seal_of_head(key: &AuditKey, lines: i64, last: &Seal) -> Seal {
    let mut context = hmac::Context::with_key(&key.0);
    context.update(&[THE_HEAD]);
    context.update(&lines.to_be_bytes());
    context.update(last);
    bytes_of(&context.sign())
}

/// A byte that says whether there is one, then eight bytes.
fn number(context: &mut hmac::Context, number: Option<i64>) {
    context.update(&[u8::from(number.is_some())]);
    if let Some(number) = number {
        context.update(&number.to_be_bytes());
    }
}

/// A byte that says whether there is one, its length in eight bytes, then the text.
fn text(context: &mut hmac::Context, text: Option<&str>) {
    context.update(&[u8::from(text.is_some())]);
    if let Some(text) = text {
        context.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(text.as_bytes());
    }
}

fn bytes_of(tag: &hmac::Tag) -> Seal {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

/// Goes on with a walk through the log: the next line, and its seal as it stands there.
pub fn walk(key: &AuditKey, walk: &mut AuditWalk, line: &Line<'_>, stored: Option<&[u8]>) {
    let expected = seal(key, &walk.previous, line);
    walk.from = line.id.saturating_add(1);
    let Some(stored) = stored else {
        if walk.sealed == 0 {
            walk.unsealed = walk.unsealed.saturating_add(1);
            walk.previous = expected;
        } else {
            walk.found(AuditFinding::NoSeal { line: line.id });
        }
        return;
    };
    walk.sealed = walk.sealed.saturating_add(1);
    if stored == expected {
        walk.previous = expected;
        return;
    }
    walk.found(AuditFinding::WrongSeal { line: line.id });
    // The next line followed what stands here, if anything: one change is found once.
    walk.previous = <Seal>::try_from(stored).unwrap_or(expected);
}

/// Ends a walk: all lines were seen, and this is the head that was there with the last of them.
pub fn finish(key: &AuditKey, walk: &mut AuditWalk, head: Option<Head>) {
    walk.ended = true;
    let Some(head) = head else {
        if walk.sealed > 0 {
            walk.found(AuditFinding::NoHead);
        }
        return;
    };
    let lines = u64::try_from(head.lines).unwrap_or(0);
    if head.seal != seal_of_head(key, head.lines, &head.last) {
        walk.found(AuditFinding::WrongHead);
    } else if lines != walk.sealed {
        walk.found(AuditFinding::Lines { counted: lines, found: walk.sealed });
    } else if head.last != walk.previous {
        walk.found(AuditFinding::WrongHead);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: i64, detail: &str) -> Line<'_> {
        Line {
            id,
            at: 5,
            actor: "operator",
            caller: None,
            action: "test",
            result: "done",
            ter_no: None,
            request_id: None,
            detail,
            merchant: None,
            user: None,
        }
    }

    fn key() -> AuditKey {
        AuditKey::new(&[7; 32])
    }

    #[test]
    fn every_column_and_the_line_before_count() {
        let key = key();
        let of = |line: &Line<'_>| seal(&key, &BEGINNING, line);
        let plain = line(1, "what");
        let changed = [
            Line { id: 2, ..plain.clone() },
            Line { at: 6, ..plain.clone() },
            Line { actor: "worker", ..plain.clone() },
            Line { caller: Some(""), ..plain.clone() },
            Line { caller: Some("127.0.0.1"), ..plain.clone() },
            Line { action: "tes", result: "tdone", ..plain.clone() },
            Line { result: "refused", ..plain.clone() },
            Line { ter_no: Some(0), ..plain.clone() },
            Line { request_id: Some("x"), ..plain.clone() },
            Line { detail: "wha", ..plain.clone() },
            Line { caller: Some("what"), detail: "", ..plain.clone() },
            Line { merchant: Some(1), ..plain.clone() },
            Line { user: Some(1), ..plain.clone() },
            Line { merchant: Some(1), user: Some(1), ..plain.clone() },
        ];
        let mut seals: Vec<Seal> = changed.iter().map(of).collect();
        seals.push(of(&plain));
        seals.push(seal(&key, &[1; 32], &plain));
        seals.push(seal(&AuditKey::new(&[8; 32]), &BEGINNING, &plain));
        let distinct: std::collections::BTreeSet<Seal> = seals.iter().copied().collect();
        assert_eq!(distinct.len(), seals.len());
        assert_eq!(of(&plain), of(&plain.clone()));
    }

    #[test]
    fn the_oldest_lines_are_counted_and_still_bound() {
        let key = key();
        let old = [line(1, "one"), line(2, "two")];
        let chain =
            old.iter().fold(Chain::BEGINNING, |chain, line| chain.after_unsealed(&key, line));
        let third = line(3, "three");
        let sealed = seal(&key, &chain.last, &third);
        let chain = chain.after(sealed);
        let through = |lines: &[&Line<'_>]| {
            let mut walked = AuditWalk::default();
            for line in lines {
                let stored = (line.id == 3).then_some(sealed);
                walk(&key, &mut walked, line, stored.as_ref().map(|seal| &seal[..]));
            }
            finish(&key, &mut walked, Some(chain.head(&key)));
            walked
        };
        let whole = through(&[&old[0], &old[1], &third]);
        assert_eq!((whole.unsealed, whole.sealed, whole.findings), (2, 1, Vec::new()));
        assert_eq!(
            through(&[&old[0], &third]).findings,
            [AuditFinding::WrongSeal { line: 3 }],
            "a line from before the chain is gone"
        );
    }
}
