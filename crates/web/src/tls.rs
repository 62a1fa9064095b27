//! The server's TLS identity, reloaded when its files change.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;

/// Why a certificate or key was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no PEM of the right kind.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Certificate and key do not go together, or TLS cannot use them.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(rustls::Error),
}

/// A certificate chain and its key, as loaded last.
pub struct TlsIdentity {
    certificate: PathBuf,
    private_key: PathBuf,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

struct Current {
    key: RwLock<Loaded>,
}

struct Loaded {
    key: Arc<CertifiedKey>,
    changed_at: [Option<SystemTime>; 2],
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

impl TlsIdentity {
    /// Loads PEM files: the chain with the server's certificate first, and its key.
    pub fn load(certificate: &Path, private_key: &Path) -> Result<Arc<Self>, TlsError> {
        let loaded = load(certificate, private_key)?;
        let current = Arc::new(Current { key: RwLock::new(loaded) });
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Current>::clone(&current);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(Self {
            certificate: certificate.to_owned(),
            private_key: private_key.to_owned(),
            current,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }))
    }

    /// Accepts connections with the identity loaded last.
    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Loads the files again if they changed; keeps the present identity when they cannot be
    /// used. Returns whether a new one is in use.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let changed_at = [changed_at(&self.certificate), changed_at(&self.private_key)];
        let same = {
            let current = self.current.key.read().unwrap_or_else(PoisonError::into_inner);
            current.changed_at == changed_at
        };
        if same {
            return Ok(false);
        }
        let loaded = load(&self.certificate, &self.private_key)?;
        *self.current.key.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(true)
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn load(certificate: &Path, private_key: &Path) -> Result<Loaded, TlsError> {
    let file = |path: &Path, why: String| TlsError::File { path: path.to_owned(), why };
    let changed_at = [changed_at(certificate), changed_at(private_key)];
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| file(certificate, why(&error)))?;
    if chain.is_empty() {
        return Err(file(certificate, "holds no PEM certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(private_key)
        .map_err(|error| file(private_key, why(&error)))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider).map_err(TlsError::Unusable)?;
    Ok(Loaded { key: Arc::new(key), changed_at })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_none_are_named_and_not_quoted() {
        let folder = std::env::temp_dir().join(format!("tollgate-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let why = |certificate: &Path, private_key: &Path| {
            TlsIdentity::load(certificate, private_key).unwrap_err().to_string()
        };
        let empty = file("empty.pem", "");
        let missing = folder.join("missing.pem");
        assert!(why(&missing, &empty).contains("missing.pem: "));
        assert!(why(&empty, &empty).ends_with("holds no PEM certificate"));
        let chain =
            file("chain.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        assert!(why(&chain, &empty).ends_with("empty.pem: holds no such PEM item"));
        let key =
            file("key.pem", "-----BEGIN PRIVATE KEY-----\nhush!\n-----END PRIVATE KEY-----\n");
        assert!(why(&chain, &key).ends_with("key.pem: is not well-formed PEM"));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
