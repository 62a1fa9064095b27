//! The ciphers against vectors, against OpenSSL's command line in both directions, and against
//! paddings of every length.

use super::*;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use std::io::Write as _;
use std::process::{Command, Stdio};

const PUBLIC: &str = "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=";
const PLAIN: &[u8] = b"bill_amt=11.00&fullname=dev+tech&terNO=42";
/// Computed with OpenSSL.
const A: &str = "dBOJJA0y4sleZZ6S47VS1656fSQPvLRTuXb3mBogSLT5W4k4zLBaaDjSusbEjuaY";
const B: &str =
    "OTdkckVqMExVSVNoRzZObkpXVW5CcWQyTTd2ZnZRQzVGaHA1WG1kOUYyODB1ci9yTjZKdElON1U3Nk5MZmkvOQ";

fn private() -> SecretText {
    SecretText::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}

fn opened(text: &str, keys: Keys<'_>) -> Option<(Recipe, Vec<u8>)> {
    let ciphertext = Ciphertext::parse(text).ok()?;
    let recipe = ciphertext.recipe();
    let decrypted = ciphertext.decrypt(keys).unwrap();
    decrypted.is_padded().then(|| (recipe, decrypted.contents().to_vec()))
}

#[test]
fn both_recipes_give_their_vectors_and_are_told_apart() {
    let private = private();
    let keys = Keys { public: PUBLIC, private: &private };
    for (recipe, text) in [(Recipe::A, A), (Recipe::B, B)] {
        assert_eq!(encrypt(recipe, keys, PLAIN).unwrap(), text);
        assert_eq!(opened(text, keys), Some((recipe, PLAIN.to_vec())));
        // Padded, in the standard alphabet, and with its plus signs lost.
        let standard = text.replace('-', "+").replace('_', "/");
        for same in [format!("{text}=="), standard.clone(), standard.replace('+', " ")] {
            if text.len() % 4 == 2 || !same.ends_with('=') {
                assert_eq!(opened(&same, keys), Some((recipe, PLAIN.to_vec())), "{same}");
            }
        }
    }
}

#[test]
fn short_and_long_private_keys_are_filled_up_and_cut() {
    for length in [0, 1, 31, 32, 33, 44, 100] {
        let private = SecretText::new("k".repeat(length));
        let same = SecretText::new(format!("{:\0<32}", "k".repeat(length.min(32))));
        let text = encrypt(Recipe::A, Keys { public: PUBLIC, private: &private }, PLAIN).unwrap();
        let keys = Keys { public: PUBLIC, private: &same };
        assert_eq!(opened(&text, keys), Some((Recipe::A, PLAIN.to_vec())), "{length}");
    }
}

#[test]
fn what_is_no_ciphertext_is_told_without_a_key() {
    for (text, expected) in [
        ("", Malformed::Blocks(0)),
        ("AA", Malformed::Blocks(1)),
        ("a", Malformed::Base64),
        ("=", Malformed::Base64),
        ("dBOJ!", Malformed::Base64),
        ("dBOJ\n", Malformed::Base64),
        ("dBOJJA0y4sleZZ6S47VS1656fSQPvLRTuXb3mBogSLT5W4k4zLBaaDjSusbEjuY", Malformed::Blocks(47)),
        // The last character has bits that no byte takes.
        ("AAAAAAAAAAAAAAAAAAAAAB", Malformed::Base64),
        // Recipe B around fifteen bytes, and around a text that only looks like base64.
        ("QUFBQUFBQUFBQUFBQUFBQUFBQUE", Malformed::Blocks(15)),
        ("PT09PQ", Malformed::Base64),
    ] {
        assert_eq!(Ciphertext::parse(text), Err(expected), "{text:?}");
    }
}

#[test]
fn a_padding_is_right_or_wrong_whatever_stands_before_it() {
    for length in 0..=255_u8 {
        let mut block = [0xAA_u8; 32];
        for place in 0..usize::from(length.min(32)) {
            block[31 - place] = length;
        }
        block[31] = length;
        let expected = if (1..=16).contains(&length) { usize::from(length) } else { 0 };
        assert_eq!(padding_of(&block), expected, "{length}");
        for place in 32 - expected..31 {
            let mut broken = block;
            broken[place] ^= 1;
            assert_eq!(padding_of(&broken), 0, "{length}, byte {place}");
        }
    }
    assert_eq!(padding_of(&[1; 15]), 0);
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is a package of the tests");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Key and IV as OpenSSL gets them: worked out here, not taken from the code under test.
fn by_hand(recipe: Recipe, public: &str, private: &str) -> (String, String) {
    let digest = openssl(&["dgst", "-sha256", "-r"], public.as_bytes());
    let digest = std::str::from_utf8(&digest).unwrap().split(' ').next().unwrap().to_owned();
    let key = hex(&private.as_bytes()[..32]);
    match recipe {
        Recipe::A => (key, digest[..32].to_owned()),
        Recipe::B => (key, hex(&digest.as_bytes()[..16])),
    }
}

/// Empty, 1 to 64 bytes, text of several scripts, and a longer one.
fn plaintexts() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..=64).map(|length| random::<64>()[..length].to_vec()).collect();
    all.push("fullname=Zoë Müller–東京 €😀".as_bytes().to_vec());
    all.push(vec![b'x'; 10_000]);
    all
}

#[test]
fn openssl_reads_what_we_write_and_we_read_what_it_writes() {
    let mut compared = 0;
    for recipe in [Recipe::A, Recipe::B] {
        for plain in plaintexts() {
            let (public, text) = (STANDARD.encode(random::<32>()), STANDARD.encode(random::<32>()));
            let private = SecretText::new(text.clone());
            let keys = Keys { public: &public, private: &private };
            let (key, iv) = by_hand(recipe, &public, &text);
            let cipher = |direction| {
                ["enc", direction, "-aes-256-cbc", "-K", &key, "-iv", &iv].map(str::to_owned)
            };
            let run = |direction, input: &[u8]| {
                let arguments = cipher(direction);
                openssl(&arguments.each_ref().map(String::as_str), input)
            };
            let ours = encrypt(recipe, keys, &plain).unwrap();
            let outer = URL_SAFE_NO_PAD.decode(&ours).unwrap();
            let bytes = if recipe == Recipe::B { STANDARD.decode(outer).unwrap() } else { outer };
            assert_eq!(run("-d", &bytes), plain, "{recipe:?}, {} bytes", plain.len());
            let theirs = run("-e", &plain);
            let theirs = match recipe {
                Recipe::A => URL_SAFE_NO_PAD.encode(theirs),
                Recipe::B => URL_SAFE_NO_PAD.encode(STANDARD.encode(theirs)),
            };
            assert_eq!(theirs, ours);
            assert_eq!(opened(&theirs, keys), Some((recipe, plain)));
            compared += 2;
        }
    }
    assert_eq!(compared, 268);
}

#[test]
fn random_keys_and_plaintexts_come_back() {
    for round in 0..2_000_u16 {
        let recipe = if round % 2 == 0 { Recipe::A } else { Recipe::B };
        let public = STANDARD.encode(random::<32>());
        let private = SecretText::new(STANDARD.encode(random::<32>()));
        let keys = Keys { public: &public, private: &private };
        let plain = random::<200>()[..usize::from(round % 200)].to_vec();
        let text = encrypt(recipe, keys, &plain).unwrap();
        assert_eq!(opened(&text, keys), Some((recipe, plain)));
    }
}
