//! Words that merchants send, as types: made once, where they are parsed, and never checked again.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(pub &'static str);

/// No control characters: they would split logs, headers and pages.
fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $max:expr, $form:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Most characters it may have.
            pub const MAX: usize = $max;

            /// The text when it has the right form, else what the right form is.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let length = text.chars().count();
                if length == 0 || length > $max || !is_printable(text) {
                    return Err(TextError($form));
                }
                Ok(Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// The merchant's own order id (`reference`).
    Reference, 128, "must be 1 to 128 printable characters"
);
text_type!(
    /// What the customer buys (`product_name`).
    ProductName, 255, "must be 1 to 255 printable characters"
);
text_type!(
    /// Why money is given back (`refundReason`), in the merchant's words.
    RefundReason, 255, "must be 1 to 255 printable characters"
);
text_type!(
    /// The customer's address as the merchant gave it (`bill_ip`): any text, for the page's own
    /// sample is no valid address. Risk checks treat what does not parse as "address unknown".
    BillAddress, 64, "must be at most 64 printable characters"
);
text_type!(
    /// The city that a QR code names the merchant's place by (EMVCo MPM 1.1, tag 60).
    MerchantCity, 15, "must be 1 to 15 printable characters"
);

/// What an owner calls a thing: any printable text of at most 255 characters, which may be empty.
pub fn description(text: &str) -> Result<String, TextError> {
    if text.chars().count() > 255 || !is_printable(text) {
        return Err(TextError("must be at most 255 printable characters"));
    }
    Ok(text.to_owned())
}

/// An absolute `http` or `https` address without user info, at most 2,048 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebAddress(Box<str>);

impl WebAddress {
    /// Most characters it may have.
    pub const MAX: usize = 2048;
    const FORM: TextError = TextError(
        "must be an absolute http or https URL of at most 2048 characters without user info",
    );

    /// The address when it has the right form. It is kept as sent, apart from what the URL
    /// standard itself normalises.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if text.chars().count() > Self::MAX || !is_printable(text) || text.contains('\\') {
            return Err(Self::FORM);
        }
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        // The URL standard reads `https:shop.test` as a host; merchants mean a relative path.
        if !lower.starts_with("http://") && !lower.starts_with("https://") {
            return Err(Self::FORM);
        }
        let url = url::Url::parse(text).map_err(|_ignored| Self::FORM)?;
        let no_user = url.username().is_empty() && url.password().is_none();
        let authority = text.split_once("//").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if !url.has_host() || !no_user || authority.is_empty() || authority.contains('@') {
            return Err(Self::FORM);
        }
        Ok(Self(String::from(url).into()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `https`.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Scheme, host and port: what a connection is made to.
    pub fn origin(&self) -> &str {
        let after = self.0.find("//").map_or(0, |slashes| slashes.saturating_add(2));
        let rest = self.0.get(after..).unwrap_or_default();
        let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        self.0.get(..after.saturating_add(length)).unwrap_or(&self.0)
    }

    /// The same address, its query (if any) followed by `query` (already encoded). A fragment
    /// stays at the end.
    pub fn with_query(&self, query: &str) -> String {
        let (base, fragment) = match self.0.split_once('#') {
            Some((base, fragment)) => (base, Some(fragment)),
            None => (&*self.0, None),
        };
        let glue = match base.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let tail = fragment.map(|f| format!("#{f}")).unwrap_or_default();
        format!("{base}{glue}{query}{tail}")
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One or two letters of a name, to stand in the place of a logo.
pub fn initials(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let firsts = words.filter_map(|word| word.chars().next()).take(2);
    let letters: String = firsts.flat_map(char::to_uppercase).collect();
    if letters.is_empty() { "•".to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_may_be_empty_but_not_long() {
        assert_eq!(description("Shop f\u{fc}r Tee"), Ok("Shop f\u{fc}r Tee".to_owned()));
        assert_eq!(description(""), Ok(String::new()));
        assert!(description("a\nb").is_err());
        assert!(description(&"x".repeat(255)).is_ok() && description(&"x".repeat(256)).is_err());
    }

    #[test]
    fn addresses_are_absolute_and_without_user_info() {
        for good in [
            "https://shop.example/return",
            "http://127.0.0.1:8080/hook?x=1",
            "HTTPS://Shop.Example/",
            "https://shop.example",
            "https://b\u{fc}cher.example/",
            "http://localhost:3000/a#frag",
        ] {
            assert!(WebAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "shop.example",
            "//shop.example",
            "/return",
            "https:shop.example",
            "https:///shop",
            "http://",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.b",
            "https://user@shop.example",
            "https://u:p@shop.example",
            "https://@shop.example",
            "https://shop.example\\@evil.test",
            "https://a.b/\r\nX: y",
            "https://a b/",
            "https://shop.example:99999/",
            "mailto:a@b.c",
            "https://%zz/",
        ] {
            assert!(WebAddress::parse(bad).is_err(), "{bad:?}");
        }
        let long = format!("https://a.b/{}", "x".repeat(2048 - 12));
        assert!(WebAddress::parse(&long).is_ok());
        assert!(WebAddress::parse(&format!("{long}x")).is_err());
    }

    #[test]
    fn origins_leave_the_path_out() {
        for (text, origin) in [
            ("https://Shop.example:443/a/b?c#d", "https://shop.example"),
            ("http://127.1:8080?x=//y", "http://127.0.0.1:8080"),
            ("https://[::1]:4242", "https://[::1]:4242"),
        ] {
            assert_eq!(WebAddress::parse(text).unwrap().origin(), origin);
        }
    }

    #[test]
    fn queries_are_appended_to_what_is_there() {
        let with = |text: &str| WebAddress::parse(text).unwrap().with_query("a=1");
        assert_eq!(with("https://s.example/r"), "https://s.example/r?a=1");
        assert_eq!(with("https://s.example"), "https://s.example/?a=1");
        assert_eq!(with("https://s.example/r?"), "https://s.example/r?a=1");
        assert_eq!(with("https://s.example/r?b=2"), "https://s.example/r?b=2&a=1");
        assert_eq!(with("https://s.example/r?b=2#f"), "https://s.example/r?b=2&a=1#f");
    }

    #[test]
    fn texts_are_printable_and_bounded() {
        assert!(Reference::parse("1DEV-\u{fc}\u{1F600} x").is_ok());
        for bad in ["", "a\nb", "a\u{0}b", "\u{7f}", "\u{2028}"] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Reference::parse(&"x".repeat(128)).is_ok());
        assert!(Reference::parse(&"x".repeat(129)).is_err());
        assert!(BillAddress::parse("222.176.92.333").is_ok());
    }

    #[test]
    fn names_have_initials() {
        for (name, letters) in [
            ("Bank of Baroda", "BO"),
            ("HDFC Bank", "HB"),
            ("paytm", "P"),
            ("Česká spořitelna", "ČS"),
            ("भारतीय स्टेट बैंक", "भस"),
            ("!", "•"),
        ] {
            assert_eq!(initials(name), letters);
        }
    }
}
