//! The code samples: the very files that the sample tests run.

/// A sample in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The language's short name, in ids and in the reader's remembered choice.
    pub key: &'static str,
    /// The language's name.
    pub language: &'static str,
    /// The file, as it lies in the repository.
    pub source: &'static str,
    /// Its path under `crates/web/samples`.
    pub file: &'static str,
}

macro_rules! sample {
    ($key:literal, $language:literal, $file:literal) => {
        Sample {
            key: $key,
            language: $language,
            source: include_str!(concat!("../../samples/", $file)),
            file: $file,
        }
    };
}

/// The address that the files name; pages print the gateway's real one instead.
const LOCAL_ADDRESS: &str = "http://localhost:9003";

/// The first payment, to be pasted into a terminal.
pub const FIRST_PAYMENT: Sample = sample!("curl", "curl", "first_payment.sh");

/// Create a payment.
pub const CREATE_PAYMENT: [Sample; 6] = [
    sample!("curl", "curl", "create_payment/curl.sh"),
    sample!("php", "PHP", "create_payment/php.php"),
    sample!("java", "Java", "create_payment/Java.java"),
    sample!("node", "Node", "create_payment/node.mjs"),
    sample!("python", "Python", "create_payment/python.py"),
    sample!("csharp", "C#", "create_payment/CSharp.cs"),
];

/// Create a payment by net banking.
pub const CREATE_NET_BANKING_PAYMENT: [Sample; 4] = [
    sample!("curl", "curl", "create_net_banking_payment/curl.sh"),
    sample!("php", "PHP", "create_net_banking_payment/php.php"),
    sample!("node", "Node", "create_net_banking_payment/node.mjs"),
    sample!("python", "Python", "create_net_banking_payment/python.py"),
];

/// Create a payment by an encrypted request.
pub const CREATE_ENCRYPTED_PAYMENT: [Sample; 6] = [
    sample!("curl", "openssl and curl", "create_encrypted_payment/curl.sh"),
    sample!("php", "PHP", "create_encrypted_payment/php.php"),
    sample!("java", "Java", "create_encrypted_payment/Java.java"),
    sample!("node", "Node", "create_encrypted_payment/node.mjs"),
    sample!("python", "Python", "create_encrypted_payment/python.py"),
    sample!("csharp", "C#", "create_encrypted_payment/CSharp.cs"),
];

/// Give money back.
pub const REFUND: [Sample; 6] = [
    sample!("curl", "curl", "refund/curl.sh"),
    sample!("php", "PHP", "refund/php.php"),
    sample!("java", "Java", "refund/Java.java"),
    sample!("node", "Node", "refund/node.mjs"),
    sample!("python", "Python", "refund/python.py"),
    sample!("csharp", "C#", "refund/CSharp.cs"),
];

/// Check a webhook's signature.
pub const VERIFY_WEBHOOK: [Sample; 8] = [
    sample!("curl", "openssl", "verify_webhook/curl.sh"),
    sample!("php", "PHP", "verify_webhook/php.php"),
    sample!("java", "Java", "verify_webhook/Java.java"),
    sample!("node", "Node", "verify_webhook/node.mjs"),
    sample!("python", "Python", "verify_webhook/python.py"),
    sample!("csharp", "C#", "verify_webhook/CSharp.cs"),
    sample!("go", "Go", "verify_webhook/go.go"),
    sample!("rust", "Rust", "verify_webhook/rust.rs"),
];

/// Read an encrypted webhook.
pub const DECRYPT_WEBHOOK: [Sample; 8] = [
    sample!("curl", "openssl", "decrypt_webhook/curl.sh"),
    sample!("php", "PHP", "decrypt_webhook/php.php"),
    sample!("java", "Java", "decrypt_webhook/Java.java"),
    sample!("node", "Node", "decrypt_webhook/node.mjs"),
    sample!("python", "Python", "decrypt_webhook/python.py"),
    sample!("csharp", "C#", "decrypt_webhook/CSharp.cs"),
    sample!("go", "Go", "decrypt_webhook/go.go"),
    sample!("rust", "Rust", "decrypt_webhook/rust.rs"),
];

/// Store what webhooks tell, each once, and the newest word last.
pub const ONCE_AND_IN_ORDER: Sample = sample!("sql", "SQL", "once_and_in_order.sql");

/// Add an endpoint and try it out.
pub const ADD_ENDPOINT: [Sample; 1] = [sample!("curl", "curl", "webhook_calls/endpoint.sh")];

/// Send again what was given up.
pub const REPLAY: [Sample; 1] = [sample!("curl", "curl", "webhook_calls/replay.sh")];

/// Follow deliveries as they are written.
pub const FOLLOW: [Sample; 1] = [sample!("curl", "curl", "webhook_calls/follow.sh")];

/// Check the signature of a customer's return.
pub const VERIFY_RETURN_URL: [Sample; 3] = [
    sample!("php", "PHP", "verify_return_url/php.php"),
    sample!("node", "Node", "verify_return_url/node.mjs"),
    sample!("python", "Python", "verify_return_url/python.py"),
];

impl Sample {
    /// The source with the gateway's address in it.
    pub fn at(&self, public_url: &str) -> String {
        self.source.trim_end().replace(LOCAL_ADDRESS, public_url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
    }

    fn all() -> Vec<Sample> {
        let create = [
            &[FIRST_PAYMENT][..],
            &CREATE_PAYMENT,
            &CREATE_NET_BANKING_PAYMENT,
            &CREATE_ENCRYPTED_PAYMENT,
        ];
        let read =
            [&VERIFY_WEBHOOK[..], &DECRYPT_WEBHOOK, &[ONCE_AND_IN_ORDER], &VERIFY_RETURN_URL];
        let kept = [ADD_ENDPOINT, REPLAY, FOLLOW].concat();
        [create.concat(), REFUND.to_vec(), read.concat(), kept].concat()
    }

    #[test]
    fn every_file_is_shown_as_it_is() {
        let mut shown = BTreeSet::new();
        for sample in all() {
            let file = std::fs::read_to_string(folder().join(sample.file)).unwrap();
            assert_eq!(sample.at(LOCAL_ADDRESS), file.trim_end(), "{}", sample.file);
            assert!(shown.insert(sample.file.to_owned()), "{} is shown twice", sample.file);
        }
        let mut files = BTreeSet::new();
        for entry in std::fs::read_dir(folder()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !folder().join(&name).is_dir() {
                files.insert(name);
                continue;
            }
            for entry in std::fs::read_dir(folder().join(&name)).unwrap() {
                files.insert(format!("{name}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
        assert_eq!(shown, files, "files and samples differ");
    }

    #[test]
    fn create_samples_name_the_real_address() {
        let calls = |file: &str| {
            ["create_", "refund", "webhook_calls"].iter().any(|name| file.starts_with(name))
        };
        for sample in all().iter().filter(|sample| calls(sample.file)) {
            let text = sample.at("https://pay.shop.example");
            assert!(text.contains("https://pay.shop.example"), "{}", sample.file);
            assert!(!text.contains("localhost"), "{}", sample.file);
        }
    }

    #[test]
    fn lines_fit_a_page() {
        for sample in all() {
            let longest = sample.source.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(106), "{}: {longest:?}", sample.file);
        }
    }
}
