//! UPI: the address that pays or is paid, and the device that the customer holds.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is no UPI address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a UPI address like name@bank: letters, digits, dots, dashes and underscores before \
     the @, then a handle of letters and digits that begins with a letter"
)]
pub struct InvalidUpiAddress;

/// A virtual payment address, `name@handle`.
///
/// NPCI compares addresses without regard to case, so they are kept in lower case: a block list
/// then meets an address however it was typed. NPCI's forms for bank accounts and numbers
/// (`account@IFSC.ifsc.npci`) have dots in the handle and are refused, for no payer's app answers
/// to them, and a dot there is nearly always a mail address typed by mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UpiAddress(Box<str>);

impl UpiAddress {
    /// Most characters the whole may have (UPI API and technology specification, `addr`).
    pub const MAX: usize = 255;
    /// Fewest and most characters of the handle.
    pub const HANDLE: std::ops::RangeInclusive<usize> = 2..=64;

    /// The address when it has the right form.
    pub fn parse(text: &str) -> Result<Self, InvalidUpiAddress> {
        let (name, handle) = text.split_once('@').ok_or(InvalidUpiAddress)?;
        let good_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let begins_well = handle.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let good = text.len() <= Self::MAX
            && !name.is_empty()
            && name.bytes().all(good_name)
            && Self::HANDLE.contains(&handle.len())
            && begins_well
            && handle.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !good {
            return Err(InvalidUpiAddress);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The address in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What comes before the `@`.
    pub fn name(&self) -> &str {
        self.0.split_once('@').map_or("", |(name, _handle)| name)
    }

    /// What comes after the `@`: the payer's bank or app.
    pub fn handle(&self) -> &str {
        self.0.split_once('@').map_or("", |(_name, handle)| handle)
    }

    /// For pages: enough for its owner to know it by, as `93•••55@ptyes`. The number of dots
    /// tells nothing, and a short name shows less of itself.
    pub fn masked(&self) -> String {
        let name = self.name();
        let shown = match name.len() {
            0..=3 => 0,
            4..=7 => 1,
            _ => 2,
        };
        let first = name.get(..shown).unwrap_or_default();
        let last = name.get(name.len().saturating_sub(shown)..).unwrap_or_default();
        format!("{first}•••{last}@{}", self.handle())
    }
}

impl fmt::Display for UpiAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<UpiAddress> for String {
    fn from(address: UpiAddress) -> Self {
        address.0.into()
    }
}

impl TryFrom<String> for UpiAddress {
    type Error = InvalidUpiAddress;

    fn try_from(text: String) -> Result<Self, InvalidUpiAddress> {
        Self::parse(&text)
    }
}

/// What the customer holds, the page's `os`: a phone opens the link, a screen shows the QR code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// An Android phone.
    #[serde(rename = "device_android")]
    Android,
    /// An iPhone or iPad.
    #[serde(rename = "device_ios")]
    Ios,
    /// A browser on whatever device.
    #[default]
    #[serde(rename = "web")]
    Web,
}

impl Device {
    /// All devices, in the page's order.
    pub const ALL: [Self; 3] = [Self::Android, Self::Ios, Self::Web];

    /// By its word, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.name().eq_ignore_ascii_case(name))
    }

    /// The word that merchants send.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Android => "device_android",
            Self::Ios => "device_ios",
            Self::Web => "web",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_have_a_name_and_a_handle() {
        let longest = format!("{}@{}", "a".repeat(190), "b".repeat(64));
        for (text, kept, masked) in [
            ("9355555555@ptyes", "9355555555@ptyes", "93•••55@ptyes"),
            ("Success@SandBox", "success@sandbox", "s•••s@sandbox"),
            ("a@ok", "a@ok", "•••@ok"),
            ("abc@upi", "abc@upi", "•••@upi"),
            ("abcd@upi", "abcd@upi", "a•••d@upi"),
            ("first.last-name_1@okaxis2", "first.last-name_1@okaxis2", "fi•••_1@okaxis2"),
            (&longest, &longest, &format!("aa•••aa@{}", "b".repeat(64))),
        ] {
            let address = UpiAddress::parse(text).unwrap();
            assert_eq!((address.as_str(), &*address.masked()), (kept, masked));
            assert_eq!(format!("{}@{}", address.name(), address.handle()), kept);
        }
    }

    #[test]
    fn other_texts_are_told_the_right_form() {
        for bad in [
            "",
            "@",
            "name",
            "@upi",
            "name@",
            "name@u",
            "name@1upi",
            "name@gmail.com",
            "12345@HDFC0000001.ifsc.npci",
            "a b@upi",
            " name@upi",
            "name@upi ",
            "name@@upi",
            "na@me@upi",
            "name+tag@upi",
            "n\u{e4}me@upi",
            "name@\u{fc}pi",
            "name@upi\n",
            &format!("name@{}", "b".repeat(65)),
            &format!("{}@upi", "a".repeat(252)),
        ] {
            assert_eq!(UpiAddress::parse(bad), Err(InvalidUpiAddress), "{bad:?}");
        }
        assert!(InvalidUpiAddress.to_string().contains("name@bank"));
    }

    #[test]
    fn stored_addresses_are_read_by_the_same_rule() {
        let address = UpiAddress::parse("Shop@Upi").unwrap();
        let stored = serde_json::to_string(&address).unwrap();
        assert_eq!(stored, r#""shop@upi""#);
        assert_eq!(serde_json::from_str::<UpiAddress>(&stored).unwrap(), address);
        assert!(serde_json::from_str::<UpiAddress>(r#""shop""#).is_err());
    }

    #[test]
    fn devices_have_words_in_any_case() {
        for (word, device) in
            [("device_android", Device::Android), ("DEVICE_IOS", Device::Ios), ("Web", Device::Web)]
        {
            assert_eq!(Device::from_name(word), Some(device));
            let stored = serde_json::to_string(&device).unwrap();
            assert_eq!(stored, format!("\"{}\"", word.to_lowercase()));
            assert_eq!(serde_json::from_str::<Device>(&stored).unwrap(), device);
        }
        for bad in ["", "android", "device_web", "web "] {
            assert_eq!(Device::from_name(bad), None, "{bad:?}");
        }
        assert_eq!(Device::default(), Device::Web);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|[a-zA-Z0-9.@_-]{0,300}") {
            if let Ok(address) = UpiAddress::parse(&text) {
                prop_assert_eq!(address.as_str(), text.to_lowercase());
                prop_assert_eq!(&UpiAddress::parse(address.as_str()).unwrap(), &address);
                let masked = address.masked();
                let hidden = address.name().len().saturating_sub(masked.find('•').unwrap().saturating_mul(2));
                prop_assert!(masked.ends_with(address.handle()) && hidden > 0, "{}", masked);
            }
        }
    }
}
