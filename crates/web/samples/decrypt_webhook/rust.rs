// Decrypts a webhook's body. Check the signature over the body as it came before. PUBLIC_KEY and
// PRIVATE_KEY are the terminal's; while keys are rotated, try both pairs.
// Needs the crates aws-lc-rs, base64 and form_urlencoded.
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::io::Read as _;
use std::process::ExitCode;

type Fields = Vec<(String, String)>;

/// The fields; none when this key pair does not open it.
fn decrypt_webhook(body: &[u8], public_key: &str, private_key: &str) -> Option<Fields> {
    let (_, data) = form_urlencoded::parse(body).find(|(name, _)| name == "data")?;
    let mut text = URL_SAFE_NO_PAD.decode(data.as_bytes()).ok()?;
    // The texts of the keys as they are printed: neither is decoded.
    let key = UnboundCipherKey::new(&AES_256, private_key.as_bytes().get(..32)?).ok()?;
    let hash = digest(&SHA256, public_key.as_bytes());
    let iv = DecryptionContext::Iv128(hash.as_ref().get(..16)?.try_into().ok()?);
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let query = key.decrypt(&mut text, iv).ok()?;
    let fields: Fields = form_urlencoded::parse(query).into_owned().collect();
    // One wrong key in some hundred has a right padding by chance.
    fields.iter().any(|(name, _)| name == "transID").then_some(fields)
}

fn main() -> std::io::Result<ExitCode> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    let fields = decrypt_webhook(&body, &variable("PUBLIC_KEY"), &variable("PRIVATE_KEY"));
    let Some(fields) = fields else {
        eprintln!("This key pair does not open it.");
        return Ok(ExitCode::FAILURE);
    };
    for (name, value) in fields {
        println!("{name}: {value}");
    }
    Ok(ExitCode::SUCCESS)
}
