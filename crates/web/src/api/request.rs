//! The words of a payment request, turned into the trade's types once. Nothing behind this checks
//! them again. All problems are found in one pass.

use super::error::Problem;
use super::fields::{Fields, Value};
use super::means::Offered;
use domain::card::{Card, CardNumber, CardNumberError, Expiry, SecurityCode};
use domain::id::TerminalNumber;
use domain::method::MethodCode;
use domain::money::{AmountError, Currency, Money};
use domain::payment::{Customer, Request, WebhookEncryption};
use domain::terminal::{Mode, Settings, Terminal};
use domain::text::{BillAddress, ProductName, Reference, TextError, WebAddress};
use domain::time::Timestamp;
use engine::payment::{CreatePayment, Means};
use engine::ports::PageAddresses;
use std::net::IpAddr;
use std::sync::Arc;

/// Every field the parser reads; the rest of a request is ignored.
pub(super) const KNOWN_FIELDS: [&str; 31] = [
    "public_key",
    "terNO",
    "integration-type",
    "integration_type",
    "bill_amt",
    "bill_currency",
    "product_name",
    "reference",
    "webhook_url",
    "return_url",
    "bill_ip",
    "mop",
    "ccno",
    "ccvv",
    "month",
    "year",
    "bankcode",
    "upi_address",
    "os",
    "fullname",
    "bill_email",
    "bill_phone",
    "bill_address",
    "bill_city",
    "bill_state",
    "bill_country",
    "bill_zip",
    "source",
    "source_url",
    "unique_reference",
    "encryption_method",
];

/// ISO 3166-1 alpha-2, as of 2026-11, in order.
const COUNTRIES: [&str; 249] = [
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ",
    "BA", "BB", "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS",
    "BT", "BV", "BW", "BY", "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN",
    "CO", "CR", "CU", "CV", "CW", "CX", "CY", "CZ", "DE", "DJ", "DK", "DM", "DO", "DZ", "EC", "EE",
    "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK", "FM", "FO", "FR", "GA", "GB", "GD", "GE", "GF",
    "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GS", "GT", "GU", "GW", "GY", "HK", "HM",
    "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR", "IS", "IT", "JE", "JM",
    "JO", "JP", "KE", "KG", "KH", "KI", "KM", "KN", "KP", "KR", "KW", "KY", "KZ", "LA", "LB", "LC",
    "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK",
    "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA",
    "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ", "OM", "PA", "PE", "PF", "PG",
    "PH", "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW",
    "SA", "SB", "SC", "SD", "SE", "SG", "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR", "SS",
    "ST", "SV", "SX", "SY", "SZ", "TC", "TD", "TF", "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO",
    "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "UM", "US", "UY", "UZ", "VA", "VC", "VE", "VG", "VI",
    "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW",
];

/// Which terminal a request claims to come from.
pub(super) struct Credentials<'a> {
    pub(super) public_key: &'a str,
    pub(super) number: TerminalNumber,
}

/// Reads fields and gathers what is wrong with them.
pub(super) struct Reader<'a, 'b> {
    fields: &'b Fields<'a>,
    problems: Vec<Problem>,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub(super) const fn new(fields: &'b Fields<'a>) -> Self {
        Self { fields, problems: Vec::new() }
    }

    /// How much was wrong so far.
    pub(super) const fn problems(&self) -> usize {
        self.problems.len()
    }

    /// What was wrong so far.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(super) fn wrong(&mut self, field: &'static str, number: &'static str, message: &str) {
        self.problems.push(Problem::new(field, number, message));
    }

    /// A text under a name; a value of the wrong type is reported under `number`.
    pub(super) fn text(&mut self, field: &'static str, number: &'static str) -> Option<&'b str> {
        match self.fields.get(field)? {
            Value::Text(text) => Some(text),
            Value::WrongType => {
                self.wrong(field, number, "must be text, not a list, an object or a boolean");
                None
            }
        }
    }

    /// A text that must be there: absence is reported under `missing`, a wrong type under
    /// `wrong`.
    pub(super) fn required(
        &mut self,
        field: &'static str,
        missing: &'static str,
        wrong: &'static str,
    ) -> Option<&'b str> {
        if self.fields.get(field).is_none() {
            self.wrong(field, missing, "is missing");
        }
        self.text(field, wrong)
    }

    /// Keeps a value, or reports its form.
    pub(super) fn keep<T>(
        &mut self,
        field: &'static str,
        parsed: Result<T, TextError>,
    ) -> Option<T> {
        parsed.map_err(|TextError(form)| self.wrong(field, "1043", form)).ok()
    }

    /// `public_key` and `terNO`.
    pub(super) fn credentials(&mut self) -> Option<Credentials<'b>> {
        let key = self.public_key();
        let number =
            self.required("terNO", "1040", "1043").and_then(|text| self.terminal_number(text));
        Some(Credentials { public_key: key?, number: number? })
    }

    /// `public_key`.
    pub(super) fn public_key(&mut self) -> Option<&'b str> {
        self.required("public_key", "1040", "1043").filter(|key| {
            let formed = is_public_key(key);
            if !formed {
                self.wrong("public_key", "1043", "must be the terminal's key of 44 characters");
            }
            formed
        })
    }

    /// The text of `terNO`, read.
    pub(super) fn terminal_number(&mut self, text: &str) -> Option<TerminalNumber> {
        let digits = (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number > 0);
        if number.is_none() {
            self.wrong("terNO", "1043", "must be the terminal's number in digits");
        }
        number.map(TerminalNumber)
    }

    /// The merchant's order id, whatever else is wrong.
    pub(super) fn reference(&mut self) -> Option<Reference> {
        let text = self.required("reference", "1040", "1043")?;
        self.keep("reference", Reference::parse(text))
    }

    /// Everything else. `terminal` is none when the credentials could not be read: then only
    /// forms are checked.
    pub(super) fn payment(
        &mut self,
        terminal: Option<&Arc<Terminal>>,
        caller: Option<IpAddr>,
        received_at: Timestamp,
        pages: &Arc<dyn PageAddresses>,
        offered: Offered<'_>,
    ) -> Option<CreatePayment> {
        let settings = terminal.map(|terminal| &terminal.settings);
        let test = terminal.is_none_or(|terminal| terminal.mode == Mode::Test);
        self.integration_type();
        let reference = self.reference();
        let amount = self.amount(settings);
        let method = self.method(settings);
        let means = match method {
            Some(method) if method.takes_card() => self.card(test, received_at).map(Means::Card),
            Some(method) => self.order_details(method, amount, settings, offered).map(Means::Order),
            None => None,
        };
        let request = self.request(settings, test, caller);
        if !self.problems.is_empty() {
            return None;
        }
        Some(CreatePayment {
            terminal: Arc::clone(terminal?),
            reference: reference?,
            amount: amount?,
            method: method?,
            means: means?,
            request: Arc::new(request?),
            pages: Arc::clone(pages),
            received_at,
        })
    }

    fn integration_type(&mut self) {
        for field in ["integration-type", "integration_type"] {
            if let Some(text) = self.text(field, "1043")
                && !text.eq_ignore_ascii_case("s2s")
            {
                self.wrong(field, "1043", "must be s2s");
            }
        }
    }

    fn amount(&mut self, settings: Option<&Settings>) -> Option<Money> {
        let currency = self.required("bill_currency", "1040", "1051").and_then(|code| {
            let currency = Currency::from_code(code).ok();
            if currency.is_none() {
                self.wrong("bill_currency", "1051", "must be an ISO 4217 code, like USD");
            }
            currency
        });
        let currency = currency.filter(|currency| {
            let taken = settings.is_none_or(|settings| settings.currencies.contains(*currency));
            if !taken {
                self.wrong("bill_currency", "1051", "is not taken by this terminal");
            }
            taken
        });
        let text = self.required("bill_amt", "1111", "1112")?;
        let amount = self.money("bill_amt", "1112", text, currency)?;
        if settings.is_some_and(|settings| !settings.allows_amount(amount)) {
            self.wrong("bill_amt", "1112", "is outside the terminal's limits");
        }
        Some(amount)
    }

    /// An amount above zero. Without a currency only its form can be judged.
    pub(super) fn money(
        &mut self,
        field: &'static str,
        number: &'static str,
        text: &str,
        currency: Option<Currency>,
    ) -> Option<Money> {
        let parsed = match currency {
            Some(currency) => Money::parse(text, currency).map(Some),
            None => match domain::money::parse_hundredths(text) {
                Ok(0) => Err(AmountError::Zero),
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            },
        };
        parsed.map_err(|error| self.wrong(field, number, &error.to_string())).ok().flatten()
    }

    fn method(&mut self, settings: Option<&Settings>) -> Option<MethodCode> {
        let code = self.required("mop", "1040", "1052")?;
        let Some(method) = MethodCode::from_code(code) else {
            self.wrong("mop", "1052", "must be CC, DC, NB, WALLET, UPICOLLECT or QRINTENT");
            return None;
        };
        let on = settings.is_none_or(|settings| settings.methods.contains(&method));
        if !on {
            self.wrong("mop", "1052", "is not switched on for this terminal");
        }
        Some(method)
    }

    fn card(&mut self, test: bool, now: Timestamp) -> Option<Card> {
        let number = self.required("ccno", "1113", "1113").and_then(|text| {
            CardNumber::parse(text, test)
                .map_err(|error| {
                    let code = if error == CardNumberError::Brand { "153" } else { "1113" };
                    self.wrong("ccno", code, &error.to_string());
                })
                .ok()
        });
        let code = self.required("ccvv", "154", "154");
        let security_code = match (&number, code) {
            (Some(number), Some(text)) => SecurityCode::parse(text, number.brand())
                .map_err(|error| self.wrong("ccvv", "154", &error.to_string()))
                .ok(),
            (None, Some(text)) => {
                if !(3..=4).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
                    self.wrong("ccvv", "154", "must be 3 digits, 4 for Amex");
                }
                None
            }
            (_, None) => None,
        };
        let expiry = self.expiry(now);
        Some(Card { number: number?, security_code: security_code?, expiry: expiry? })
    }

    fn expiry(&mut self, now: Timestamp) -> Option<Expiry> {
        let month = self.required("month", "155", "155").and_then(|text| {
            let month = Expiry::parse_month(text);
            if month.is_none() {
                self.wrong("month", "155", "must be 1 to 12");
            }
            month
        });
        let year = self.required("year", "156", "156").and_then(|text| {
            let year = Expiry::parse_year(text);
            if year.is_none() {
                self.wrong("year", "156", "must be two or four digits, like 30 or 2030");
            }
            year
        });
        // December stands in for a month that is wrong anyway: the year alone may be over.
        let expiry = Expiry { year: year?, month: month.unwrap_or(12) };
        if expiry.is_over(now) {
            self.wrong("year", "156", "and month are over: the card has expired");
            return None;
        }
        month.map(|_month| expiry)
    }

    fn request(
        &mut self,
        settings: Option<&Settings>,
        test: bool,
        caller: Option<IpAddr>,
    ) -> Option<Request> {
        let product_name = self.required("product_name", "1040", "1043");
        let product_name =
            product_name.and_then(|text| self.keep("product_name", ProductName::parse(text)));
        let fallback =
            |own: fn(&Settings) -> &Option<WebAddress>| settings.and_then(|s| own(s).clone());
        let webhook_url = self.address("webhook_url", fallback(|s| &s.webhook_url), test);
        let return_url = self.address("return_url", fallback(|s| &s.return_url), test);
        let customer = self.customer();
        let source = self.bounded("source", 255);
        let source_url = self.bounded("source_url", 2048);
        let unique_reference = self.word("unique_reference", &[("Y", true), ("N", false)]);
        let webhook_encryption = self.word(
            "encryption_method",
            &[("none", WebhookEncryption::None), ("aes256", WebhookEncryption::Aes256)],
        );
        Some(Request {
            product_name: product_name?,
            webhook_url: webhook_url?,
            return_url: return_url?,
            customer,
            source,
            source_url,
            webhook_encryption: webhook_encryption.unwrap_or_default(),
            unique_reference: unique_reference.unwrap_or_default(),
            caller,
        })
    }

    fn address(
        &mut self,
        field: &'static str,
        fallback: Option<WebAddress>,
        test: bool,
    ) -> Option<WebAddress> {
        if fallback.is_some() && self.fields.get(field).is_none() {
            return fallback;
        }
        let text = self.required(field, "1040", "1043")?;
        let address = self.keep(field, WebAddress::parse(text))?;
        if !test && !address.is_https() {
            self.wrong(field, "1043", "must be https on a live terminal");
            return None;
        }
        Some(address)
    }

    /// One of a few words, in any case.
    pub(super) fn word<T: Copy>(&mut self, field: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(field, "1043")?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(field, "1043", &format!("must be {}", list.join(" or ")));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// An optional text of at most so many printable characters.
    fn bounded(&mut self, field: &'static str, most: usize) -> Option<Box<str>> {
        let text = self.text(field, "1043")?;
        if text.chars().count() > most || text.chars().any(char::is_control) {
            self.wrong(field, "1043", &format!("must be at most {most} printable characters"));
            return None;
        }
        Some(text.into())
    }

    /// An optional text that must also look like this.
    fn formed(
        &mut self,
        field: &'static str,
        most: usize,
        looks_right: fn(&str) -> bool,
        form: &str,
    ) -> Option<Box<str>> {
        let text = self.bounded(field, most)?;
        if !looks_right(&text) {
            self.wrong(field, "1043", form);
            return None;
        }
        Some(text)
    }

    fn customer(&mut self) -> Customer {
        let address = self.text("bill_ip", "1043");
        Customer {
            full_name: self.bounded("fullname", 128),
            email: self.formed("bill_email", 254, is_email, "must be an e-mail address"),
            phone: self.formed("bill_phone", 32, is_phone, "must be a telephone number"),
            street: self.bounded("bill_address", 255),
            city: self.bounded("bill_city", 128),
            state: self.bounded("bill_state", 128),
            country: self.formed(
                "bill_country",
                2,
                is_country,
                "must be an ISO 3166 code of two letters, like US",
            ),
            postcode: self.bounded("bill_zip", 20),
            address: address.and_then(|text| self.keep("bill_ip", BillAddress::parse(text))),
        }
    }
}

/// 44 characters that decode to 32 bytes in standard base64.
pub(super) fn is_public_key(text: &str) -> bool {
    use base64::Engine as _;
    text.len() == 44
        && base64::engine::general_purpose::STANDARD.decode(text).is_ok_and(|key| key.len() == 32)
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, host)| {
        !local.is_empty()
            && host.contains('.')
            && !host.starts_with('.')
            && !host.ends_with('.')
            && !text.contains(char::is_whitespace)
    })
}

fn is_phone(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-(). /".contains(&b))
}

fn is_country(text: &str) -> bool {
    text.len() == 2
        && text.bytes().all(|b| b.is_ascii_alphabetic())
        && COUNTRIES.binary_search(&text.to_ascii_uppercase().as_str()).is_ok()
}
