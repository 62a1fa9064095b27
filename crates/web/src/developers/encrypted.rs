//! Encrypted requests in the reference: the worked example, and the route in the `OpenAPI` document.

use super::answers::{self, RESPONSE_FIELDS};
use super::cards::DEMO_PUBLIC_KEY;
use super::open_api::{idempotency_key, replayed, with_errors};
use serde_json::{Value, json};

/// The private key of the worked example: invented, and no terminal's.
pub(super) const EXAMPLE_PRIVATE_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// The plaintext of the worked example.
pub(super) const EXAMPLE_PLAINTEXT: &str = "bill_amt=11.00&fullname=dev+tech&terNO=42";
/// The key in hexadecimal.
pub(super) const EXAMPLE_KEY: &str =
    "41414543417751464267634943516f4c4441304f4478415245684d5546525958";
/// The initialisation vector of recipe A in hexadecimal.
pub(super) const EXAMPLE_IV_A: &str = "c4b9e381e3bcd333fbb9c6c82238e8c6";
/// The initialisation vector of recipe B as text.
pub(super) const EXAMPLE_IV_B: &str = "c4b9e381e3bcd333";
/// The ciphertext by recipe A.
pub(super) const EXAMPLE_TEXT_A: &str =
    "dBOJJA0y4sleZZ6S47VS1656fSQPvLRTuXb3mBogSLT5W4k4zLBaaDjSusbEjuaY";
/// The ciphertext by recipe B.
pub(super) const EXAMPLE_TEXT_B: &str =
    "OTdkckVqMExVSVNoRzZObkpXVW5CcWQyTTd2ZnZRQzVGaHA1WG1kOUYyODB1ci9yTjZKdElON1U3Nk5MZmkvOQ";

/// The value of the field.
pub(super) fn example_value() -> String {
    format!("{EXAMPLE_TEXT_A}{DEMO_PUBLIC_KEY}")
}

/// The worked example as a command.
pub(super) fn example_command() -> String {
    format!(
        "printf '%s' '{EXAMPLE_PLAINTEXT}' |\n  openssl enc -aes-256-cbc \\\n    -K {EXAMPLE_KEY} \\\n    \
         -iv {EXAMPLE_IV_A} |\n  openssl base64 -A | tr '+/' '-_' | tr -d '='"
    )
}

/// The route.
pub(super) fn creation(public_url: &str) -> Value {
    let body = json!({ "schema": { "$ref": "#/components/schemas/EncryptedRequest" } });
    let answer = answers::sample_object(&RESPONSE_FIELDS, public_url);
    json!({ "post": {
        "operationId": "createEncryptedPayment",
        "tags": ["Payments"],
        "summary": "Create a payment by an encrypted request",
        "description": "The fields of the create call, encrypted with the terminal's private key. \
            The answer is plain JSON, the same as to the plain request.",
        "parameters": [idempotency_key()],
        "requestBody": { "required": true, "content": {
            "application/x-www-form-urlencoded": body,
            "multipart/form-data": body,
            "application/json": body,
        } },
        "responses": with_errors(
            json!({ "200": {
                "description": "The payment as it stands. A decline is a 200 too.",
                "headers": replayed(),
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Payment" },
                    "example": serde_json::from_str::<Value>(&answer).unwrap_or_default(),
                } },
            } }),
            |http| http != 404,
        ),
    } })
}

/// The body's schema.
pub(super) fn schema() -> Value {
    let value = |description: &str| json!({ "type": "string", "description": description, "examples": [example_value()] });
    json!({
        "type": "object",
        "properties": {
            "encrypted_data": value(
                "The ciphertext of the query string of all fields, in base64url, and directly \
                 behind it the 44 characters of public_key.",
            ),
            "encrypted_payload": value("The same, by the name that older clients use."),
        },
        "description": "One of the two names. Other fields count where the query string inside does \
            not name them.",
        "anyOf": [{ "required": ["encrypted_data"] }, { "required": ["encrypted_payload"] }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family_cipher::{Ciphertext, Keys, Recipe, encrypt};
    use domain::secret::SecretText;
    use std::fmt::Write as _;

    #[test]
    fn the_worked_example_is_what_the_gateway_does() {
        let private = SecretText::new(EXAMPLE_PRIVATE_KEY.to_owned());
        let keys = Keys { public: DEMO_PUBLIC_KEY, private: &private };
        for (recipe, text) in [(Recipe::A, EXAMPLE_TEXT_A), (Recipe::B, EXAMPLE_TEXT_B)] {
            assert_eq!(encrypt(recipe, keys, EXAMPLE_PLAINTEXT.as_bytes()).unwrap(), text);
            let opened = Ciphertext::parse(text).unwrap().decrypt(keys).unwrap();
            assert_eq!(opened.contents(), EXAMPLE_PLAINTEXT.as_bytes());
        }
        let run = std::process::Command::new("sh").args(["-c", &example_command()]).output();
        assert_eq!(String::from_utf8(run.unwrap().stdout).unwrap(), EXAMPLE_TEXT_A);
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            })
        };
        assert_eq!(hex(&EXAMPLE_PRIVATE_KEY.as_bytes()[..32]), EXAMPLE_KEY);
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, DEMO_PUBLIC_KEY.as_bytes());
        assert_eq!(hex(&digest.as_ref()[..16]), EXAMPLE_IV_A);
        assert_eq!(EXAMPLE_IV_A[..16], *EXAMPLE_IV_B);
    }
}
