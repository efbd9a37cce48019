//! TLS to an engine: the three files for it, and its error messages.
//!
//! Only the CA of these files is trusted, not the system's authorities: an engine is root on its
//! machine, so a public CA must not vouch for it. Keys never appear in an error.
//! Source: <https://docs.docker.com/engine/security/protect-access/>

use std::error::Error;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, RootCertStore};

use crate::debug::fingerprint;

use crate::regular;

/// Four times the size of a bundle of all public CAs.
const MAX_SIZE: u64 = 1024 * 1024;

/// The CA certificate, and the client certificate and its key, for engines that require them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca: PathBuf,
    pub client: TlsClient,
    /// The name in the engine's certificate, if it is not the host's.
    pub server_name: Option<String>,
}

/// The files of a client certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsClient {
    /// There is no client certificate.
    None,
    /// `cert.pem` and `key.pem` in this directory, if they exist.
    In(PathBuf),
    /// These files.
    Pair { cert: PathBuf, key: PathBuf },
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTls {
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: &'static str },
    #[error("{}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("{} has {there} but no {missing}", folder.display())]
    Half { folder: PathBuf, there: &'static str, missing: &'static str },
    #[error("{} and {} do not belong together: {reason}", cert.display(), key.display())]
    Pair { cert: PathBuf, key: PathBuf, reason: String },
}

/// For error messages: where the certificates are.
impl fmt::Display for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.client {
            TlsClient::In(directory) => write!(f, "certificates are in {}", directory.display()),
            TlsClient::None => write!(f, "the CA certificate is {}", self.ca.display()),
            TlsClient::Pair { cert, key } => {
                let [ca, cert, key] = [&self.ca, cert, key].map(|path| path.display());
                write!(f, "the certificates are {ca} and {cert}, the key is {key}")
            }
        }
    }
}

impl TlsFiles {
    /// `ca.pem`, `cert.pem` and `key.pem` of a directory, as Docker stores them.
    pub(crate) fn in_directory(directory: &Path) -> Self {
        let ca = directory.join("ca.pem");
        Self { ca, client: TlsClient::In(directory.to_owned()), server_name: None }
    }

    /// Reads the files.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, InvalidTls> {
        let path = &self.ca;
        let authority = read(path)?.ok_or_else(|| InvalidTls::File {
            path: path.clone(),
            reason: "no such file; it must contain the engine's CA certificate",
        })?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path, &authority)? {
            let unusable =
                |_| InvalidTls::File { path: path.clone(), reason: "an invalid certificate" };
            roots.add(certificate).map_err(unusable)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_root_certificates(roots);
        let Some((cert, key)) = self.client.files()? else {
            return Ok(Arc::new(config.with_no_client_auth()));
        };
        let (chain, secret) = pair(&cert, &key)?;
        let config = config
            .with_client_auth_cert(chain, secret)
            .map_err(|error| InvalidTls::Pair { cert, key, reason: error.to_string() })?;
        Ok(Arc::new(config))
    }
}

impl TlsClient {
    /// The paths of the certificate and the key, if there are any.
    fn files(&self) -> Result<Option<(PathBuf, PathBuf)>, InvalidTls> {
        match self {
            Self::None => Ok(None),
            Self::Pair { cert, key } => Ok(Some((cert.clone(), key.clone()))),
            Self::In(folder) => {
                let half =
                    |there, missing| InvalidTls::Half { folder: folder.clone(), there, missing };
                let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name));
                match (cert.exists(), key.exists()) {
                    (false, false) => Ok(None),
                    (true, false) => Err(half("cert.pem", "key.pem")),
                    (false, true) => Err(half("key.pem", "cert.pem")),
                    (true, true) => Ok(Some((cert, key))),
                }
            }
        }
    }
}

/// A client certificate with its chain, and its key.
#[allow(clippy::type_complexity, reason = "both types are rustls's, and are used here alone")]
fn pair(
    cert: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), InvalidTls> {
    let no_file = |path: &Path| InvalidTls::File { path: path.to_owned(), reason: "no such file" };
    let pem = read(cert)?.ok_or_else(|| no_file(cert))?;
    let secret = read(key)?.ok_or_else(|| no_file(key))?;
    let encrypted = secret.windows(9).any(|word| word == b"ENCRYPTED");
    let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|_| InvalidTls::File {
        path: key.to_owned(),
        reason: match encrypted {
            true => "the key is encrypted; onebuild asks for no passphrase",
            false => "no private key in PEM form",
        },
    })?;
    Ok((certificates(cert, &pem)?, secret))
}

/// The content of a file; `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, InvalidTls> {
    let unreadable = |reason| InvalidTls::Unreadable { path: path.to_owned(), reason };
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut content = Vec::new();
    file.take(MAX_SIZE + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_SIZE {
        return Err(InvalidTls::File { path: path.to_owned(), reason: "larger than 1 MiB" });
    }
    Ok(Some(content))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidTls> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| InvalidTls::File {
        path: path.to_owned(),
        reason: "no certificate in PEM form",
    })
}

/// An error and all its causes, including the error inside of an `io::Error`, which is not among
/// its sources, and the `io::Error` inside of one of bollard's.
pub(crate) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        if let Some(bollard::errors::Error::IOError { err }) = error.downcast_ref() {
            return Some(err);
        }
        match error.downcast_ref::<io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The error message for the other side's certificate.
pub(crate) fn certificate_fault(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "its certificate is signed by an unknown authority",
        // A renewed authority often has the name of its predecessor.
        CertificateError::BadSignature => {
            "its certificate is signed by another authority of that name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or this machine's clock is slow"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another host"
        }
        other => return format!("its certificate is not valid: {other}"),
    }
    .to_owned()
}

/// Version, cipher and certificates of a connection, for the debug log.
pub(super) fn facts(connection: &ClientConnection) -> String {
    let leaf = connection.peer_certificates().and_then(|chain| chain.first());
    let leaf = leaf.map(|leaf| fingerprint(leaf)).unwrap_or_default();
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    format!("{:?} {suite:?} certificate {leaf}", connection.protocol_version())
}

/// The error message for a failed exchange with an engine, if TLS is the cause.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<String> {
    let error = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    Some(match error {
        // The first bytes were not a TLS record.
        rustls::Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        rustls::Error::InvalidCertificate(reason) => certificate_fault(reason),
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => "it requires a client certificate".to_owned(),
            AlertDescription::CertificateExpired => {
                "it rejected our certificate as expired".to_owned()
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError
            | AlertDescription::CertificateUnknown => {
                "it rejected our certificate, or requires one that we do not have".to_owned()
            }
            other => format!("it closed the TLS connection: {other:?}"),
        },
        other => format!("the TLS connection failed: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, TlsFiles) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let files = TlsFiles::in_directory(folder.path());
        (folder, files)
    }

    #[test]
    fn a_ca_alone_is_enough_and_a_certificate_needs_its_own_key() {
        let made = || rcgen::generate_simple_self_signed(["engine.example".to_owned()]).unwrap();
        let (one, other) = (made(), made());
        let (ca, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        assert!(
            !folder(&[("ca.pem", &ca)]).1.config().unwrap().client_auth_cert_resolver.has_certs()
        );
        let (_kept, files) = folder(&[("ca.pem", &ca), ("cert.pem", &ca), ("key.pem", &key)]);
        assert!(files.config().unwrap().client_auth_cert_resolver.has_certs());
        let other = other.signing_key.serialize_pem();
        let (_kept, files) = folder(&[("ca.pem", &ca), ("cert.pem", &ca), ("key.pem", &other)]);
        let error = files.config().unwrap_err().to_string();
        assert!(error.contains("do not belong together"), "{error}");
    }

    #[test]
    fn an_unusable_file_is_named_and_never_quoted() {
        let ca = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\ncanary\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for (files, expected) in [
            (&[][..], "ca.pem: no such file"),
            (&[("ca.pem", "canary")], "ca.pem: no certificate in PEM form"),
            (&[("ca.pem", &ca), ("cert.pem", &ca)], "has cert.pem but no key.pem"),
            (&[("ca.pem", &ca), ("key.pem", "canary")], "has key.pem but no cert.pem"),
            (
                &[("ca.pem", &ca), ("cert.pem", &ca), ("key.pem", "canary")],
                "key.pem: no private key",
            ),
            (
                &[("ca.pem", &ca), ("cert.pem", &ca), ("key.pem", locked)],
                "key.pem: the key is encr",
            ),
        ] {
            let error = folder(files).1.config().unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }
}
