//! A request's body as named fields, whatever form it came in. Values borrow from the body where
//! they can, so that a card number has as few copies as possible.

use super::encrypted::ENVELOPE_FIELDS;
use super::error::Problem;
use super::refund::REFUND_FIELDS;
use super::request::KNOWN_FIELDS;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A value as sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Text, trimmed; also the literal text of a JSON number, which never becomes a float.
    Text(Cow<'a, str>),
    /// A list, an object or a boolean: no field takes one.
    WrongType,
}

/// The fields of one request.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// The forms a body may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    UrlEncoded,
    Multipart { boundary: String },
}

impl Form {
    /// By the content type; none for a form that is not taken.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let full = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let media = full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media.as_str() {
            "application/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::UrlEncoded),
            "multipart/form-data" => {
                multer::parse_boundary(full).ok().map(|boundary| Self::Multipart { boundary })
            }
            _ => None,
        }
    }
}

/// More fields than any request of ours has.
const FIELDS_AT_MOST: usize = 200;

impl<'a> Fields<'a> {
    /// Reads a JSON or form-urlencoded body.
    pub(super) fn parse(form: &Form, body: &'a [u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_bytes| Problem::form("body", "must be UTF-8 text"))?;
        let fields = match form {
            Form::Json => parse_json(text)?,
            Form::UrlEncoded => parse_form(text),
            // Read by `read_multipart` before, and kept as a form.
            Form::Multipart { .. } => parse_form(text),
        };
        Self::checked(fields)
    }

    fn checked(fields: Vec<(Cow<'a, str>, Value<'a>)>) -> Result<Self, Problem> {
        if fields.len() > FIELDS_AT_MOST {
            return Err(Problem::form("body", "must have at most 200 fields"));
        }
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if let Some(name) = names.windows(2).find_map(|pair| match pair {
            [one, two] if one == two => Some(*one),
            _ => None,
        }) {
            let mut known = KNOWN_FIELDS.iter().chain(&REFUND_FIELDS).chain(&ENVELOPE_FIELDS);
            let known = known.find(|known| **known == name);
            return Err(Problem::form(
                known.copied().unwrap_or("body"),
                "is named twice; each field may be named once",
            ));
        }
        Ok(Self { fields })
    }

    /// Reads the query string inside an encrypted request; pairs without a name or a value are
    /// dropped.
    pub(super) fn parse_query(text: &'a str) -> Result<Self, Problem> {
        let named = |(name, value): &(Cow<'_, str>, Value<'_>)| {
            !name.is_empty() && !matches!(value, Value::Text(text) if text.is_empty())
        };
        Self::checked(parse_form(text).into_iter().filter(named).collect())
    }

    /// Fields that are known to be right.
    pub(super) fn of_pairs<const N: usize>(pairs: [(&'a str, &'a str); N]) -> Self {
        let field = |(name, value)| (Cow::Borrowed(name), Value::Text(Cow::Borrowed(value)));
        Self { fields: pairs.map(field).into() }
    }

    /// These fields, and those of the others that have no name in common with them.
    pub(super) fn over(self, mut others: Self) -> Result<Self, Problem> {
        others.fields.retain(|(name, _)| !self.fields.iter().any(|(own, _)| own == name));
        others.fields.extend(self.fields);
        Self::checked(others.fields)
    }

    /// The value under a name; none when it is absent, null or empty.
    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        let (_, value) = self.fields.iter().find(|(field, _)| field == name)?;
        match value {
            Value::Text(text) if text.is_empty() => None,
            Value::Text(_) | Value::WrongType => Some(value),
        }
    }
}

fn parse_json(text: &str) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let fields = deserializer.deserialize_map(FieldVisitor);
    let fields = fields.and_then(|fields| deserializer.end().map(|()| fields));
    // The parser's own text may quote what was sent, so only the place is told.
    fields.map_err(|error| {
        Problem::form(
            "body",
            &format!(
                "must be one JSON object (see line {}, column {})",
                error.line(),
                error.column()
            ),
        )
    })
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(32);
        while let Some((name, raw)) = map.next_entry::<BorrowedText<'de>, &'de RawValue>()? {
            let raw = raw.get();
            let value = match raw.as_bytes().first() {
                Some(b'"') => Value::Text(trimmed(unquoted(raw)?)),
                Some(b'n') => Value::Text(Cow::Borrowed("")),
                Some(b'-' | b'0'..=b'9') => Value::Text(Cow::Borrowed(raw)),
                _ => Value::WrongType,
            };
            fields.push((name.0, value));
        }
        Ok(fields)
    }
}

/// What a JSON string says. One without escapes, as nearly all are, says what stands between its
/// quotes: that it is a string has been checked.
fn unquoted<E: serde::de::Error>(raw: &str) -> Result<Cow<'_, str>, E> {
    let inside = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    match inside.filter(|inside| !inside.contains('\\')) {
        Some(inside) => Ok(Cow::Borrowed(inside)),
        None => serde_json::from_str(raw).map(|BorrowedText(text)| text).map_err(E::custom),
    }
}

/// Text borrowed from the body unless it has escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

fn parse_form(text: &str) -> Vec<(Cow<'_, str>, Value<'_>)> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| {
            // Clients that do not encode the plus signs of a key or a ciphertext send blanks, also
            // in front; at the end stands an equals sign.
            let is_base64 = name == "public_key" || ENVELOPE_FIELDS.contains(&&*name);
            let value = if is_base64 && value.contains(' ') {
                Cow::Owned(value.trim_end().replace(' ', "+"))
            } else {
                trimmed(value)
            };
            (name, Value::Text(value))
        })
        .collect()
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// Turns a multipart body into the form-urlencoded body it could have been.
pub(super) async fn read_multipart(
    boundary: String,
    body: bytes::Bytes,
) -> Result<bytes::Bytes, Problem> {
    let wrong = || Problem::form("body", "must be multipart/form-data with text fields");
    let stream = http_body_util::BodyStream::new(http_body_util::Full::new(body));
    let stream = DataStream(stream);
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_hidden| wrong())? {
        let name = part.name().ok_or_else(wrong)?.to_owned();
        let text = part.text().await.map_err(|_hidden| wrong())?;
        pairs.push((name, text));
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    Ok(bytes::Bytes::from(form.extend_pairs(pairs).finish()))
}

/// The data frames of a body that is in memory already.
struct DataStream(http_body_util::BodyStream<http_body_util::Full<bytes::Bytes>>);

impl futures_core::Stream for DataStream {
    type Item = Result<bytes::Bytes, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let frame = futures_core::Stream::poll_next(std::pin::Pin::new(&mut self.0), context);
        frame.map(|frame| {
            let data = frame?.map(|frame| frame.into_data().unwrap_or_default());
            Some(data)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Fields<'_>, Problem> {
        Fields::parse(&Form::Json, text.as_bytes())
    }

    #[test]
    fn numbers_keep_their_literal_text() {
        let fields = json(r#"{"bill_amt": 100000000000000000.010, "terNO": 42}"#).unwrap();
        assert_eq!(fields.get("bill_amt"), Some(&Value::Text("100000000000000000.010".into())));
        assert_eq!(fields.get("terNO"), Some(&Value::Text("42".into())));
    }

    #[test]
    fn absent_null_and_empty_are_the_same() {
        let fields = json(r#"{"a": null, "b": "", "c": "  ", "d": " x ", "e": []}"#).unwrap();
        for name in ["a", "b", "c", "zzz"] {
            assert_eq!(fields.get(name), None, "{name}");
        }
        assert_eq!(fields.get("d"), Some(&Value::Text("x".into())));
        assert_eq!(fields.get("e"), Some(&Value::WrongType));
    }

    #[test]
    fn plain_text_is_borrowed() {
        let fields = json(r#"{"ccno": "4111111111111111"}"#).unwrap();
        assert!(matches!(fields.get("ccno"), Some(Value::Text(Cow::Borrowed(_)))));
    }

    #[test]
    fn escapes_are_read() {
        let fields = json(r#"{"a": "Caf\u00e9 \"x\" \\", "b": "\\", "c": "\u0020y\n"}"#).unwrap();
        for (name, text) in [("a", "Café \"x\" \\"), ("b", "\\"), ("c", "y")] {
            assert_eq!(fields.get(name), Some(&Value::Text(text.into())), "{name}");
        }
    }

    #[test]
    fn bodies_that_are_no_object_are_refused_without_quoting_them() {
        for text in [
            "",
            "[]",
            "null",
            "4111111111111111",
            "\"4111111111111111\"",
            "{",
            "{}x",
            "{\"a\":}",
            "{'a':1}",
            "\u{feff}{}",
            "{\"a\":NaN}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"one\ntwo\"}",
            "{\"a\":\"\\q\"}",
            "{\"a\":1,}",
            "{\"a\":01}",
        ] {
            let problem = json(text).unwrap_err();
            assert_eq!(problem.number, "1043", "{text}");
            assert!(!problem.message.contains("4111"), "{}", problem.message);
        }
        // However deep, an unwanted value costs no stack and is of the wrong type.
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(json(&deep).unwrap().get("a"), Some(&Value::WrongType));
        assert!(Fields::parse(&Form::Json, b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_name_given_twice_is_refused_in_every_form() {
        let problem = json(r#"{"ccno": "1", "x": 1, "cc\u006eo": "2"}"#).unwrap_err();
        assert_eq!(problem.field, "ccno");
        let twice = b"terNO=1&terNO=2";
        assert_eq!(Fields::parse(&Form::UrlEncoded, twice).unwrap_err().field, "terNO");
        assert!(
            json(&format!(
                "{{{}}}",
                (0..201).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(",")
            ))
            .is_err()
        );
    }

    #[test]
    fn blanks_in_a_form_key_are_plus_signs() {
        let fields = Fields::parse(&Form::UrlEncoded, b"public_key=a+b%2Bc&x=a+b").unwrap();
        assert_eq!(fields.get("public_key"), Some(&Value::Text("a+b+c".into())));
        assert_eq!(fields.get("x"), Some(&Value::Text("a b".into())));
        // Also in front; what is blank at the end is a blank.
        for name in ["public_key", "encrypted_data", "encrypted_payload"] {
            let body = format!("{name}=+a+b%3D+");
            let fields = Fields::parse(&Form::UrlEncoded, body.as_bytes()).unwrap();
            assert_eq!(fields.get(name), Some(&Value::Text("+a+b=".into())));
        }
    }

    #[tokio::test]
    async fn multipart_reads_like_a_form() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"terNO\"\r\n\r\n42\r\n--x\r\n\
                    Content-Disposition: form-data; name=\"reference\"\r\n\r\na&b=c +\r\n--x--\r\n";
        let form = read_multipart("x".to_owned(), bytes::Bytes::from(body)).await.unwrap();
        let fields = Fields::parse(&Form::UrlEncoded, &form).unwrap();
        assert_eq!(fields.get("terNO"), Some(&Value::Text("42".into())));
        assert_eq!(fields.get("reference"), Some(&Value::Text("a&b=c +".into())));
        for broken in ["", "--x", "--x\r\n\r\nno name\r\n--x--\r\n", "garbage"] {
            let body = bytes::Bytes::from(broken.to_owned());
            assert!(read_multipart("x".to_owned(), body).await.is_err(), "{broken:?}");
        }
    }
}
