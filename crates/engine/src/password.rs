//! Passwords, one-time codes and recovery codes.
//!
//! Passwords are hashed with argon2id over a digest that only this gateway's master key can make,
//! so that a stolen database alone gives nothing to try passwords against.

use crate::error::Fault;
use crate::gateway::Gateway;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use domain::secret::SecretText;
use domain::time::Timestamp;
use domain::user::{Email, RECOVERY_CODES};
use std::sync::Arc;
use tokio::sync::Semaphore;
use totp_rs::{Builder, Secret, Totp};

/// Fewest characters of a password (NIST SP 800-63B-4, 3.1.1.2, asks for 15 where it stands alone
/// and for 8 beside a second factor).
pub const PASSWORD_LEAST: usize = 10;
/// Most characters of a password.
pub const PASSWORD_MOST: usize = 256;
/// Bytes of a shared secret of one-time codes (RFC 4226, 4, recommends 20).
const TOTP_SECRET: usize = 20;
/// Seconds that a code stands for (RFC 6238, 5.2).
const STEP_SECONDS: u64 = 30;
/// Letters of recovery codes: none that looks like another one.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789x";
/// Hashes that are computed at once: each holds 19 MiB and a processor for tens of milliseconds.
const HASHES_AT_ONCE: usize = 2;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short or too long.
    #[error("must have {PASSWORD_LEAST} to {PASSWORD_MOST} characters")]
    Length,
    /// Everybody tries this one first.
    #[error("is one of those that everybody tries first: choose another one")]
    Common,
    /// It is the address, or the gateway's name.
    #[error("must not be your address or the name of this page")]
    Own,
}

/// Passwords and parts of passwords that lists of stolen ones begin with, of ten characters and
/// more once their digits and signs are cut off.
const COMMON: [&str; 24] = [
    "password",
    "passwort",
    "qwerty",
    "qwertyuiop",
    "asdfghjkl",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "administrator",
    "changeme",
    "secret",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "abc",
    "abcd",
    "abcdefgh",
    "qwertz",
    "test",
    "default",
];

/// Whether a password may be set.
pub fn check_password(password: &str, email: &Email) -> Result<(), WeakPassword> {
    let length = password.chars().count();
    if !(PASSWORD_LEAST..=PASSWORD_MOST).contains(&length) {
        return Err(WeakPassword::Length);
    }
    let small = password.to_lowercase();
    let letters: String = small.chars().filter(|c| c.is_alphabetic()).collect();
    let mut distinct: Vec<char> = small.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 || letters.is_empty() || COMMON.contains(&letters.as_str()) {
        return Err(WeakPassword::Common);
    }
    let local = email.as_str().split('@').next().unwrap_or_default();
    if small == email.as_str()
        || letters == "tollgate"
        || small.trim_matches(char::is_numeric) == local
    {
        return Err(WeakPassword::Own);
    }
    Ok(())
}

/// Bounds how many passwords are hashed at once.
#[derive(Clone, Debug)]
pub(crate) struct HashTurns(Arc<Semaphore>);

impl Default for HashTurns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HASHES_AT_ONCE)))
    }
}

fn hasher() -> Argon2<'static> {
    // 19 MiB, two passes: the least that OWASP's cheat sheet on password storage recommends.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

impl Gateway {
    /// The password as a PHC string. Takes tens of milliseconds, in a thread of its own.
    pub(crate) async fn hash_password(&self, password: &SecretText) -> Result<String, Fault> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let peppered = self.peppered(password);
        self.in_turn(move || {
            let hash = hasher().hash_password_with_salt(&peppered, &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Fault::Broken(error.to_string()))
        })
        .await?
    }

    /// Whether this is the password. Without one to compare with it takes as long, and is wrong.
    pub(crate) async fn is_password(
        &self,
        stored: Option<&str>,
        password: &SecretText,
    ) -> Result<bool, Fault> {
        const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let (hash, exists) = (stored.unwrap_or(NOBODY).to_owned(), stored.is_some());
        let peppered = self.peppered(password);
        self.in_turn(move || {
            let parsed =
                PasswordHash::new(&hash).map_err(|error| Fault::Broken(error.to_string()))?;
            Ok(hasher().verify_password(&peppered, &parsed).is_ok() && exists)
        })
        .await?
    }

    fn peppered(&self, password: &SecretText) -> [u8; 32] {
        self.vault.digest(&[b"password", password.reveal().as_bytes()])
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let turn = Arc::clone(&self.hash_turns.0).acquire_owned().await;
        let turn = turn.map_err(|closed| Fault::Broken(closed.to_string()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| Fault::Broken(error.to_string()))
    }

    /// A new shared secret of one-time codes.
    pub(crate) fn new_totp_secret(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let mut secret = zeroize::Zeroizing::new(vec![0; TOTP_SECRET]);
        self.random.fill(&mut secret);
        secret
    }

    /// New recovery codes, and their digests.
    pub(crate) fn new_recovery_codes(&self) -> (Vec<String>, Vec<Vec<u8>>) {
        let code = |_number| {
            let mut bytes = [0; 10];
            self.random.fill(&mut bytes);
            let letter = |byte: &u8| {
                let place = usize::from(*byte % 32);
                LETTERS.get(place).copied().map_or('x', char::from)
            };
            let mut text: String = bytes.iter().map(letter).collect();
            text.insert(5, '-');
            text
        };
        let codes: Vec<String> = (0..RECOVERY_CODES).map(code).collect();
        let digests = codes.iter().map(|code| self.recovery_digest(code)).collect();
        (codes, digests)
    }

    pub(crate) fn recovery_digest(&self, code: &str) -> Vec<u8> {
        let plain: String =
            code.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        self.vault.digest(&[b"recovery code", plain.as_bytes()]).to_vec()
    }

    /// A new secret for a link or a cookie: 32 bytes as text.
    pub(crate) fn new_link_secret(&self) -> SecretText {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        self.random.fill(&mut *bytes);
        SecretText::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(*bytes))
    }

    /// What is kept of a secret in a link or cookie.
    pub fn digest_of_secret(&self, secret: &str) -> [u8; 32] {
        self.vault.digest(&[b"link or session", secret.as_bytes()])
    }
}

/// The time step of a code, when it is the code of this moment, of the one before or after.
pub(crate) fn step_of_code(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let now = u64::try_from(now.unix_seconds()).ok()?;
    let step = totp(secret)?.check(&digits, now)?;
    i64::try_from(step).ok()
}

fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_skew(1)
        .with_step_duration(STEP_SECONDS)
        .with_account_name("user")
        .with_issuer(Some("Tollgate"))
        .build()
        .ok()
}

/// A shared secret as people type it into an app: base 32 in groups of four.
pub fn totp_text(secret: &[u8]) -> String {
    let text = Secret::from(secret.to_vec()).to_base32();
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

/// The address that authenticator apps read from a QR code.
pub fn totp_link(secret: &[u8], issuer: &str, email: &Email) -> Option<String> {
    let plain = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_secret(Secret::from(secret.to_vec()))
        .with_step_duration(STEP_SECONDS)
        .with_account_name(plain(email.as_str()))
        .with_issuer(Some(plain(issuer)))
        .build()
        .ok()?
        .to_url()
        .ok()
}

/// The code of a moment, for tests and for who plays an app.
pub fn code_at(secret: &[u8], now: Timestamp) -> Option<String> {
    let now = u64::try_from(now.unix_seconds()).ok()?;
    Some(totp(secret)?.generate(now).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused() {
        let email = Email::parse("priya.shah@shop.example").unwrap();
        for (password, refused) in [
            ("correct horse", None),
            ("Übergrößen-42", None),
            ("short", Some(WeakPassword::Length)),
            ("password123", Some(WeakPassword::Common)),
            ("1234567890", Some(WeakPassword::Common)),
            ("aaaaaaaaaaaa", Some(WeakPassword::Common)),
            ("Qwertyuiop1!", Some(WeakPassword::Common)),
            ("priya.shah@shop.example", Some(WeakPassword::Own)),
            ("priya.shah2024", Some(WeakPassword::Own)),
            ("Tollgate2026!", Some(WeakPassword::Own)),
        ] {
            assert_eq!(check_password(password, &email).err(), refused, "{password}");
        }
    }

    /// RFC 6238, appendix B, SHA-1, the last six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")]
        {
            let at = Timestamp::from_micros(seconds * 1_000_000);
            assert_eq!(code_at(secret, at).as_deref(), Some(code));
            assert_eq!(step_of_code(secret, code, at), Some(seconds / 30));
            let near = |off: i64| Timestamp::from_micros((seconds + off) * 1_000_000);
            assert_eq!(step_of_code(secret, code, near(30)), Some(seconds / 30));
            assert_eq!(step_of_code(secret, code, near(61)), None);
        }
        assert_eq!(step_of_code(secret, "28708", Timestamp::from_micros(59_000_000)), None);
        assert_eq!(totp_text(secret), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let link = totp_link(secret, "Tollgate", &Email::parse("a@b.c").unwrap()).unwrap();
        assert!(link.starts_with("otpauth://totp/Tollgate:a%40b.c?secret=GEZD"), "{link}");
    }
}
