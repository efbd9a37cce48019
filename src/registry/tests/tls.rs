use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use super::fake::reply;
use super::{IMAGE, client, reference};
use crate::registry::Registry;

/// Tells the test, when it runs as its own child process, which host to contact.
const HOST: &str = "ONEBUILD_TEST_TLS_REGISTRY";

/// A TLS registry with a self-signed certificate.
struct Server {
    listener: TcpListener,
    certificate: CertificateDer<'static>,
    acceptor: TlsAcceptor,
    connections: AtomicUsize,
}

impl Server {
    async fn bind(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let certificate = made.cert.der().clone();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            certificate,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            connections: AtomicUsize::new(0),
        }
    }

    fn host(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    async fn serve(&self) -> ! {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            let Ok(stream) = self.acceptor.accept(stream).await else { continue };
            let service = service_fn(|_| async { Ok::<_, Infallible>(reply(200, &[], IMAGE)) });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    }
}

#[tokio::test]
async fn an_untrusted_certificate_ends_the_request() {
    let server = Server::bind("127.0.0.1").await;
    let registry = client("{}");
    let reference = reference(&server.host());
    let error = tokio::select! {
        result = registry.manifest(&reference) => result.unwrap_err(),
        _ = server.serve() => unreachable!("it serves for ever"),
    };
    assert!(error.to_string().ends_with("signed by an unknown authority"), "{error}");
    let connections = server.connections.load(Ordering::SeqCst);
    assert_eq!(connections, 1, "plain http must not be attempted afterwards");
}

/// The trusted authorities are read from the environment, so the test starts a child process with
/// its own.
#[tokio::test]
async fn a_trusted_certificate_is_valid_for_its_host_only() {
    if let Ok(host) = std::env::var(HOST) {
        client("{}").manifest(&reference(&host)).await.unwrap();
        return;
    }
    for (name, accepted) in [("127.0.0.1", true), ("registry.example", false)] {
        let server = Server::bind(name).await;
        let authorities = tempfile::NamedTempFile::new().unwrap();
        let body = STANDARD.encode(&server.certificate);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        std::fs::write(authorities.path(), pem).unwrap();
        let this = "a_trusted_certificate_is_valid_for_its_host_only";
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--nocapture", &format!("registry::tests::tls::{this}")]);
        child.env("SSL_CERT_FILE", authorities.path()).env_remove("SSL_CERT_DIR");
        child.env(HOST, server.host()).kill_on_drop(true);
        let output = tokio::select! {
            output = child.output() => output.unwrap(),
            _ = server.serve() => unreachable!("it serves for ever"),
        };
        let both = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&both);
        assert!(said.contains("running 1 test"), "{said}");
        assert_eq!(output.status.success(), accepted, "{said}");
        assert_eq!(said.contains("another host"), !accepted, "{said}");
    }
}
