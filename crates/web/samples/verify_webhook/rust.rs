// Checks a webhook's signature. Exits 0 when it is genuine, 1 when it is not.
// In a server take id, timestamp and signature from the headers webhook-id, webhook-timestamp and
// webhook-signature, and the body as raw bytes, before any JSON parser touches it.
// Needs the crates aws-lc-rs and base64.
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::io::Read as _;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// `secrets`: the signing secret; while it is rotated, both, with a blank between.
fn is_genuine(id: &str, timestamp: &str, header: &str, secrets: &str, body: &[u8]) -> bool {
    // An old webhook that is sent again by somebody else is refused.
    let Ok(sent) = timestamp.parse::<u64>() else { return false };
    let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return false };
    if now.as_secs().abs_diff(sent) > 300 {
        return false;
    }
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    secrets.split_whitespace().any(|secret| {
        let Some(secret) = secret.strip_prefix("whsec_") else { return false };
        let Ok(key) = STANDARD.decode(secret) else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        // While secrets are rotated the header carries one signature per secret; one match is
        // enough. verify takes the same time wherever they differ.
        header.split(' ').any(|signature| {
            let Some(signature) = signature.strip_prefix("v1,") else { return false };
            let Ok(signature) = STANDARD.decode(signature) else { return false };
            hmac::verify(&key, &signed, &signature).is_ok()
        })
    })
}

fn main() -> std::io::Result<ExitCode> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    let genuine = is_genuine(
        &variable("WEBHOOK_ID"),
        &variable("WEBHOOK_TIMESTAMP"),
        &variable("WEBHOOK_SIGNATURE"),
        &variable("WEBHOOK_SECRETS"),
        &body,
    );
    // Two rules are left, for what you store. Once: a webhook-id that you stored before is the
    // same message again, answer 2xx and stop. In order: of two webhooks about one transID the
    // higher sequence counts, compared as a number.
    println!("{}", if genuine { "genuine" } else { "not genuine" });
    Ok(if genuine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
