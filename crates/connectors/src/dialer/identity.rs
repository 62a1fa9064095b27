//! Our own certificate, for receivers that ask who calls (RFC 8446, section 4.3.2).

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why the certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or holds no PEM of the right kind.
    #[error("{}: {why}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Others than its owner can read the key.
    #[error(
        "others can read the private key {path} (mode {mode:04o}); run: chmod 600 {path}",
        path = .path.display()
    )]
    Open {
        /// The key's file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// They do not go together, or TLS cannot use them.
    #[error("{} and {} cannot be used: {why}", .certificate.display(), .private_key.display())]
    Unusable {
        /// The certificates' file.
        certificate: PathBuf,
        /// The key's file.
        private_key: PathBuf,
        /// Why.
        why: rustls::Error,
    },
}

/// A chain of certificates with our own first, and its private key.
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    private_key: PrivateKeyDer<'static>,
}

impl Clone for ClientIdentity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), private_key: self.private_key.clone_key() }
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[client identity]")
    }
}

impl ClientIdentity {
    /// Loads PEM files, of which the key's must be readable by its owner only.
    pub fn load(certificate: &Path, private_key: &Path) -> Result<Self, IdentityError> {
        let file = |path: &Path, error: &pem::Error| IdentityError::File {
            path: path.to_owned(),
            why: why(error),
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(
                |chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) },
            )
            .map_err(|error| file(certificate, &error))?;
        let text = secret_text(private_key)?;
        let key =
            PrivateKeyDer::from_pem_slice(&text).map_err(|error| file(private_key, &error))?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(|why| {
            IdentityError::Unusable {
                certificate: certificate.to_owned(),
                private_key: private_key.to_owned(),
                why,
            }
        })?;
        Ok(Self { chain, private_key: key })
    }
}

/// The file's bytes, if only its owner can read it.
fn secret_text(path: &Path) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let cannot = |error: std::io::Error| IdentityError::File {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let mut file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(IdentityError::Open { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(cannot)?;
    Ok(text)
}

/// The error's own text may quote the file, and one of the files is a private key.
fn why(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "holds no such PEM item".to_owned(),
        pem::Error::MissingSectionEnd { .. }
        | pem::Error::IllegalSectionStart { .. }
        | pem::Error::Base64Decode(_)
        | pem::Error::SectionTooLarge
        | _ => "is not well-formed PEM".to_owned(),
    }
}

/// How we speak TLS: versions 1.2 and 1.3, the public roots and these, and our certificate for
/// those who ask.
pub(super) fn client_config(
    extra_roots: &[Vec<u8>],
    identity: Option<&ClientIdentity>,
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for root in extra_roots {
        roots.add(CertificateDer::from_slice(root))?;
    }
    let provider: Arc<CryptoProvider> = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match identity.cloned() {
        Some(ClientIdentity { chain, private_key }) => {
            builder.with_client_auth_cert(chain, private_key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
