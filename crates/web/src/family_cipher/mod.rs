//! The two ciphers of the API family's encrypted mode: AES-256-CBC with PKCS#7 padding, key and IV
//! from the texts of a terminal's keys. They hide the contents and prove nothing: what was
//! decrypted is judged by [`crate::api`], which must not tell a wrong padding from wrong contents.
//!
//! | recipe | IV | text |
//! |---|---|---|
//! | A | the first 16 bytes of SHA-256 over the public key's text | base64url without padding |
//! | B | the first 16 characters of the same hash in hexadecimal | base64, and that once more in base64url without padding |
//!
//! In both the key is the first 32 bytes of the private key's text, filled up with zeros.

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptionContext, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::digest;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use domain::secret::SecretText;
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// Clients differ in whether they pad; a text has one meaning in either form, and no other.
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const OUTER: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
const INNER: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);

/// How key, IV and text are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// The documented one.
    A,
    /// The one of older clients.
    B,
}

/// A key pair of a terminal, as the ciphers need it.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The public key's text.
    pub public: &'a str,
    /// The private key's text.
    pub private: &'a SecretText,
}

/// Why a text is no ciphertext. Anybody can tell so, without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not base64.
    #[error("is not base64")]
    Base64,
    /// Nothing, or no whole number of blocks.
    #[error("holds {0} bytes, which is not one or more blocks of 16")]
    Blocks(usize),
}

/// The library refused a key or a length that it must take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AES-256-CBC is not available")]
pub struct NotAvailable;

/// Encrypts by a recipe. Fails only when the library does.
pub fn encrypt(recipe: Recipe, keys: Keys<'_>, plain: &[u8]) -> Result<String, NotAvailable> {
    let mut data = plain.to_vec();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key_of(keys)?).map_err(not_available)?;
    let context = EncryptionContext::Iv128(FixedLength::from(iv_of(recipe, keys)?));
    key.less_safe_encrypt(&mut data, context).map_err(not_available)?;
    Ok(match recipe {
        Recipe::A => URL_SAFE_NO_PAD.encode(data),
        Recipe::B => URL_SAFE_NO_PAD.encode(STANDARD.encode(data)),
    })
}

/// A ciphertext, whose recipe its own form tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext {
    recipe: Recipe,
    bytes: Vec<u8>,
}

impl Ciphertext {
    /// Reads a text of either recipe. The standard alphabet is understood too, and blanks are what
    /// a form makes of its plus signs.
    ///
    /// What decodes to nothing but base64 in fours is recipe B: for one block of recipe A to look
    /// so by chance has a probability of 2^-32.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text: String = text
            .chars()
            .map(|c| match c {
                '+' | ' ' => '-',
                '/' => '_',
                other => other,
            })
            .collect();
        let outer = OUTER.decode(text).map_err(|_place| Malformed::Base64)?;
        let is_inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let (recipe, bytes) = if outer.len().is_multiple_of(4) && outer.iter().all(is_inner) {
            (Recipe::B, INNER.decode(outer).map_err(|_place| Malformed::Base64)?)
        } else {
            (Recipe::A, outer)
        };
        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
            return Err(Malformed::Blocks(bytes.len()));
        }
        Ok(Self { recipe, bytes })
    }

    /// A ciphertext in the place of one that is malformed, so that refusing it takes as long: as
    /// many blocks as a text of so many characters has at most.
    pub fn in_place_of(characters: usize) -> Self {
        let blocks = (characters / BLOCK).saturating_add(1);
        Self { recipe: Recipe::A, bytes: vec![0; blocks.saturating_mul(BLOCK)] }
    }

    /// Which recipe made it.
    pub const fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// Decrypts. Whether it was the right key can only be guessed, from padding and contents.
    pub fn decrypt(self, keys: Keys<'_>) -> Result<Decrypted, NotAvailable> {
        let mut bytes = Zeroizing::new(self.bytes);
        // Without the library's own check of the padding, which would end early.
        let key = DecryptingKey::cbc(key_of(keys)?).map_err(not_available)?;
        let context = DecryptionContext::Iv128(FixedLength::from(iv_of(self.recipe, keys)?));
        key.decrypt(&mut bytes, context).map_err(not_available)?;
        let padding = padding_of(&bytes);
        Ok(Decrypted { bytes, padding })
    }
}

/// What a key made of a ciphertext.
#[derive(Debug)]
pub struct Decrypted {
    bytes: Zeroizing<Vec<u8>>,
    /// The padding's length; 0 when it is wrong.
    padding: usize,
}

impl Decrypted {
    /// Whether the padding is right.
    pub const fn is_padded(&self) -> bool {
        self.padding != 0
    }

    /// The contents without their padding; with whatever stands there when the padding is wrong,
    /// so that both cases can be given the same work.
    pub fn contents(&self) -> &[u8] {
        self.bytes.get(..self.bytes.len().saturating_sub(self.padding)).unwrap_or_default()
    }
}

/// The length of a PKCS#7 padding, or 0. Looks at the same bytes whatever they are.
fn padding_of(bytes: &[u8]) -> usize {
    let Some(last) = bytes.last_chunk::<BLOCK>() else { return 0 };
    let [.., length] = *last;
    let mut wrong = u8::from(length == 0) | u8::from(length > 16);
    for (place, byte) in (0_u8..).zip(last.iter().rev()) {
        // All ones where the padding reaches, else zero.
        let reaches = u8::from(place < length).wrapping_neg();
        wrong |= reaches & (byte ^ length);
    }
    let right = usize::from(wrong == 0);
    usize::from(length).saturating_mul(right)
}

fn key_of(keys: Keys<'_>) -> Result<UnboundCipherKey, NotAvailable> {
    let mut key = Zeroizing::new([0_u8; 32]);
    key.iter_mut().zip(keys.private.reveal().bytes()).for_each(|(to, from)| *to = from);
    UnboundCipherKey::new(&AES_256, &*key).map_err(not_available)
}

fn iv_of(recipe: Recipe, keys: Keys<'_>) -> Result<[u8; 16], NotAvailable> {
    let hash = digest::digest(&digest::SHA256, keys.public.as_bytes());
    let raw: [u8; 16] = *hash.as_ref().first_chunk().ok_or(NotAvailable)?;
    Ok(match recipe {
        Recipe::A => raw,
        Recipe::B => {
            let mut text = [0; 16];
            let digits = raw.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hexadecimal);
            text.iter_mut().zip(digits).for_each(|(to, from)| *to = from);
            text
        }
    })
}

const fn hexadecimal(digit: u8) -> u8 {
    if digit < 10 {
        b'0'.saturating_add(digit)
    } else {
        b'a'.saturating_add(digit).saturating_sub(10)
    }
}

const fn not_available(_why: aws_lc_rs::error::Unspecified) -> NotAvailable {
    NotAvailable
}

#[cfg(test)]
mod tests;
