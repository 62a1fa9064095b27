//! The link that opens a UPI app: `upi://pay?pa=…`, by NPCI's linking specification, version 1.6.

use crate::id::PaymentId;
use crate::merchant::MerchantCategoryCode;
use crate::money::{AmountError, Currency, Money};
use crate::text::TextError;
use crate::upi::{InvalidUpiAddress, UpiAddress};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;

/// Most characters of a payee's name (`pn`).
pub const NAME_MAX: usize = 99;
/// Most characters of a note (`tn`).
pub const NOTE_MAX: usize = 50;

/// What stays as it is in a value. `@` does, for some apps look for it in `pa` before decoding;
/// everything else that is not unreserved is encoded, a blank as `%20` and never as `+`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// A number of a payment in a link (`tr`, `tid`): the payer's bank gives it back with the money.
/// It is refused where it is too long, for half a number could be another payment's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpiReference(Box<str>);

impl UpiReference {
    /// Most characters it may have.
    pub const MAX: usize = 35;

    /// The number when it has the right form.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(good) {
            return Err(TextError("must be 1 to 35 letters, digits, dots, dashes and underscores"));
        }
        Ok(Self(text.into()))
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<PaymentId> for UpiReference {
    fn from(id: PaymentId) -> Self {
        Self(id.to_string().into())
    }
}

/// How the link comes to the payer's app (`mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkMode {
    /// Scanned from a QR code.
    QrCode,
    /// Opened on the payer's phone.
    Intent,
}

impl LinkMode {
    const fn code(self) -> &'static str {
        match self {
            Self::QrCode => "01",
            Self::Intent => "04",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::QrCode, Self::Intent].into_iter().find(|mode| mode.code() == code)
    }
}

/// UPI moves Indian rupees only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("UPI takes INR only, not {0}")]
pub struct NotRupees(pub Currency);

/// Why a text is no link that pays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Another scheme or another action.
    #[error("must begin with upi://pay?")]
    Start,
    /// A parameter that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter is there more than once: apps differ on which one counts.
    #[error("{0} is there more than once")]
    Twice(&'static str),
    /// What is encoded in a parameter is no UTF-8.
    #[error("{0} is not UTF-8")]
    Encoding(&'static str),
    /// `pa` is no address.
    #[error("pa {0}")]
    Address(#[from] InvalidUpiAddress),
    /// `am` is no amount.
    #[error("am {0}")]
    Amount(#[from] AmountError),
    /// `cu` is another currency.
    #[error("cu must be INR")]
    Currency,
    /// `mc`, `tr` or `tid` has the wrong form.
    #[error("{0} {1}")]
    Form(&'static str, TextError),
}

/// A link that pays an amount to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpiLink {
    address: UpiAddress,
    payee_name: String,
    category: Option<MerchantCategoryCode>,
    transaction_id: Option<UpiReference>,
    reference: UpiReference,
    note: Option<String>,
    amount: Money,
    mode: Option<LinkMode>,
}

impl UpiLink {
    /// A link with what every payment has; a longer name than UPI takes is cut. The reference is
    /// what the money is known by when it comes.
    pub fn new(
        address: UpiAddress,
        payee_name: &str,
        reference: UpiReference,
        amount: Money,
    ) -> Result<Self, NotRupees> {
        if amount.currency().code() != "INR" {
            return Err(NotRupees(amount.currency()));
        }
        Ok(Self {
            address,
            payee_name: cut(payee_name, NAME_MAX),
            category: None,
            transaction_id: None,
            reference,
            note: None,
            amount,
            mode: None,
        })
    }

    /// With what the merchant sells (`mc`).
    #[must_use]
    pub fn with_category(self, category: MerchantCategoryCode) -> Self {
        Self { category: Some(category), ..self }
    }

    /// With the transaction number of the payee's bank (`tid`); only banks have one.
    #[must_use]
    pub fn with_transaction_id(self, id: UpiReference) -> Self {
        Self { transaction_id: Some(id), ..self }
    }

    /// With a note that the payer reads (`tn`); a longer one than UPI takes is cut.
    #[must_use]
    pub fn with_note(self, note: &str) -> Self {
        Self { note: Some(cut(note, NOTE_MAX)).filter(|note| !note.is_empty()), ..self }
    }

    /// With how it comes to the payer (`mode`).
    #[must_use]
    pub fn with_mode(self, mode: LinkMode) -> Self {
        Self { mode: Some(mode), ..self }
    }

    /// Reads a link. Parameters that are not named here are passed over; `cu` may be absent.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        const START: &str = "upi://pay?";
        let (start, query) = text.split_at_checked(START.len()).ok_or(LinkError::Start)?;
        if !start.eq_ignore_ascii_case(START) {
            return Err(LinkError::Start);
        }
        let value = |name: &'static str| value_of(query, name);
        let must = |name| value(name)?.ok_or(LinkError::Missing(name));
        let reference = |name, text: String| {
            UpiReference::parse(&text).map_err(|error| LinkError::Form(name, error))
        };
        let rupees = Currency::from_code("INR").map_err(|_impossible| LinkError::Currency)?;
        if value("cu")?.is_some_and(|currency| !currency.eq_ignore_ascii_case("INR")) {
            return Err(LinkError::Currency);
        }
        let category = value("mc")?.map(|code| {
            MerchantCategoryCode::parse(&code).map_err(|error| LinkError::Form("mc", error))
        });
        Ok(Self {
            address: UpiAddress::parse(&must("pa")?)?,
            payee_name: cut(&must("pn")?, NAME_MAX),
            category: category.transpose()?,
            transaction_id: value("tid")?.map(|id| reference("tid", id)).transpose()?,
            reference: reference("tr", must("tr")?)?,
            note: value("tn")?.map(|note| cut(&note, NOTE_MAX)).filter(|note| !note.is_empty()),
            amount: Money::parse(&must("am")?, rupees)?,
            mode: value("mode")?.and_then(|code| LinkMode::from_code(&code)),
        })
    }

    /// Who is paid.
    pub const fn address(&self) -> &UpiAddress {
        &self.address
    }

    /// The payee's name as the payer reads it.
    pub fn payee_name(&self) -> &str {
        &self.payee_name
    }

    /// What the merchant sells.
    pub const fn category(&self) -> Option<MerchantCategoryCode> {
        self.category
    }

    /// The transaction number of the payee's bank.
    pub const fn transaction_id(&self) -> Option<&UpiReference> {
        self.transaction_id.as_ref()
    }

    /// What the money is known by.
    pub const fn reference(&self) -> &UpiReference {
        &self.reference
    }

    /// The note that the payer reads.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// What is paid, in rupees.
    pub const fn amount(&self) -> Money {
        self.amount
    }

    /// How it comes to the payer.
    pub const fn mode(&self) -> Option<LinkMode> {
        self.mode
    }
}

impl fmt::Display for UpiLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let category = self.category.map(|code| code.to_string());
        let amount = self.amount.to_decimal_text();
        let parameters = [
            ("pa", Some(self.address.as_str())),
            ("pn", Some(self.payee_name.as_str())),
            ("mc", category.as_deref()),
            ("tid", self.transaction_id.as_ref().map(UpiReference::as_str)),
            ("tr", Some(self.reference.as_str())),
            ("tn", self.note.as_deref()),
            ("am", Some(amount.as_str())),
            ("cu", Some("INR")),
            ("mode", self.mode.map(LinkMode::code)),
        ];
        f.write_str("upi://pay")?;
        let there = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (place, (name, value)) in there.enumerate() {
            let glue = if place == 0 { '?' } else { '&' };
            write!(f, "{glue}{name}={}", utf8_percent_encode(value, ENCODED))?;
        }
        Ok(())
    }
}

/// The value of a parameter, decoded; none when it is absent or empty. A `+` is a plus.
fn value_of(query: &str, name: &'static str) -> Result<Option<String>, LinkError> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut found = pairs.filter(|(key, _value)| *key == name);
    let Some((_key, value)) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(LinkError::Twice(name));
    }
    let decoded = percent_decode_str(value).decode_utf8();
    let decoded = decoded.map_err(|_hidden| LinkError::Encoding(name))?;
    Ok(Some(decoded.into_owned()).filter(|value| !value.is_empty()))
}

/// The first `most` characters, without control characters and blanks at either end.
fn cut(text: &str, most: usize) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let trimmed = printable.collect::<String>();
    trimmed.trim().chars().take(most).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text, Currency::from_code("INR").unwrap()).unwrap()
    }

    fn reference(text: &str) -> UpiReference {
        UpiReference::parse(text).unwrap()
    }

    fn plain() -> UpiLink {
        let address = UpiAddress::parse("Shop@SandBox").unwrap();
        UpiLink::new(address, "Demo Shop", reference("100135250426141606"), rupees("11.1")).unwrap()
    }

    #[test]
    fn links_have_their_parameters_in_order() {
        let short =
            "upi://pay?pa=shop@sandbox&pn=Demo%20Shop&tr=100135250426141606&am=11.10&cu=INR";
        assert_eq!(plain().to_string(), short);
        let full = plain()
            .with_category(MerchantCategoryCode::parse("0742").unwrap())
            .with_transaction_id(reference("AXB1"))
            .with_note("Tea & cake, 100% + \u{20b9}")
            .with_mode(LinkMode::QrCode);
        assert_eq!(
            full.to_string(),
            "upi://pay?pa=shop@sandbox&pn=Demo%20Shop&mc=0742&tid=AXB1&tr=100135250426141606\
             &tn=Tea%20%26%20cake%2C%20100%25%20%2B%20%E2%82%B9&am=11.10&cu=INR&mode=01"
        );
        for link in [plain(), full, plain().with_mode(LinkMode::Intent)] {
            assert_eq!(UpiLink::parse(&link.to_string()).unwrap(), link);
        }
        let id: PaymentId = "100135250426141606".parse().unwrap();
        assert_eq!(UpiReference::from(id), *plain().reference());
    }

    #[test]
    fn long_values_end_between_characters() {
        let name = "\u{0926}".repeat(120);
        let note = format!("{} {}", "x".repeat(49), "y".repeat(20));
        let amount = rupees("99999999.99");
        let address = UpiAddress::parse("shop@sandbox").unwrap();
        let link = UpiLink::new(address, &name, reference("1"), amount).unwrap().with_note(&note);
        assert_eq!(link.payee_name().chars().count(), NAME_MAX);
        assert_eq!(link.note(), Some("x".repeat(49).as_str()), "no blank at the end");
        assert!(link.to_string().ends_with("&am=99999999.99&cu=INR"));
        assert_eq!(UpiLink::parse(&link.to_string()).unwrap(), link);
        assert_eq!(plain().with_note("a\r\nb").note(), Some("a  b"));
        assert_eq!(plain().with_note(" \n").note(), None);
        let long = "1".repeat(UpiReference::MAX);
        assert!(UpiReference::parse(&long).is_ok());
        assert!(UpiReference::parse(&format!("{long}1")).is_err());
    }

    #[test]
    fn only_rupees_go_by_upi() {
        let euro = Currency::from_code("EUR").unwrap();
        let address = UpiAddress::parse("shop@sandbox").unwrap();
        let money = Money::parse("1.00", euro).unwrap();
        let refused = UpiLink::new(address, "Shop", reference("1"), money).unwrap_err();
        assert_eq!(refused, NotRupees(euro));
        assert_eq!(refused.to_string(), "UPI takes INR only, not EUR");
    }

    #[test]
    fn links_of_processors_are_read() {
        let text = "UPI://pay?pa=shop.razorpay@hdfcbank&pn=TestAccount&tr=RZPGT5viB4WHeoUuuqrv2\
                    &tn=A+B&am=100&mc=5411&mode=22&orgid=000000&sign=MEUC";
        let link = UpiLink::parse(text).unwrap();
        assert_eq!(link.address().handle(), "hdfcbank");
        assert_eq!((link.note(), link.amount()), (Some("A+B"), rupees("100.00")));
        assert_eq!((link.mode(), link.transaction_id()), (None, None));
        assert_eq!(link.category().unwrap().to_string(), "5411");
    }

    #[test]
    fn what_is_no_link_is_refused_with_the_reason() {
        let good = plain().to_string();
        for (bad, reason) in [
            (String::new(), "must begin with upi://pay?"),
            ("upi://mandate?pa=a@upi".to_owned(), "must begin with upi://pay?"),
            (good.replace("pa=", "px="), "pa is missing"),
            (good.replace("pn=Demo%20Shop", "pn="), "pn is missing"),
            (format!("{good}&pa=thief@upi"), "pa is there more than once"),
            (good.replace("Demo", "%FF"), "pn is not UTF-8"),
            (good.replace("am=11.10", "am=0"), "am must be above zero"),
            (good.replace("cu=INR", "cu=EUR"), "cu must be INR"),
            (format!("{good}&mc=54"), "mc must be four digits, as 5411 (ISO 18245)"),
            (good.replace("tr=100", "tr=%20"), "tr must be 1 to 35 letters"),
        ] {
            let error = UpiLink::parse(&bad).unwrap_err().to_string();
            assert!(error.starts_with(reason), "{bad}: {error}");
        }
        let bad = good.replace("shop@", "shop@@");
        assert!(UpiLink::parse(&bad).unwrap_err().to_string().contains("name@bank"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(upi://pay\\?)?[a-z=&%@0-9.+ \\PC]{0,80}") {
            if let Ok(link) = UpiLink::parse(&text) {
                prop_assert_eq!(UpiLink::parse(&link.to_string()).unwrap(), link);
            }
        }

        #[test]
        fn every_link_reads_back(
            name in "\\PC{1,120}", note in "\\PC{0,80}", minor in 1_i64..10_000_000_000,
            id in "[A-Za-z0-9._-]{1,35}",
        ) {
            let money = Money::from_minor(minor, Currency::from_code("INR").unwrap()).unwrap();
            let address = UpiAddress::parse("a.b-c_1@okaxis").unwrap();
            prop_assume!(!name.trim().is_empty());
            let link = UpiLink::new(address, &name, reference(&id), money).unwrap();
            let link = link.with_note(&note).with_mode(LinkMode::Intent);
            let text = link.to_string();
            prop_assert!(text.is_ascii() && !text.contains(['+', ' ']), "{}", text);
            prop_assert_eq!(UpiLink::parse(&text).unwrap(), link);
        }
    }
}
