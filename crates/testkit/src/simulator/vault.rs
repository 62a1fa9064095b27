//! A vault for simulations. Its locks are toys, but a key that was destroyed is gone, and with it
//! what it locked.

use super::dice::Dice;
use domain::card::{Brand, Card, CardNumber, SecurityCode};
use domain::id::PaymentId;
use domain::time::Timestamp;
use engine::changeset::SealedCard;
use engine::error::VaultError;
use engine::ports::{OpenCard, Vault};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a security code can be opened.
const HOURS_KEPT: i64 = 2;

/// The vault that all nodes of a run share.
#[derive(Debug, Default)]
pub struct ToyVault {
    hours: Mutex<BTreeMap<i64, u64>>,
}

fn hash(parts: &[&[u8]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Locks and unlocks.
fn mask(key: u64, bytes: &[u8]) -> Vec<u8> {
    let mut dice = Dice::new(key);
    let stream = std::iter::repeat_with(|| dice.next().to_le_bytes()).flatten();
    bytes.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect()
}

fn number_key(payment: PaymentId) -> u64 {
    hash(&[b"number", &payment.stored().to_le_bytes()])
}

fn wide(parts: &[&[u8]]) -> [u8; 32] {
    let mut wide = [0; 32];
    for (place, chunk) in (0_u64..).zip(wide.chunks_mut(8)) {
        let place = place.to_le_bytes();
        let with_place: Vec<&[u8]> =
            std::iter::once(place.as_slice()).chain(parts.iter().copied()).collect();
        chunk.copy_from_slice(&hash(&with_place).to_le_bytes());
    }
    wide
}

impl ToyVault {
    fn hours(&self) -> MutexGuard<'_, BTreeMap<i64, u64>> {
        self.hours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn hour(now: Timestamp) -> i64 {
    now.unix_seconds().div_euclid(3600)
}

impl Vault for ToyVault {
    fn seal_card(
        &self,
        payment: PaymentId,
        card: &Card,
        now: Timestamp,
    ) -> Result<SealedCard, VaultError> {
        let hour = hour(now);
        let key =
            *self.hours().entry(hour).or_insert_with(|| hash(&[b"hour", &hour.to_le_bytes()]));
        let mut code = hour.to_le_bytes().to_vec();
        code.extend(mask(key, card.security_code.reveal().as_bytes()));
        Ok(SealedCard {
            number: mask(number_key(payment), card.number.reveal().as_bytes()),
            security_code: Some(code),
            expiry: card.expiry,
        })
    }

    fn open_card(&self, payment: PaymentId, sealed: &SealedCard) -> Result<OpenCard, VaultError> {
        let wrong = |_error: std::string::FromUtf8Error| VaultError::Sealed("card");
        let digits = String::from_utf8(mask(number_key(payment), &sealed.number)).map_err(wrong)?;
        let number = CardNumber::parse(&digits, true).map_err(|_no| VaultError::Sealed("card"))?;
        let security_code = match &sealed.security_code {
            None => None,
            Some(sealed) => {
                let (hour, sealed) = sealed.split_at(8);
                let hour = i64::from_le_bytes(hour.try_into().unwrap());
                let key = *self.hours().get(&hour).ok_or(VaultError::KeyDestroyed)?;
                let code = String::from_utf8(mask(key, sealed)).map_err(wrong)?;
                let code = SecurityCode::parse(&code, Brand::Visa);
                Some(code.map_err(|_no| VaultError::Sealed("security code"))?)
            }
        };
        Ok(OpenCard { number, security_code, expiry: sealed.expiry })
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        wide(parts)
    }

    fn hmac(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        wide(&[b"hmac", key, message])
    }

    fn seal_payment_id(&self, id: PaymentId) -> Result<[u8; 32], VaultError> {
        let number = id.stored().to_le_bytes();
        let mut token = wide(&[b"token", &number]);
        let masked = mask(hash(&[b"token"]), &number);
        token.iter_mut().zip(masked).for_each(|(to, from)| *to = from);
        Ok(token)
    }

    fn open_payment_id(&self, token: &[u8; 32]) -> Option<PaymentId> {
        let number = mask(hash(&[b"token"]), token.first_chunk::<8>()?);
        let number = i64::from_le_bytes(number.try_into().ok()?);
        let id = PaymentId::from_stored(number).ok()?;
        (self.seal_payment_id(id).ok()? == *token).then_some(id)
    }

    fn seal_secret(&self, table: &str, row: &str, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        Ok(mask(hash(&[table.as_bytes(), row.as_bytes()]), plain))
    }

    fn open_secret(
        &self,
        table: &'static str,
        row: &str,
        sealed: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, VaultError> {
        Ok(mask(hash(&[table.as_bytes(), row.as_bytes()]), sealed).into())
    }

    fn destroy_old_keys(&self, now: Timestamp) -> Result<(), VaultError> {
        self.hours().retain(|kept, _key| *kept > hour(now) - HOURS_KEPT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use domain::card::Expiry;
    use std::time::Duration;

    #[test]
    fn a_security_code_is_gone_with_the_key_of_its_hour() {
        let vault = ToyVault::default();
        let id = fixture::payment(1, "vault").id;
        let number = CardNumber::parse("4111111111111111", true).unwrap();
        let security_code = SecurityCode::parse("123", number.brand()).unwrap();
        let card = Card { number, security_code, expiry: Expiry { year: 2030, month: 1 } };
        let sealed = vault.seal_card(id, &card, fixture::now()).unwrap();
        let open = vault.open_card(id, &sealed).unwrap();
        assert_eq!(open.security_code.unwrap().reveal(), "123");
        vault.destroy_old_keys(fixture::now().plus(Duration::from_hours(1))).unwrap();
        assert!(vault.open_card(id, &sealed).is_ok());
        vault.destroy_old_keys(fixture::now().plus(Duration::from_hours(2))).unwrap();
        assert!(matches!(vault.open_card(id, &sealed), Err(VaultError::KeyDestroyed)));
        let dropped = SealedCard { security_code: None, ..sealed };
        let open = vault.open_card(id, &dropped).unwrap();
        assert_eq!(open.number.reveal(), "4111111111111111");
        assert!(open.security_code.is_none());
    }
}
