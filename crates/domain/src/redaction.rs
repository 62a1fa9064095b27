//! Text of others without card data: what looks like a card number or a security code is masked
//! before anything keeps the text. It masks rather too much than too little: a number of another
//! kind that happens to have a card number's check digit is masked as well.

use crate::card::passes_luhn;
use std::ops::Range;

/// How many digits a card number has (ISO/IEC 7812).
const NUMBER_LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;
/// Digits of a masked card number that stay: the last ones, as on a receipt.
const LEFT: usize = 4;
/// What parts of one number may be separated by.
const SEPARATORS: [char; 5] = [' ', '-', '+', '.', '\u{a0}'];
/// What names of security codes contain, in lower case and without separators of words.
const CODE_NAMES: [&str; 6] = ["cvv", "cvc", "cvn", "csc", "securitycode", "verificationvalue"];
/// Most characters between the name of a security code and its value: quotes, blanks, `:`, `=`,
/// brackets.
const BETWEEN_AT_MOST: usize = 16;

/// A text without card data. There is no other way to make one than to mask the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted(String);

impl Redacted {
    /// Masks what looks like a card number (12 to 19 digits with a right check digit, also in parts,
    /// also where digits are written as `%34` or `\u0034`; longer runs of digits as a whole) or a
    /// security code (three or four digits behind a name such as `cvv`).
    pub fn of(text: &str) -> Self {
        let seen = seen(text);
        let mut masked = vec![false; seen.len()];
        mask_numbers(&seen, &mut masked);
        mask_codes(&seen, &mut masked);
        let mut shown = String::with_capacity(text.len());
        for (one, masked) in seen.iter().zip(masked) {
            if masked {
                shown.push('X');
            } else {
                shown.push_str(text.get(one.at.clone()).unwrap_or_default());
            }
        }
        Self(shown)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A character as a reader of the text would have it, and where it stands.
struct Seen {
    character: char,
    at: Range<usize>,
}

/// The text's characters, ASCII ones without their escapes.
fn seen(text: &str) -> Vec<Seen> {
    let mut all = Vec::with_capacity(text.len());
    let mut start = 0_usize;
    while let Some(rest) = text.get(start..)
        && let Some(first) = rest.chars().next()
    {
        let (character, length) = escaped(rest).unwrap_or((first, first.len_utf8()));
        let end = start.saturating_add(length);
        all.push(Seen { character, at: start..end });
        start = end;
    }
    all
}

/// `%41` or `\u0041` at the beginning, as its character and its length.
fn escaped(rest: &str) -> Option<(char, usize)> {
    ["%", "\\u00"].into_iter().find_map(|mark| {
        let code = rest.strip_prefix(mark)?.get(..2)?;
        let code = code.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(code)?;
        let byte = u8::from_str_radix(code, 16).ok().filter(u8::is_ascii)?;
        Some((char::from(byte), mark.len().saturating_add(code.len())))
    })
}

/// Digits without anything between them.
fn runs_of_digits(seen: &[Seen]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (place, one) in seen.iter().enumerate() {
        if !one.character.is_ascii_digit() {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == place => run.end = place.saturating_add(1),
            Some(_) | None => runs.push(place..place.saturating_add(1)),
        }
    }
    runs
}

fn mask_numbers(seen: &[Seen], masked: &mut [bool]) {
    let runs = runs_of_digits(seen);
    for (first, run) in runs.iter().enumerate() {
        if run.len() > *NUMBER_LENGTHS.end() {
            mask(masked, run.clone());
            continue;
        }
        let mut digits = String::new();
        let mut end = run.start;
        for part in runs.iter().skip(first) {
            let is_next = digits.is_empty() || is_separator(seen, end, part.start);
            if !is_next || digits.len().saturating_add(part.len()) > *NUMBER_LENGTHS.end() {
                break;
            }
            let of_part = seen.get(part.clone()).unwrap_or_default();
            digits.extend(of_part.iter().map(|one| one.character));
            end = part.end;
            if NUMBER_LENGTHS.contains(&digits.len()) && passes_luhn(&digits) {
                mask_but_last(seen, masked, run.start..end);
            }
        }
    }
}

fn is_separator(seen: &[Seen], end: usize, next: usize) -> bool {
    end.saturating_add(1) == next
        && seen.get(end).is_some_and(|one| SEPARATORS.contains(&one.character))
}

fn mask(masked: &mut [bool], range: Range<usize>) {
    masked.get_mut(range).unwrap_or_default().fill(true);
}

fn mask_but_last(seen: &[Seen], masked: &mut [bool], range: Range<usize>) {
    let is_digit =
        |place: &usize| seen.get(*place).is_some_and(|one| one.character.is_ascii_digit());
    for place in range.rev().filter(is_digit).skip(LEFT) {
        mask(masked, place..place.saturating_add(1));
    }
}

fn mask_codes(seen: &[Seen], masked: &mut [bool]) {
    let runs = runs_of_digits(seen);
    for run in runs.into_iter().filter(|run| matches!(run.len(), 3 | 4)) {
        let before = seen.get(..run.start).unwrap_or_default();
        let between = before.iter().rev().take_while(|one| !is_of_word(one.character)).count();
        if between == 0 || between > BETWEEN_AT_MOST {
            continue;
        }
        let name: Vec<char> = before
            .iter()
            .rev()
            .skip(between)
            .map(|one| one.character)
            .take_while(|character| is_of_word(*character))
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let name: String = name.iter().rev().map(char::to_ascii_lowercase).collect();
        if CODE_NAMES.iter().any(|known| name.contains(known)) {
            mask(masked, run);
        }
    }
}

const fn is_of_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(text: &str, expected: &str) {
        assert_eq!(Redacted::of(text).as_str(), expected);
    }

    #[test]
    fn card_numbers_are_masked_in_every_dress() {
        shown("4111111111111111", "XXXXXXXXXXXX1111");
        shown("a 4111 1111 1111 1111 b", "a XXXX XXXX XXXX 1111 b");
        shown("4111-1111-1111-1111.", "XXXX-XXXX-XXXX-1111.");
        shown("pan=4111+1111+1111+1111&x=1", "pan=XXXX+XXXX+XXXX+1111&x=1");
        shown("3782 822463 10005", "XXXX XXXXXX X0005");
        shown("6759649826438453=2512101", "XXXXXXXXXXXX8453=2512101");
        shown(r"\u0034111111111111111", "XXXXXXXXXXXX1111");
        shown("%34%3111111111111111", "XXXXXXXXXXXX1111");
        shown("4111%201111%201111%201111", "XXXX%20XXXX%20XXXX%201111");
        // With something that follows: the number by itself, and with what could be part of it.
        shown("4111111111111111 123", "XXXXXXXXXXXX1111 123");
        shown("4111111111111111 12 30 9", "XXXXXXXXXXXX1111 12 30 9");
        shown("77 4111111111111111", "77 XXXXXXXXXXXX1111");
        // Whatever it is, it may hold one.
        shown("99411111111111111199999", "XXXXXXXXXXXXXXXXXXXXXXX");
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "4111111111111112",
            "11.11",
            "{\"our_reference\":\"417823250426141606-2\",\"at\":1745676966}",
            "2026-11-22 19:47:33.123456",
            "100%, %zz, \\u00",
            "",
            "\u{1F600} ₹ 4111",
        ] {
            shown(text, text);
        }
    }

    #[test]
    fn security_codes_are_masked_by_their_names() {
        shown(r#"{"cvv":"739","n":"739"}"#, r#"{"cvv":"XXX","n":"739"}"#);
        shown(r#"{"ccvv" : 7391}"#, r#"{"ccvv" : XXXX}"#);
        shown("card[cvc]=739&amount=739", "card[cvc]=XXX&amount=739");
        shown("<CVV2>739</CVV2>", "<CVV2>XXX</CVV2>");
        shown(r#"{"securityCode":"739"}"#, r#"{"securityCode":"XXX"}"#);
        shown("security_code: 739", "security_code: XXX");
        shown("%7B%22cvv%22%3A%22739%22%7D", "%7B%22cvv%22%3A%22XXX%22%7D");
        shown(r#"{"cvv":"\u0037\u0033\u0039"}"#, r#"{"cvv":"XXX"}"#);
        shown(r#"{\"cvv\":\"739\"}"#, r#"{\"cvv\":\"XXX\"}"#);
        shown(r#"{"cvv_result":"M","cvv_year":2031}"#, r#"{"cvv_result":"M","cvv_year":XXXX}"#);
        shown(r#"{"cvv":"12345"}"#, r#"{"cvv":"12345"}"#);
    }
}
