//! Standard Webhooks signatures, as a receiver checks them and as the sandbox bank makes them:
//! HMAC-SHA256 over `id.timestamp.body`, at most five minutes old, any of several signatures, in
//! constant time.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::secret::SecretText;
use domain::time::Timestamp;
use std::fmt;
use zeroize::Zeroizing;

/// How far the timestamp may be from our clock, in seconds.
const TOLERANCE_SECONDS: u64 = 300;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

/// Why a message is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// A header is missing or is no text.
    Header(&'static str),
    /// A header is there more than once, so that others may read another one of them.
    HeaderTwice(&'static str),
    /// The id has a full stop, so that the signature would be right for other parts as well.
    Id,
    /// The timestamp is no number of seconds.
    Timestamp,
    /// The timestamp is too far in the past: a replay, or a wrong clock.
    TooOld {
        /// Seconds.
        by: u64,
    },
    /// The timestamp is too far in the future.
    TooNew {
        /// Seconds.
        by: u64,
    },
    /// No signature fits any secret.
    Signature,
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header {name} is missing"),
            Self::HeaderTwice(name) => write!(f, "the header {name} is there twice"),
            Self::Id => f.write_str("webhook-id has a full stop"),
            Self::Timestamp => f.write_str("webhook-timestamp is no number of seconds"),
            Self::TooOld { by } => write!(f, "it is {by} seconds old; 300 are allowed"),
            Self::TooNew { by } => {
                write!(f, "it is {by} seconds in the future; 300 are allowed")
            }
            Self::Signature => f.write_str("no signature fits the secret"),
        }
    }
}

/// A signing secret, ready to sign and to check with.
#[derive(Clone, Debug)]
pub struct Secret(hmac::Key);

/// The text is not `whsec_` and standard base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signing secret is whsec_ and base64 text, as `tollgate terminal show 42 --reveal` shows it"
)]
pub struct NotASecret;

impl Secret {
    /// By its text.
    pub fn parse(text: &SecretText) -> Result<Self, NotASecret> {
        let encoded = text.reveal().strip_prefix("whsec_").ok_or(NotASecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_hidden| NotASecret)?;
        let bytes = Zeroizing::new(bytes);
        if bytes.is_empty() {
            return Err(NotASecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The three headers of a message that is sent now. `id` has no full stop in it.
    pub fn headers(&self, id: &str, now: Timestamp, body: &[u8]) -> [(&'static str, String); 3] {
        let timestamp = now.unix_seconds().to_string();
        let tag = hmac::sign(&self.0, &signed_text(id, &timestamp, body));
        let signature = format!("v1,{}", STANDARD.encode(tag));
        [(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signature)]
    }
}

fn signed_text(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{id}.{timestamp}.").into_bytes();
    text.extend_from_slice(body);
    text
}

/// A header as it came: its name in lower case, and its value.
pub type Header<'a> = (&'a str, &'a [u8]);

/// Checks a message against all secrets that may have signed it, and tells its id.
pub fn verify<'a>(
    secrets: &[Secret],
    headers: &[Header<'a>],
    body: &[u8],
    now: Timestamp,
) -> Result<&'a str, Unverified> {
    let id = header(headers, ID)?;
    let timestamp = header(headers, TIMESTAMP)?;
    let signatures = header(headers, SIGNATURE)?;
    if id.contains('.') {
        return Err(Unverified::Id);
    }
    check_time(timestamp, now)?;
    let text = signed_text(id, timestamp, body);
    let fits = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|signature| STANDARD.decode(signature).ok())
        .any(|tag| secrets.iter().any(|key| hmac::verify(&key.0, &text, &tag).is_ok()));
    if fits { Ok(id) } else { Err(Unverified::Signature) }
}

fn header<'a>(headers: &[Header<'a>], name: &'static str) -> Result<&'a str, Unverified> {
    let of_name = headers.iter().filter(|(other, _value)| *other == name);
    let mut values = of_name.map(|(_name, value)| *value);
    let value = values.next().and_then(|value| str::from_utf8(value).ok());
    if values.next().is_some() {
        return Err(Unverified::HeaderTwice(name));
    }
    value.filter(|text| !text.is_empty()).ok_or(Unverified::Header(name))
}

fn check_time(timestamp: &str, now: Timestamp) -> Result<(), Unverified> {
    let sent: i64 = timestamp.parse().map_err(|_hidden| Unverified::Timestamp)?;
    let now = now.unix_seconds();
    let by = now.abs_diff(sent);
    if by <= TOLERANCE_SECONDS {
        Ok(())
    } else if sent < now {
        Err(Unverified::TooOld { by })
    } else {
        Err(Unverified::TooNew { by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// By the machine's clock, as the reference implementation has it.
    #[expect(clippy::disallowed_methods, reason = "the reference implementation reads it too")]
    fn unix_now() -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(now.as_secs()).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::parse(&SecretText::new(text.to_owned())).unwrap()
    }

    /// Headers as the reference implementation signs them.
    fn signed(secrets: &[&str], id: &str, at: i64, body: &[u8]) -> HeaderMap {
        let signatures: Vec<String> = secrets
            .iter()
            .map(|text| standardwebhooks::Webhook::new(text).unwrap().sign(id, at, body).unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
        headers.insert("webhook-signature", signatures.join(" ").parse().unwrap());
        headers
    }

    fn check(
        secrets: &[Secret],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unverified> {
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        verify(secrets, &pairs.collect::<Vec<_>>(), body, now).map(drop)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn agrees_with_the_reference_implementation() {
        let body = br#"{"transID":"417823250426141606"}"#;
        let reference = standardwebhooks::Webhook::new(SECRET).unwrap();
        let now = at(unix_now());
        let good = signed(&[SECRET], "msg_1", now.unix_seconds(), body);
        let mut cases = vec![(good.clone(), body.to_vec()), (good.clone(), b"{}".to_vec())];
        cases.push((signed(&[OTHER], "msg_1", now.unix_seconds(), body), body.to_vec()));
        cases.push((signed(&[OTHER, SECRET], "msg_1", now.unix_seconds(), body), body.to_vec()));
        for offset in [-290, -310, 290, 310] {
            let headers = signed(&[SECRET], "msg_1", now.unix_seconds() + offset, body);
            cases.push((headers, body.to_vec()));
        }
        for (name, value) in [
            ("webhook-id", "msg_2"),
            ("webhook-timestamp", "soon"),
            ("webhook-signature", "v1,AAAA"),
            ("webhook-signature", "v1a,AAAA"),
            ("webhook-signature", "nonsense"),
        ] {
            let mut headers = good.clone();
            headers.insert(name, value.parse().unwrap());
            cases.push((headers, body.to_vec()));
        }
        for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut headers = good.clone();
            headers.remove(name);
            cases.push((headers, body.to_vec()));
        }
        let keys = [secret(SECRET)];
        let mut verified = 0;
        for (headers, body) in cases {
            let ours = check(&keys, &headers, &body, now);
            let theirs = reference.verify(&body, &headers);
            assert_eq!(ours.is_ok(), theirs.is_ok(), "{headers:?}: {ours:?} {theirs:?}");
            verified += usize::from(ours.is_ok());
        }
        assert_eq!(verified, 4, "good, rotated, and both edges of the tolerance");
    }

    #[test]
    fn while_rotating_either_secret_is_believed() {
        let keys = [secret(SECRET), secret(OTHER)];
        for signer in [SECRET, OTHER] {
            let headers = signed(&[signer], "m", 1000, b"x");
            assert_eq!(check(&keys, &headers, b"x", at(1000)), Ok(()));
        }
    }

    #[test]
    fn says_why_not() {
        let keys = [secret(SECRET)];
        let headers = signed(&[SECRET], "m", 10_000, b"x");
        let why = |now| check(&keys, &headers, b"x", at(now)).unwrap_err();
        assert_eq!(why(10_301), Unverified::TooOld { by: 301 });
        assert_eq!(why(9_699), Unverified::TooNew { by: 301 });
        assert_eq!(check(&keys, &headers, b"y", at(10_000)), Err(Unverified::Signature));
        assert_eq!(check(&[], &headers, b"x", at(10_000)), Err(Unverified::Signature));
        let missing = check(&keys, &HeaderMap::new(), b"x", at(0)).unwrap_err();
        assert_eq!(missing.to_string(), "the header webhook-id is missing");
    }

    #[test]
    fn what_is_signed_here_is_right_by_the_reference_implementation() {
        let (now, body) = (at(unix_now()), "{\"our_reference\":\"1-2\"}");
        let mut headers = HeaderMap::new();
        for (name, value) in secret(SECRET).headers("msg_1", now, body.as_bytes()) {
            headers.insert(name, value.parse().unwrap());
        }
        let reference = standardwebhooks::Webhook::new(SECRET).unwrap();
        reference.verify(body.as_bytes(), &headers).unwrap();
        assert!(reference.verify(b"{}", &headers).is_err());
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let keys = [secret(SECRET)];
        let good = signed(&[SECRET], "msg_1", 1000, b"2000.x");
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut headers = good.clone();
            headers.append(name, good[name].clone());
            assert_eq!(
                check(&keys, &headers, b"2000.x", at(1000)),
                Err(Unverified::HeaderTwice(name))
            );
        }
        // The same text is signed, cut elsewhere.
        let mut headers = good;
        headers.insert(ID, "msg_1.1000".parse().unwrap());
        headers.insert(TIMESTAMP, "2000".parse().unwrap());
        assert_eq!(check(&keys, &headers, b"x", at(2000)), Err(Unverified::Id));
    }

    #[test]
    fn secrets_have_one_form() {
        for bad in ["", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(Secret::parse(&SecretText::new(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
