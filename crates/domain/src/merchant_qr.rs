//! The text of a QR code that a merchant shows, by EMVCo's specification for merchant-presented
//! mode, version 1.1, with UPI in it as BharatQR has it.
//!
//! The text is a row of objects: a tag of two digits, a length of two digits that counts
//! characters, the value. Some values are such rows themselves. The last object is a checksum.

use crate::merchant::MerchantCategoryCode;
use crate::money::{AmountError, Currency, Money};
use crate::text::{MerchantCity, TextError};
use crate::upi::{InvalidUpiAddress, UpiAddress};
use crate::upi_link::{UpiLink, UpiReference};
use crc::{CRC_16_IBM_3740, Crc};
use deunicode::deunicode_with_tofu;
use std::fmt::Write as _;

/// NPCI's registered identifier, by which apps know that tags 26 and 27 are UPI's.
const NPCI: &str = "A000000524";
/// ISO 4217's number of the Indian rupee.
const RUPEE: &str = "356";
/// Most characters of a value: its length has two digits.
const VALUE_MAX: usize = 99;
/// Most characters of a merchant's name (tag 59).
const NAME_MAX: usize = 25;
/// Most characters of a reference label (tag 62, inner tag 05).
const LABEL_MAX: usize = 25;
/// The tag and the length of the checksum, which it covers as well.
const CHECKSUM: &str = "6304";
/// What the name is when nothing of it can be written in ASCII.
const NO_NAME: &str = "Merchant";
/// What the city is when an operator set none; a code must name one.
const NO_CITY: &str = "India";
/// The category when an operator set none: not told.
const NO_CATEGORY: &str = "0000";

/// Also known as CCITT-FALSE: polynomial 0x1021, begun with 0xFFFF (EMVCo MPM 1.1, 4.7.3).
const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// Why there is no code for a link, or a text is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerchantQrError {
    /// The payee's address does not fit.
    #[error("the UPI address is too long for a QR code of a merchant")]
    AddressTooLong,
    /// The objects do not fill the text.
    #[error("is not a row of tags, lengths and values")]
    Form,
    /// The checksum is another.
    #[error("has the wrong checksum")]
    Checksum,
    /// An object that must be there is not.
    #[error("has no object {0}")]
    Missing(&'static str),
    /// The object has a value that is not for UPI.
    #[error("has another value of object {0} than UPI's")]
    Other(&'static str),
    /// The payee's address has the wrong form.
    #[error("its UPI address {0}")]
    Address(#[from] InvalidUpiAddress),
    /// The amount has the wrong form.
    #[error("its amount {0}")]
    Amount(#[from] AmountError),
    /// Another value has the wrong form.
    #[error("its object {0} {1}")]
    Value(&'static str, TextError),
}

/// What a code says: pay this amount to this merchant, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantQr {
    /// Who is paid.
    pub address: UpiAddress,
    /// What the money is known by.
    pub reference: UpiReference,
    /// The merchant's name, ASCII, at most 25 characters.
    pub merchant_name: String,
    /// The merchant's city, ASCII, at most 15 characters.
    pub merchant_city: String,
    /// What the merchant sells.
    pub category: Option<MerchantCategoryCode>,
    /// What is paid, in rupees.
    pub amount: Money,
}

impl MerchantQr {
    /// The code that asks for the same as a link. Letters beyond ASCII are transliterated, for
    /// readers differ on whether the lengths of such values are characters or bytes.
    pub fn of_link(link: &UpiLink, city: Option<&MerchantCity>) -> Self {
        let city = city.map(|city| ascii(city.as_str(), MerchantCity::MAX));
        Self {
            address: link.address().clone(),
            reference: link.reference().clone(),
            merchant_name: Some(ascii(link.payee_name(), NAME_MAX))
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| NO_NAME.to_owned()),
            merchant_city: city
                .filter(|city| !city.is_empty())
                .unwrap_or_else(|| NO_CITY.to_owned()),
            category: link.category(),
            amount: link.amount(),
        }
    }

    /// The text to be drawn.
    pub fn text(&self) -> Result<String, MerchantQrError> {
        let amount = self.amount.to_decimal_text();
        let reference = self.reference.as_str();
        // The payer may not pay less either (inner tag 02).
        let payee = row(&[("00", NPCI), ("01", self.address.as_str()), ("02", &amount)]);
        if payee.len() > VALUE_MAX {
            return Err(MerchantQrError::AddressTooLong);
        }
        let category = self.category.map_or_else(|| NO_CATEGORY.to_owned(), |c| c.to_string());
        let mut text = row(&[
            ("00", "01"),
            // Made for one payment; the same code is not shown again.
            ("01", "12"),
            ("26", &payee),
            ("27", &row(&[("00", NPCI), ("01", reference)])),
            ("52", &category),
            ("53", RUPEE),
            ("54", &amount),
            ("58", "IN"),
            ("59", &self.merchant_name),
            ("60", &self.merchant_city),
        ]);
        if reference.len() <= LABEL_MAX {
            text.push_str(&row(&[("62", &row(&[("05", reference)]))]));
        }
        text.push_str(CHECKSUM);
        let checksum = CRC.checksum(text.as_bytes());
        push(&mut text, format_args!("{checksum:04X}"));
        Ok(text)
    }

    /// Reads the text of a code that asks for a certain amount by UPI, whoever made it.
    pub fn parse(text: &str) -> Result<Self, MerchantQrError> {
        let objects = objects(text)?;
        let (body, checksum) =
            text.len().checked_sub(4).and_then(|at| text.split_at_checked(at)).unwrap_or_default();
        let sum = u16::from_str_radix(checksum, 16).ok();
        if !body.ends_with(CHECKSUM) || sum != Some(CRC.checksum(body.as_bytes())) {
            return Err(MerchantQrError::Checksum);
        }
        expect(&objects, "00", "01")?;
        expect(&objects, "53", RUPEE)?;
        let payee = self::objects(find(&objects, "26")?)?;
        expect(&payee, "00", NPCI)?;
        let paid_for = self::objects(find(&objects, "27")?)?;
        let value = |tag| move |error| MerchantQrError::Value(tag, error);
        let reference = UpiReference::parse(find(&paid_for, "01")?).map_err(value("27"))?;
        let category = Some(find(&objects, "52")?).filter(|code| *code != NO_CATEGORY);
        let category = category.map(MerchantCategoryCode::parse).transpose();
        let rupees = Currency::from_code("INR").map_err(|_hidden| MerchantQrError::Other("53"))?;
        Ok(Self {
            address: UpiAddress::parse(find(&payee, "01")?)?,
            reference,
            merchant_name: find(&objects, "59")?.to_owned(),
            merchant_city: find(&objects, "60")?.to_owned(),
            category: category.map_err(value("52"))?,
            amount: Money::parse(find(&objects, "54")?, rupees)?,
        })
    }
}

/// In printable ASCII, at most so many characters, without blanks at either end.
fn ascii(text: &str, most: usize) -> String {
    let printable = deunicode_with_tofu(text, "").replace(|c: char| !matches!(c, ' '..='~'), " ");
    let cut = printable.trim().chars().take(most).collect::<String>();
    cut.trim_end().to_owned()
}

/// Objects one after the other. Every value is ASCII, so that bytes are characters.
fn row(objects: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (tag, value) in objects {
        push(&mut text, format_args!("{tag}{:02}{value}", value.len()));
    }
    text
}

fn push(text: &mut String, formatted: std::fmt::Arguments<'_>) {
    // Cannot fail: a `String` takes everything.
    let _infallible = text.write_fmt(formatted);
}

/// The objects of a row, their lengths counted in characters.
fn objects(mut text: &str) -> Result<Vec<(&str, &str)>, MerchantQrError> {
    let mut found = Vec::new();
    while !text.is_empty() {
        let (tag, rest) = text.split_at_checked(2).ok_or(MerchantQrError::Form)?;
        let (length, rest) = rest.split_at_checked(2).ok_or(MerchantQrError::Form)?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(tag) || !digits(length) {
            return Err(MerchantQrError::Form);
        }
        let length: usize = length.parse().map_err(|_hidden| MerchantQrError::Form)?;
        let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        let (value, after) = ends
            .nth(length)
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(MerchantQrError::Form)?;
        found.push((tag, value));
        text = after;
    }
    Ok(found)
}

fn find<'a>(objects: &[(&str, &'a str)], tag: &'static str) -> Result<&'a str, MerchantQrError> {
    let found = objects.iter().find(|(found, _value)| *found == tag);
    found.map(|(_tag, value)| *value).ok_or(MerchantQrError::Missing(tag))
}

fn expect(objects: &[(&str, &str)], tag: &'static str, value: &str) -> Result<(), MerchantQrError> {
    let same = find(objects, tag)? == value;
    same.then_some(()).ok_or(MerchantQrError::Other(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A code that Razorpay's documentation shows.
    const RAZORPAY: &str = "000201010212021643926300000000850415540461000000008061661005900000000890827YESB0CMSNOC222333004882700126430010A0000005240117razorpaybqr@icici02041.1027350010A0000005240117RZPGT8ildsFTgS5Sp52047531530335654041.105802IN5906zxcbmn6005Delhi610611008562300514GT8ildsFTgS5Sp070838R004506304B6A9";

    fn link(address: &str, name: &str, reference: &str, amount: &str) -> UpiLink {
        let rupees = Money::parse(amount, Currency::from_code("INR").unwrap()).unwrap();
        let address = UpiAddress::parse(address).unwrap();
        UpiLink::new(address, name, UpiReference::parse(reference).unwrap(), rupees).unwrap()
    }

    fn city(name: &str) -> MerchantCity {
        MerchantCity::parse(name).unwrap()
    }

    #[test]
    fn codes_have_their_objects_in_order() {
        let link = link("shop@sandbox", "Demo Shop", "100135250426141606", "11.1")
            .with_category(MerchantCategoryCode::parse("5411").unwrap());
        let code = MerchantQr::of_link(&link, Some(&city("Pune")));
        let text = code.text().unwrap();
        let expected = "00020101021226390010A0000005240112shop@sandbox020511.10\
                        27360010A0000005240118100135250426141606\
                        520454115303356540511.105802IN5909Demo Shop6004Pune\
                        62220518100135250426141606630";
        assert_eq!(text.get(..text.len() - 5), Some(expected));
        assert_eq!(MerchantQr::parse(&text).unwrap(), code);
    }

    #[test]
    fn codes_of_others_are_read() {
        let code = MerchantQr::parse(RAZORPAY).unwrap();
        assert_eq!(code.address.as_str(), "razorpaybqr@icici");
        assert_eq!(code.reference.as_str(), "RZPGT8ildsFTgS5Sp");
        assert_eq!((&*code.merchant_name, &*code.merchant_city), ("zxcbmn", "Delhi"));
        assert_eq!((code.category.unwrap().to_string(), code.amount.minor()), ("7531".into(), 110));
        let lower = RAZORPAY.replace("B6A9", "b6a9");
        assert_eq!(MerchantQr::parse(&lower).unwrap(), code);
    }

    #[test]
    fn names_are_ascii_and_short() {
        for (name, written) in [
            ("Caf\u{e9} M\u{fc}nchen \u{1f980}", "Cafe Munchen crab"),
            ("\u{926}\u{941}\u{915}\u{93e}\u{928}", "dukaan"),
            ("\u{20b9}\u{20b9}", "RsRs"),
            ("\u{e000}\u{e001}", "Merchant"),
            ("A shop with a name longer than that", "A shop with a name longer"),
            ("A shop with a names longe r", "A shop with a names longe"),
        ] {
            let code = MerchantQr::of_link(&link("a@upi", name, "1", "1"), None);
            assert_eq!(code.merchant_name, written);
            assert_eq!(code.merchant_city, "India");
            assert_eq!(MerchantQr::parse(&code.text().unwrap()).unwrap(), code);
        }
        let code =
            MerchantQr::of_link(&link("a@upi", "A", "1", "1"), Some(&city(" Stra\u{df}burg")));
        assert_eq!(code.merchant_city, "Strassburg");
        let long = city(&"\u{df}".repeat(15));
        let code = MerchantQr::of_link(&link("a@upi", "A", "1", "1"), Some(&long));
        assert_eq!(code.merchant_city, "s".repeat(15));
    }

    #[test]
    fn what_does_not_fit_is_refused_or_left_out() {
        let reference = "R".repeat(35);
        // With the amount's 4 + 4 characters and the identifier's 14, 73 remain.
        let fits = format!("{}@upi", "a".repeat(69));
        let code = MerchantQr::of_link(&link(&fits, "A", &reference, "9.99"), None);
        let text = code.text().unwrap();
        assert_eq!(find(&objects(&text).unwrap(), "62"), Err(MerchantQrError::Missing("62")));
        assert_eq!(MerchantQr::parse(&text).unwrap(), code);
        let long = format!("a{fits}");
        let code = MerchantQr::of_link(&link(&long, "A", &reference, "9.99"), None);
        assert_eq!(code.text(), Err(MerchantQrError::AddressTooLong));
    }

    fn with_checksum(body: &str) -> String {
        let body = format!("{body}{CHECKSUM}");
        format!("{body}{:04X}", CRC.checksum(body.as_bytes()))
    }

    #[test]
    fn what_is_no_code_is_refused_with_the_reason() {
        let body = RAZORPAY.split_at(RAZORPAY.len() - 8).0;
        assert_eq!(with_checksum(body), RAZORPAY);
        let changed = |from: &str, to: &str| with_checksum(&body.replacen(from, to, 1));
        for (bad, error) in [
            (String::new(), MerchantQrError::Checksum),
            ("0".to_owned(), MerchantQrError::Form),
            ("6304".to_owned(), MerchantQrError::Form),
            ("00\u{e9}1".to_owned(), MerchantQrError::Form),
            (RAZORPAY.replace("1.1058", "1.1158"), MerchantQrError::Checksum),
            (RAZORPAY.replace("B6A9", "B6A8"), MerchantQrError::Checksum),
            (format!("{RAZORPAY}0001"), MerchantQrError::Form),
            (changed("5802", "58+2"), MerchantQrError::Form),
            (changed("58", "5a"), MerchantQrError::Form),
            (changed("5906zx", "5907zx"), MerchantQrError::Form),
            (changed("5906zxcbmn", ""), MerchantQrError::Missing("59")),
            (changed("5303356", "5303840"), MerchantQrError::Other("53")),
            (changed("A000000524", "A000000525"), MerchantQrError::Other("00")),
            (changed("54041.10", "54040.00"), AmountError::Zero.into()),
            (changed("bqr@icici", "bqr.icici"), InvalidUpiAddress.into()),
        ] {
            assert_eq!(MerchantQr::parse(&bad), Err(error), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|[0-9]{0,60}|(00020[0-9]{1,3}){0,20}") {
            let read = MerchantQr::parse(&text);
            prop_assert!(read.is_err(), "{:?}", read);
            let read = MerchantQr::parse(&with_checksum(&text));
            prop_assert!(read.is_err(), "{:?}", read);
        }

        #[test]
        fn every_code_reads_back(
            name in "\\PC{1,60}", town in "\\PC{1,15}",
            minor in 1_i64..10_000_000_000, id in "[A-Za-z0-9._-]{1,35}",
        ) {
            let money = Money::from_minor(minor, Currency::from_code("INR").unwrap()).unwrap();
            let address = UpiAddress::parse("a.b-c_1@okaxis").unwrap();
            let link = UpiLink::new(address, &name, UpiReference::parse(&id).unwrap(), money);
            let code = MerchantQr::of_link(&link.unwrap(), MerchantCity::parse(&town).ok().as_ref());
            let text = code.text().unwrap();
            prop_assert!(text.is_ascii(), "{}", text);
            prop_assert_eq!(MerchantQr::parse(&text).unwrap(), code);
        }
    }
}
