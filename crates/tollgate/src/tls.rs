//! Certificate and private key, read and checked against each other.

use crate::config::Tls;
use crate::failure::Failure;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// What the server needs to speak TLS 1.2 and 1.3. Fails when a file does not parse or the key
/// does not belong to the certificate.
pub(crate) fn load(tls: &Tls) -> Result<ServerConfig, Failure> {
    let chain = certificates(&tls.certificate)
        .map_err(|error| unreadable("tls.certificate", &tls.certificate, &error))?;
    if chain.is_empty() {
        let file = tls.certificate.display();
        return Err(Failure::CouldNot(format!("tls.certificate: {file} holds no PEM certificate")));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.private_key)
        .map_err(|error| unreadable("tls.private_key", &tls.private_key, &error))?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| Failure::could_not("tls.certificate and tls.private_key", error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_file_iter(path)?.collect()
}

fn unreadable(key: &str, path: &Path, why: &pem::Error) -> Failure {
    // The error's text may quote the file, and one of the files is a private key.
    let why = match why {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds no such PEM item".to_owned(),
        pem::Error::MissingSectionEnd { .. }
        | pem::Error::IllegalSectionStart { .. }
        | pem::Error::Base64Decode(_)
        | pem::Error::SectionTooLarge
        | _ => "it is not well-formed PEM".to_owned(),
    };
    Failure::CouldNot(format!("{key}: {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let why = |certificate, private_key| {
            let error = load(&Tls { certificate, private_key }).unwrap_err();
            error.text().unwrap().to_owned()
        };
        let empty = file("empty.pem", "");
        let missing = folder.path().join("missing.pem");
        assert!(why(missing, empty.clone()).starts_with("tls.certificate: "));
        assert!(why(empty.clone(), empty.clone()).ends_with("holds no PEM certificate"));
        let chain =
            file("chain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(why(chain, empty).ends_with("it holds no such PEM item"));
    }
}
