//! TLS: certificates, and what both ends use. The cryptography is graviola's, as in the mesh.

use std::io;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the system has no certificates of authorities that could be read")]
    NoRoots,
    #[error("the certificate is no PEM text with a certificate in it")]
    NoCertificate,
    #[error("the key is no PEM text with a private key in it")]
    NoKey,
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    #[error(transparent)]
    Name(#[from] InvalidDnsNameError),
}

/// What clients use, who speak one of these protocols: the authorities that the system trusts, which
/// are read once. It reads files.
pub(crate) fn client(protocols: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = Arc::clone(ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            log::debug!("certificates of authorities: {error}");
        }
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    }));
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

/// What a server shows of itself: a chain of certificates, and proof that it has their key. It can be
/// replaced while the server runs; connections that are there stay.
#[derive(Debug)]
pub(crate) struct Identity(RwLock<Arc<CertifiedKey>>);

impl Identity {
    /// From a chain of certificates and its private key, both PEM. `None` when there is neither: then
    /// there is no TLS.
    pub(crate) fn read(certificates: &[u8], key: &[u8]) -> Result<Option<Arc<Self>>, TlsError> {
        if certificates.is_empty() && key.is_empty() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self(RwLock::new(certified(certificates, key)?)))))
    }

    /// What a server uses that shows this, and speaks one of these protocols.
    pub(crate) fn config(
        self: &Arc<Self>,
        protocols: &[&[u8]],
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let identity: Arc<dyn ResolvesServerCert> = Arc::<Self>::clone(self);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(identity);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    /// Shows these from now on.
    pub(crate) fn replace(&self, certificates: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let certified = certified(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn certified(certificates: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificates).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider())?))
}

/// The name that the certificate of a host is to have.
pub(crate) fn name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    Ok(ServerName::try_from(bare.to_owned())?)
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| Arc::new(rustls_graviola::default_provider())))
}
