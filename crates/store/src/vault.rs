//! The vault: AES-256-GCM under keys derived from the master key.
//!
//! * A card number is sealed under a key of its own, which is wrapped by the card key.
//! * A security code is sealed under a key of its own, which is wrapped by the key of its hour.
//!   Hour keys (`hour_keys/`) are in no log and no backup of the database; they are destroyed about
//!   two hours later, and with them every code that was not sent.
//! * Table, row and column are associated data: a ciphertext moved elsewhere does not open.

use crate::audit_chain::AuditKey;
use crate::hour_keys::{FileKeys, HourKeys, TableKeys, hour_of};
use crate::postgres::PostgresStore;
use aws_lc_rs::aead::{
    AES_256_GCM, AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use aws_lc_rs::{hkdf, hmac, rand};
use domain::card::{Card, CardNumber, SecurityCode};
use domain::id::PaymentId;
use domain::time::Timestamp;
use engine::changeset::SealedCard;
use engine::error::VaultError;
use engine::ports::OpenCard;
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// A key of 256 bits.
pub type Key = Zeroizing<[u8; 32]>;

/// The layout of sealed values; the first byte of each.
const LAYOUT: u8 = 1;
const TAG: usize = 16;
const WRAPPED: usize = NONCE_LEN + 32 + TAG;

/// The key that chains the audit log, from the master key. A store gets it when it is opened.
pub fn audit_key(master: &[u8; 32]) -> Result<AuditKey, VaultError> {
    Ok(AuditKey::new(&*derive(master, b"tollgate audit log")?))
}

/// Bound to every token of a payment's number.
const TOKEN: &[u8] = b"payment number";

/// The text that is sealed to tell one master key from another.
const KEY_CHECK: &[u8] = b"the master key of this gateway";

/// Seals with keys derived from the master key, and with the keys of the hours.
pub struct Vault {
    cards: LessSafeKey,
    secrets: LessSafeKey,
    digests: hmac::Key,
    tokens: LessSafeKey,
    hours: HourKeys,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// `master` is the master key; `hour_keys` the folder for the keys of the hours (made when
    /// the first one is needed).
    pub fn with_files(master: &[u8; 32], hour_keys: &Path) -> Result<Self, VaultError> {
        Self::with(master, HourKeys::Files(FileKeys::new(hour_keys)))
    }

    /// With the keys of the hours that all nodes on this database share. Must be called inside a
    /// tokio runtime.
    pub async fn with_table(master: &[u8; 32], store: &PostgresStore) -> Result<Self, VaultError> {
        let wrapping = Wrapping::of(master)?;
        let link = store.care().await.map_err(|error| VaultError::Keys(error.to_string()))?;
        Self::with(master, HourKeys::Table(TableKeys::start(link, wrapping).await?))
    }

    fn with(master: &[u8; 32], hours: HourKeys) -> Result<Self, VaultError> {
        let digest_key = derive(master, b"tollgate digests")?;
        let token_key = derive(master, b"tollgate payment tokens")?;
        let token_key = UnboundKey::new(&AES_256_GCM_SIV, &*token_key);
        Ok(Self {
            tokens: LessSafeKey::new(token_key.map_err(|_unspecified| {
                VaultError::Keys("AES-256-GCM-SIV refused a key".to_owned())
            })?),
            cards: gcm(&*derive(master, b"tollgate card keys")?)?,
            secrets: gcm(&*derive(master, b"tollgate secrets")?)?,
            digests: hmac::Key::new(hmac::HMAC_SHA256, &*digest_key),
            hours,
        })
    }
}

/// A known text sealed under this master key. Kept in a database that nodes share, it tells whether
/// a node has the same key.
pub fn key_check(master: &[u8; 32]) -> Result<Vec<u8>, VaultError> {
    seal(&gcm(&*derive(master, b"tollgate secrets")?)?, "gateway/key_check", KEY_CHECK)
}

/// Whether [`key_check`] was made with this master key.
pub fn is_key_of(master: &[u8; 32], check: &[u8]) -> bool {
    let opened = derive(master, b"tollgate secrets")
        .and_then(|key| open(&gcm(&key)?, "gateway/key_check", "gateway.key_check", check));
    opened.is_ok_and(|text| *text == KEY_CHECK)
}

/// Wraps the keys of the hours where they are kept in a table.
pub(crate) struct Wrapping(LessSafeKey);

impl Wrapping {
    pub(crate) fn of(master: &[u8; 32]) -> Result<Self, VaultError> {
        Ok(Self(gcm(&*derive(master, b"tollgate hour keys")?)?))
    }

    pub(crate) fn seal(&self, hour: i64, key: &Key) -> Result<Vec<u8>, VaultError> {
        seal(&self.0, &format!("hour_keys/{hour}"), &**key)
    }

    pub(crate) fn open(&self, hour: i64, wrapped: &[u8]) -> Result<Key, VaultError> {
        let what = "hour_keys.wrapped";
        let opened = open(&self.0, &format!("hour_keys/{hour}"), what, wrapped)?;
        let key = opened.as_slice().try_into().map_err(|_length| VaultError::Sealed(what))?;
        Ok(Zeroizing::new(key))
    }
}

/// Draws random bytes; what is needed together is drawn together, for the generator costs more per call
/// than per byte.
fn fill(buffer: &mut [u8]) -> Result<(), VaultError> {
    rand::SecureRandom::fill(&rand::SystemRandom::new(), buffer)
        .map_err(|_unspecified| VaultError::Keys("no randomness".to_owned()))
}

/// What sealing one value takes: a fresh key, and the nonce that it is wrapped with.
const DRAWN: usize = 32 + NONCE_LEN;

/// Seals `plain` under a fresh key, and that key under `wrapping`.
fn seal(wrapping: &LessSafeKey, aad: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut drawn = Zeroizing::new([0; DRAWN]);
    fill(&mut *drawn)?;
    seal_with(&drawn, wrapping, aad, plain)
}

/// The same with a key and a nonce that were drawn for it, and for nothing else.
fn seal_with(
    drawn: &[u8; DRAWN],
    wrapping: &LessSafeKey,
    aad: &str,
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let (own, nonce) = drawn.split_first_chunk::<32>().ok_or_else(refused_to_seal)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_length| refused_to_seal())?;
    // Of its full length from the start, so that no growth leaves a copy behind.
    let length = 1_usize.saturating_add(WRAPPED).saturating_add(plain.len()).saturating_add(TAG);
    let mut sealed = Vec::with_capacity(length);
    sealed.push(LAYOUT);
    sealed.extend_from_slice(&nonce);
    seal_behind(wrapping, nonce, aad, own, &mut sealed)?;
    // The key is used once, so a constant nonce is unique under it.
    seal_behind(&gcm(own)?, [0; NONCE_LEN], aad, plain, &mut sealed)?;
    Ok(sealed)
}

/// Appends the ciphertext and its tag.
fn seal_behind(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    aad: &str,
    plain: &[u8],
    sealed: &mut Vec<u8>,
) -> Result<(), VaultError> {
    let begin = sealed.len();
    sealed.extend_from_slice(plain);
    let text = sealed.get_mut(begin..).unwrap_or_default();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad.as_bytes()), text);
    sealed.extend_from_slice(tag.map_err(|_unspecified| refused_to_seal())?.as_ref());
    Ok(())
}

fn refused_to_seal() -> VaultError {
    VaultError::Keys("AES-256-GCM refused to seal".to_owned())
}

fn open(
    wrapping: &LessSafeKey,
    aad: &str,
    what: &'static str,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let refuse = || VaultError::Sealed(what);
    let (layout, rest) = sealed.split_first().ok_or_else(refuse)?;
    if *layout != LAYOUT {
        return Err(refuse());
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(refuse)?;
    let (wrapped, data) = rest.split_at_checked(WRAPPED - NONCE_LEN).ok_or_else(refuse)?;
    let own = open_copy(wrapping, *nonce, aad, wrapped).ok_or_else(refuse)?;
    let own: &[u8; 32] = own.first_chunk().ok_or_else(refuse)?;
    open_copy(&gcm(own)?, [0; NONCE_LEN], aad, data).ok_or_else(refuse)
}

fn gcm(key: &[u8; 32]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_unspecified| VaultError::Keys("AES-256-GCM refused a key".to_owned()))
}

fn open_copy(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    aad: &str,
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut data = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut data).ok()?.len();
    data.truncate(length);
    Some(data)
}

/// HKDF-SHA256 (RFC 5869): a key for one purpose.
fn derive(master: &[u8; 32], purpose: &[u8]) -> Result<Key, VaultError> {
    let failed = |_unspecified| VaultError::Keys("HKDF failed".to_owned());
    let mut key = Key::default();
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"tollgate vault 1")
        .extract(master)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .map_err(failed)?
        .fill(&mut *key)
        .map_err(failed)?;
    Ok(key)
}

fn place(column: &str, payment: PaymentId) -> String {
    format!("held_cards/{payment}/{column}")
}

impl engine::ports::Vault for Vault {
    fn seal_card(
        &self,
        payment: PaymentId,
        card: &Card,
        now: Timestamp,
    ) -> Result<SealedCard, VaultError> {
        let mut drawn = Zeroizing::new([[0; DRAWN]; 2]);
        fill(drawn.as_flattened_mut())?;
        let [for_number, for_code] = &*drawn;
        let number = card.number.reveal().as_bytes();
        let number = seal_with(for_number, &self.cards, &place("number", payment), number)?;
        let hour = hour_of(now);
        let code = card.security_code.reveal().as_bytes();
        let hour_key = gcm(&*self.hours.sealing(hour)?)?;
        let code = seal_with(for_code, &hour_key, &place("security_code", payment), code)?;
        let mut security_code = hour.to_be_bytes().to_vec();
        security_code.extend_from_slice(&code);
        Ok(SealedCard { number, security_code: Some(security_code), expiry: card.expiry })
    }

    fn open_card(&self, payment: PaymentId, sealed: &SealedCard) -> Result<OpenCard, VaultError> {
        let refuse = || VaultError::Sealed("held_cards");
        let number =
            open(&self.cards, &place("number", payment), "held_cards.number", &sealed.number)?;
        let number = std::str::from_utf8(&number).map_err(|_hidden| refuse())?;
        // What was sealed had passed every check, on a test terminal perhaps.
        let number = CardNumber::parse(number, true).map_err(|_hidden| refuse())?;
        let security_code = match &sealed.security_code {
            None => None,
            Some(code) => {
                let (hour, code) = code.split_first_chunk::<8>().ok_or_else(refuse)?;
                let aad = place("security_code", payment);
                let what = "held_cards.security_code";
                let mut opened = Err(VaultError::Sealed(what));
                for hour_key in self.hours.opening(i64::from_be_bytes(*hour))? {
                    opened = opened.or_else(|_other| open(&gcm(&hour_key)?, &aad, what, code));
                }
                let code = opened?;
                let code = std::str::from_utf8(&code).map_err(|_hidden| refuse())?;
                Some(SecurityCode::parse(code, number.brand()).map_err(|_hidden| refuse())?)
            }
        };
        Ok(OpenCard { number, security_code, expiry: sealed.expiry })
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.digests);
        for part in parts {
            // The length before each part: ("ab", "c") and ("a", "bc") differ.
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        tag_bytes(&context.sign())
    }

    fn hmac(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        tag_bytes(&hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
    }

    fn seal_payment_id(&self, id: PaymentId) -> Result<[u8; 32], VaultError> {
        let mut data = i128::from(id.stored()).to_be_bytes().to_vec();
        // AES-GCM-SIV (RFC 8452) stays sound when a nonce is used again: equal numbers then give
        // equal tokens, and that is wanted.
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let refused = || VaultError::Keys("AES-256-GCM-SIV refused to seal".to_owned());
        self.tokens
            .seal_in_place_append_tag(nonce, Aad::from(TOKEN), &mut data)
            .map_err(|_unspecified| refused())?;
        data.try_into().map_err(|_length| refused())
    }

    fn open_payment_id(&self, token: &[u8; 32]) -> Option<PaymentId> {
        let mut data = *token;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let plain = self.tokens.open_in_place(nonce, Aad::from(TOKEN), &mut data).ok()?;
        let number = i128::from_be_bytes(*plain.first_chunk()?);
        PaymentId::from_stored(i64::try_from(number).ok()?).ok()
    }

    fn seal_secret(&self, table: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal(&self.secrets, &format!("{table}/{row}"), plain)
    }

    fn open_secret(
        &self,
        table: &'static str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&self.secrets, &format!("{table}/{row}"), table, sealed)
    }

    fn destroy_old_keys(&self, now: Timestamp) -> Result<(), VaultError> {
        // The hour that just ended may still be needed by customers in their challenge.
        self.hours.destroy_before(hour_of(now).saturating_sub(1))
    }
}

fn tag_bytes(tag: &hmac::Tag) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::card::{Brand, Expiry};
    use engine::ports::Vault as _;
    use std::fs;
    use std::time::Duration;

    fn card() -> Card {
        Card {
            number: CardNumber::parse("4111111111111111", true).unwrap(),
            security_code: SecurityCode::parse("737", Brand::Visa).unwrap(),
            expiry: Expiry { year: 2030, month: 1 },
        }
    }

    fn payment(draw: u8, at: Timestamp) -> PaymentId {
        PaymentId::new(at, [draw; 8])
    }

    #[test]
    fn opens_only_what_it_sealed_for_that_row() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::with_files(&[7; 32], folder.path()).unwrap();
        let now = Timestamp::from_micros(1_745_676_966_000_657);
        let (one, two) = (payment(1, now), payment(2, now));
        let sealed = vault.seal_card(one, &card(), now).unwrap();
        let opened = vault.open_card(one, &sealed).unwrap();
        assert_eq!(opened.number.reveal(), "4111111111111111");
        assert_eq!(opened.security_code.unwrap().reveal(), "737");
        assert!(vault.open_card(two, &sealed).is_err(), "moved to another row");
        for place in 0..sealed.number.len() {
            let mut changed = sealed.clone();
            changed.number[place] ^= 1;
            assert!(vault.open_card(one, &changed).is_err(), "byte {place} changed");
        }
        for length in 0..sealed.number.len() {
            let mut short = sealed.clone();
            short.number.truncate(length);
            assert!(vault.open_card(one, &short).is_err());
        }
        let swapped = SealedCard {
            number: sealed.security_code.clone().unwrap(),
            security_code: Some(sealed.number.clone()),
            ..sealed.clone()
        };
        assert!(vault.open_card(one, &swapped).is_err(), "columns swapped");
        let other = Vault::with_files(&[8; 32], folder.path()).unwrap();
        assert!(other.open_card(one, &sealed).is_err(), "another master key");
        assert_ne!(vault.seal_card(one, &card(), now).unwrap(), sealed, "never the same twice");
    }

    #[test]
    fn a_security_code_dies_with_its_hour() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("hours");
        let now = Timestamp::from_micros(1_745_676_966_000_657);
        let id = payment(1, now);
        let vault = Vault::with_files(&[7; 32], &keys).unwrap();
        let sealed = vault.seal_card(id, &card(), now).unwrap();
        // A restart in the middle of a challenge loses nothing.
        let vault = Vault::with_files(&[7; 32], &keys).unwrap();
        vault.destroy_old_keys(now.plus(Duration::from_hours(1))).unwrap();
        assert!(vault.open_card(id, &sealed).is_ok());
        vault.destroy_old_keys(now.plus(Duration::from_hours(2))).unwrap();
        assert!(matches!(vault.open_card(id, &sealed), Err(VaultError::KeyDestroyed)));
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 0);
        let number_only = SealedCard { security_code: None, ..sealed };
        assert!(vault.open_card(id, &number_only).is_ok());
    }

    #[test]
    fn digests_are_keyed_and_see_where_parts_end() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::with_files(&[7; 32], folder.path()).unwrap();
        let other = Vault::with_files(&[8; 32], folder.path()).unwrap();
        assert_eq!(vault.digest(&[b"ab", b"c"]), vault.digest(&[b"ab", b"c"]));
        assert_ne!(vault.digest(&[b"ab", b"c"]), vault.digest(&[b"a", b"bc"]));
        assert_ne!(vault.digest(&[b"ab", b"c"]), other.digest(&[b"ab", b"c"]));
    }

    #[test]
    fn a_token_names_one_payment_on_one_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::with_files(&[7; 32], folder.path()).unwrap();
        let other = Vault::with_files(&[8; 32], folder.path()).unwrap();
        let now = Timestamp::from_micros(1_745_676_966_000_657);
        let (one, two) = (payment(1, now), payment(2, now));
        let token = vault.seal_payment_id(one).unwrap();
        assert_eq!(vault.open_payment_id(&token), Some(one));
        assert_eq!(vault.seal_payment_id(one).unwrap(), token, "always the same");
        let again = Vault::with_files(&[7; 32], folder.path()).unwrap();
        assert_eq!(again.open_payment_id(&token), Some(one), "after a restart");
        let of_two = vault.seal_payment_id(two).unwrap();
        assert_eq!(vault.open_payment_id(&of_two), Some(two));
        let same = token.iter().zip(&of_two).filter(|(a, b)| a == b).count();
        assert!(same < 10, "two numbers of one second share {same} bytes");
        assert_eq!(other.open_payment_id(&token), None, "another gateway's");
        assert_ne!(other.seal_payment_id(one).unwrap(), token);
        for bit in 0..256 {
            let mut changed = token;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(vault.open_payment_id(&changed), None, "bit {bit}");
        }
        let mut spliced = token;
        spliced[16..].copy_from_slice(&of_two[16..]);
        assert_eq!(vault.open_payment_id(&spliced), None);
        assert_eq!(vault.open_payment_id(&[0; 32]), None);
    }

    #[test]
    fn hmac_matches_rfc_4231() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::with_files(&[7; 32], folder.path()).unwrap();
        let tag = vault.hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
