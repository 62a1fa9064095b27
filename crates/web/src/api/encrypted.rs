//! Encrypted requests (contract, section 6): one field with a ciphertext and, directly behind it,
//! the terminal's public key. Inside is a query string with the fields of the plain request.
//!
//! The cipher has no authentication, so whoever can send a ciphertext and see whether it was
//! understood has an oracle for its padding, by which others' ciphertexts could be read and new ones
//! made up. Three things keep it from being one:
//!
//! * **One answer.** Whatever is wrong with a ciphertext is error 5001, in the same words and after
//!   the same work: the contents are judged although the padding is wrong already.
//! * **A narrow line.** A merchant must be told what is wrong with the fields, and such an answer
//!   admits that the padding was right. So all of the contents must be UTF-8 without a control
//!   character, and name a field that this call knows, before they are judged as fields. A block
//!   that somebody changed decrypts to sixteen random bytes: of 350,000 such blocks one passes.
//! * **Few tries.** An address with too many failures gets no further answer for a minute.

use super::error::{Problem, Refusal};
use super::exchange::{bad_request, throttled};
use super::fields::{Fields, Value};
use super::request::is_public_key;
use crate::app::{App, Caller};
use crate::family_cipher::{Ciphertext, Keys};
use domain::terminal::Terminal;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The field's documented name, and the one of older clients.
pub(super) const ENVELOPE_FIELDS: [&str; 2] = ["encrypted_data", "encrypted_payload"];
/// Characters of a public key, the last ones of the field.
const KEY_LENGTH: usize = 44;

/// The field as sent.
pub(super) struct Envelope<'a> {
    text: Cow<'a, str>,
    public_key: String,
}

/// What was inside.
pub(super) struct Opened {
    text: Zeroizing<String>,
    public_key: String,
    number: String,
}

impl<'a> Envelope<'a> {
    /// The field of a request; none when it is a plain one.
    pub(super) fn of(fields: &'a Fields<'_>) -> Result<Option<Self>, Refusal> {
        let found = match ENVELOPE_FIELDS.map(|name| fields.get(name)) {
            [None, None] => return Ok(None),
            [Some(_), Some(_)] => {
                let text = "and encrypted_data are two names of one field; send one of them";
                return Err(bad_request(Problem::form("encrypted_payload", text)));
            }
            [Some(value), None] | [None, Some(value)] => value,
        };
        let Value::Text(text) = found else { return Err(undecipherable()) };
        let (text, key) = text
            .len()
            .checked_sub(KEY_LENGTH)
            .and_then(|at| text.split_at_checked(at))
            .ok_or_else(undecipherable)?;
        // A plus sign that was not percent-encoded in a form arrives as a blank.
        let public_key = key.replace(' ', "+");
        if !is_public_key(&public_key) {
            return Err(undecipherable());
        }
        Ok(Some(Self { text: Cow::Borrowed(text), public_key }))
    }

    /// The key at its end: which terminal it claims to come from.
    pub(super) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Decrypts with the private key that belongs to the public one. `known` are the fields of the
    /// call, one of which must be inside.
    pub(super) fn open(
        &self,
        app: &App,
        caller: Caller,
        terminal: &Terminal,
        known: &[&str],
    ) -> Result<Opened, Refusal> {
        let now = app.gateway.clock().now();
        app.throttle.check(caller, now).map_err(throttled)?;
        let text = self.decrypt(terminal, known).ok_or_else(|| {
            app.throttle.note_unknown(caller, now);
            undecipherable()
        })?;
        let public_key = self.public_key.clone();
        Ok(Opened { text, public_key, number: terminal.number.to_string() })
    }

    fn decrypt(&self, terminal: &Terminal, known: &[&str]) -> Option<Zeroizing<String>> {
        let pair = terminal.keys.iter().find(|pair| pair.public == self.public_key)?;
        let parsed = Ciphertext::parse(&self.text);
        let is_formed = parsed.is_ok();
        let ciphertext = parsed.unwrap_or_else(|_why| Ciphertext::in_place_of(self.text.len()));
        let keys = Keys { public: &pair.public, private: &pair.private };
        let decrypted = ciphertext.decrypt(keys).ok()?;
        // All three are found out before any of them counts.
        let text = understood(decrypted.contents(), known);
        let is_padded = decrypted.is_padded();
        text.filter(|_text| is_formed & is_padded).map(|text| Zeroizing::new(text.to_owned()))
    }
}

/// The contents, when they are a query string of this call. Nothing ends early: how far they were
/// understood shows in nothing.
fn understood<'a>(contents: &'a [u8], known: &[&str]) -> Option<&'a str> {
    let text = std::str::from_utf8(contents).ok();
    let controls = contents.iter().filter(|byte| byte.is_ascii_control()).count();
    let named = form_urlencoded::parse(contents)
        .filter(|(name, value)| !value.is_empty() && known.contains(&&**name))
        .count();
    text.filter(|_text| controls == 0 && named > 0)
}

impl Opened {
    /// The fields inside, over the ones that were sent beside them.
    pub(super) fn over<'a>(&'a self, outer: Fields<'a>) -> Result<Fields<'a>, Refusal> {
        self.alone()?.over(outer).map_err(bad_request)
    }

    /// The fields inside. Terminal and key are what decrypted them, whatever stands inside.
    pub(super) fn alone(&self) -> Result<Fields<'_>, Refusal> {
        let inside = Fields::parse_query(&self.text).map_err(bad_request)?;
        let terminal = Fields::of_pairs([
            ("public_key", self.public_key.as_str()),
            ("terNO", self.number.as_str()),
        ]);
        terminal.over(inside).map_err(bad_request)
    }
}

/// Error 5001, the same whatever the reason.
fn undecipherable() -> Refusal {
    let text = "cannot be decrypted with the private key of the terminal whose public key stands \
                at its end; see /developers/api-reference/encrypted-requests";
    bad_request(Problem::new("encrypted_data", "5001", text))
}
