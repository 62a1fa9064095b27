//! `tollgate terminal encrypt` and `decrypt`: the encrypted mode by hand, for who writes a client.
//! The HTTP API tells nobody what is wrong with a ciphertext; the operator may know it all.

use super::{EXAMPLES, unknown};
use crate::failure::Failure;
use crate::output::Output;
use crate::table::pairs;
use crate::wire::Opened;
use clap::{Args, ValueEnum};
use domain::card::CardNumber;
use domain::id::TerminalNumber;
use domain::terminal::{KeyPair, Terminal};
use engine::Actor;
use serde::Serialize;
use std::io::Read as _;
use url::form_urlencoded;
use web::family_cipher::{Ciphertext, Keys, Recipe, encrypt};

/// Names under which a ciphertext travels: in requests, and in webhooks.
const NAMES: [&str; 3] = ["encrypted_data", "encrypted_payload", "data"];
/// Characters of a public key.
const KEY_LENGTH: usize = 44;
/// More than any request or webhook has.
const BYTES_AT_MOST: u64 = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RecipeName {
    /// The documented one
    A,
    /// The one of older clients
    B,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Encrypt {
    /// The terminal's number
    number: i64,

    /// A file with the query string, or - for standard input
    #[arg(value_name = "FILE|-", required_unless_present = "data", conflicts_with = "data")]
    file: Option<String>,

    /// The query string itself; everybody on this machine can see it while the command runs
    #[arg(long, value_name = "QUERY")]
    data: Option<String>,

    /// How it is encrypted
    #[arg(long, value_enum, default_value = "a")]
    recipe: RecipeName,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Decrypt {
    /// The terminal's number
    number: i64,

    /// What was sent: a request's field, with or without its name, or a webhook's body; - or
    /// nothing for standard input
    #[arg(value_name = "TEXT|-", default_value = "-")]
    text: String,

    /// Print card number and security code as they are
    #[arg(long)]
    show_card: bool,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// What `encrypt` tells a machine.
#[derive(Debug, Serialize)]
struct Made {
    ter_no: i64,
    recipe: &'static str,
    encrypted_data: String,
}

/// What was found inside.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Decrypted {
    ter_no: i64,
    recipe: &'static str,
    public_key: String,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Field {
    name: String,
    value: String,
}

const fn name_of(recipe: Recipe) -> &'static str {
    match recipe {
        Recipe::A => "a",
        Recipe::B => "b",
    }
}

/// `tollgate terminal encrypt`
pub(crate) async fn run_encrypt(opened: &Opened, arguments: Encrypt) -> Result<(), Failure> {
    let terminal = terminal(opened, arguments.number).await?;
    let plain = match (arguments.data, arguments.file) {
        (Some(data), _) => data,
        (None, file) => read(file.as_deref().unwrap_or("-"))?,
    };
    let recipe = match arguments.recipe {
        RecipeName::A => Recipe::A,
        RecipeName::B => Recipe::B,
    };
    let pair = terminal.keys.first().ok_or_else(no_keys)?;
    let plain = plain.trim_end_matches(['\r', '\n']);
    let text = encrypt(recipe, keys_of(pair), plain.as_bytes());
    let text = text.map_err(|error| Failure::could_not("encrypting", error))?;
    let encrypted_data = format!("{text}{}", pair.public);
    let output = Output::new(arguments.json);
    if output.is_json() {
        let ter_no = arguments.number;
        return output.json_line(&Made { ter_no, recipe: name_of(recipe), encrypted_data });
    }
    output.line(&encrypted_data)?;
    output.talk("\nSend it as the field encrypted_data, percent-encoded: curl --data-urlencode.");
    Ok(())
}

/// `tollgate terminal decrypt`
pub(crate) async fn run_decrypt(opened: &Opened, arguments: Decrypt) -> Result<(), Failure> {
    let terminal = terminal(opened, arguments.number).await?;
    let text = match arguments.text.as_str() {
        "-" => read("-")?,
        text => text.to_owned(),
    };
    let found = decrypted(&terminal, &text, arguments.show_card).map_err(Failure::No)?;
    let output = Output::new(arguments.json);
    if output.is_json() {
        return output.json_line(&found);
    }
    output.talk(&format!("Recipe {}, public key {}\n", found.recipe, found.public_key));
    let rows: Vec<(String, String)> =
        found.fields.into_iter().map(|field| (field.name, field.value)).collect();
    output.text(&pairs(&rows))
}

async fn terminal(opened: &Opened, number: i64) -> Result<Terminal, Failure> {
    let found = opened.gateway.terminal(Actor::Operator, TerminalNumber(number)).await?;
    found.ok_or_else(|| unknown(number))
}

fn no_keys() -> Failure {
    Failure::CouldNot("the terminal has no keys".to_owned())
}

fn keys_of(pair: &KeyPair) -> Keys<'_> {
    Keys { public: &pair.public, private: &pair.private }
}

fn read(place: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match place {
        "-" => std::io::stdin().lock().take(BYTES_AT_MOST).read_to_string(&mut text),
        file => std::fs::File::open(file)
            .and_then(|file| file.take(BYTES_AT_MOST).read_to_string(&mut text)),
    };
    let what = if place == "-" { "standard input" } else { place };
    read.map_err(|error| Failure::could_not(what, error))?;
    Ok(text)
}

/// What is inside a text, or what is wrong with it.
fn decrypted(terminal: &Terminal, text: &str, show_card: bool) -> Result<Decrypted, String> {
    let text = value_of(text.trim());
    let (text, pairs) = keys_for(terminal, &text)?;
    let ciphertext = Ciphertext::parse(text).map_err(|error| {
        format!("the text before the public key {error}; it must be base64url of whole blocks")
    })?;
    let recipe = ciphertext.recipe();
    let mut reasons = Vec::new();
    for pair in pairs {
        let opened =
            ciphertext.clone().decrypt(keys_of(pair)).map_err(|error| error.to_string())?;
        if !opened.is_padded() {
            reasons.push(format!(
                "with the private key of {} the padding is wrong: it was encrypted with another \
                 key, or was cut or changed on its way",
                pair.public
            ));
            continue;
        }
        match fields_of(opened.contents(), show_card) {
            Ok(fields) => {
                let public_key = pair.public.clone();
                let (ter_no, recipe) = (terminal.number.0, name_of(recipe));
                return Ok(Decrypted { ter_no, recipe, public_key, fields });
            }
            Err(reason) => reasons.push(format!("with the key {}, {reason}", pair.public)),
        }
    }
    Err(format!("it reads as recipe {}; {}", name_of(recipe), reasons.join("; ")))
}

/// The value of the field, where the text is a form that has one.
fn value_of(text: &str) -> String {
    form_urlencoded::parse(text.as_bytes())
        .find(|(name, value)| NAMES.contains(&&**name) && !value.is_empty())
        .map_or(text.to_owned(), |(_, value)| value.replace(' ', "+"))
}

/// The ciphertext alone, and the key pairs that may open it: the one whose public key stands at its
/// end, or, as in a webhook, whichever.
fn keys_for<'a, 'b>(
    terminal: &'a Terminal,
    text: &'b str,
) -> Result<(&'b str, Vec<&'a KeyPair>), String> {
    let named = terminal
        .keys
        .iter()
        .find_map(|pair| text.strip_suffix(pair.public.as_str()).map(|text| (text, vec![pair])));
    if let Some(found) = named {
        return Ok(found);
    }
    let end = text.len().checked_sub(KEY_LENGTH).and_then(|at| text.get(at..));
    // A ciphertext of ours has no plus sign, no slash, and no equals sign.
    if let Some(end) = end.filter(|end| end.contains(['+', '/']) && end.ends_with('=')) {
        return Err(format!("it ends in {end}, which is no public key of this terminal"));
    }
    Ok((text, terminal.keys.iter().collect()))
}

/// The pairs of a query string; card data is masked unless it was asked for.
fn fields_of(contents: &[u8], show_card: bool) -> Result<Vec<Field>, String> {
    let text = std::str::from_utf8(contents).map_err(|error| {
        format!(
            "the padding is right, but byte {} is not UTF-8; where only the first 16 bytes are \
             wrong, another public key made the initialisation vector",
            error.valid_up_to()
        )
    })?;
    if let Some(place) = text.find(|letter: char| letter.is_ascii_control()) {
        return Err(format!("byte {place} is a control character, which must be percent-encoded"));
    }
    let fields: Vec<Field> = form_urlencoded::parse(contents)
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| {
            let value = if show_card { value.into_owned() } else { masked(&name, &value) };
            Field { name: name.into_owned(), value }
        })
        .collect();
    if fields.is_empty() {
        return Err(format!("the {} bytes inside are no query string", contents.len()));
    }
    Ok(fields)
}

/// Whatever looks like a card number, under whichever name; a payment's number does at times.
fn masked(name: &str, value: &str) -> String {
    match name {
        "transID" => value.to_owned(),
        "ccvv" => "XXX".to_owned(),
        _ => match CardNumber::parse(value, true) {
            Ok(number) => number.masked().to_page_text(),
            // Not more than a masked one shows.
            Err(_) if digits(value) > 10 && name == "ccno" => "XXXX".to_owned(),
            Err(_) => value.to_owned(),
        },
    }
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::terminal::tests::terminal;
    use domain::secret::SecretText;

    /// A terminal with a current pair and one that retires.
    fn of_two_pairs() -> Terminal {
        let mut terminal = terminal();
        for (pair, key) in terminal.keys.iter_mut().zip([
            "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
            "V06QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
        ]) {
            pair.public = key.to_owned();
        }
        terminal
    }

    const PLAIN: &str = "&ccno=4111+1111-1111+1111&ccvv=737&transID=417823250426141606\
        &fullname=Zo%C3%AB&card=5438890000000229&empty=";

    fn sealed(terminal: &Terminal, pair: usize, plain: &[u8]) -> String {
        encrypt(Recipe::A, keys_of(&terminal.keys[pair]), plain).unwrap()
    }

    fn values(found: &Decrypted) -> Vec<&str> {
        found.fields.iter().map(|field| field.value.as_str()).collect()
    }

    #[test]
    fn every_form_it_travels_in_is_read_and_cards_are_masked() {
        let terminal = of_two_pairs();
        for pair in [0, 1] {
            let text = sealed(&terminal, pair, PLAIN.as_bytes());
            let public = &terminal.keys[pair].public;
            let value = format!("{text}{public}");
            let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            for sent in [
                text.clone(),
                format!("  {value}\n"),
                format!("encrypted_data={encoded}"),
                format!("encrypted_payload={value}"),
                format!("x=1&data={text}"),
            ] {
                let found = decrypted(&terminal, &sent, false).unwrap();
                assert_eq!((found.recipe, &found.public_key), ("a", public), "{sent}");
                let masked = ["411111XXXXXX1111", "XXX", "417823250426141606", "Zoë"];
                assert_eq!(values(&found)[..4], masked);
                assert_eq!(values(&found)[4..], ["543889XXXXXX0229"]);
                let shown = decrypted(&terminal, &sent, true).unwrap();
                assert_eq!(values(&shown)[..2], ["4111 1111-1111 1111", "737"]);
            }
        }
    }

    #[test]
    fn a_mistyped_card_number_is_masked_and_a_masked_one_is_shown() {
        for (name, value, shown) in [
            ("ccno", "4111111111111112345", "XXXX"),
            ("ccno", "411111X1111111", "XXXX"),
            ("ccno", "411111XXXXXX1111", "411111XXXXXX1111"),
            ("ccno", "none", "none"),
            ("reference", "order-1", "order-1"),
            ("x", "4111-1111-1111-1111", "411111XXXXXX1111"),
        ] {
            assert_eq!(masked(name, value), shown);
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_words_without_keys_or_contents() {
        let terminal = of_two_pairs();
        let other = SecretText::new("another private key of 44 characters, or so.".to_owned());
        let keys = Keys { public: &terminal.keys[0].public, private: &other };
        let foreign = encrypt(Recipe::A, keys, PLAIN.as_bytes()).unwrap();
        let public = terminal.keys[0].public.clone();
        let with_key = |text: &str| format!("{text}{public}");
        let good = sealed(&terminal, 0, PLAIN.as_bytes());
        for (sent, words) in [
            (with_key(""), "holds 0 bytes"),
            (with_key("é"), "is not base64"),
            (with_key(&good[4..]), "is not one or more blocks of 16"),
            (with_key(&foreign), "the padding is wrong"),
            (with_key(&sealed(&terminal, 0, b"\xff\xfe=1")), "byte 0 is not UTF-8"),
            (with_key(&sealed(&terminal, 0, b"a=1\nb=2")), "byte 3 is a control character"),
            (with_key(&sealed(&terminal, 0, b"4111111111111111")), "are no query string"),
            (
                format!("{good}AO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ="),
                "no public key of this",
            ),
        ] {
            let told = decrypted(&terminal, &sent, true).unwrap_err();
            assert!(told.contains(words), "{told}");
            assert!(!told.contains("private\"") && !told.contains("4111"), "{told}");
        }
    }
}
