//! Ports that are not a usable engine. Real engines are tested in tests/engine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;

use super::{Candidate, Endpoint, Engine, EngineError};
use crate::dial::TlsFiles;

/// A certificate authority and the certificates it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pem: [String; 2],
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for `name` that is valid until the end of `year`.
    fn signs(&self, name: &str, year: i32) -> Pair {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Pair {
            chain: vec![signed.der().clone()],
            key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            pem: [signed.pem(), key.serialize_pem()],
        }
    }

    /// A directory for a client: this authority, and the client's certificate.
    fn folder(&self, pair: Option<&Pair>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &self.pem);
        if let Some(Pair { pem: [chain, key], .. }) = pair {
            write("cert.pem", chain);
            write("key.pem", key);
        }
        folder
    }

    /// A TLS acceptor that requires client certificates of this authority.
    fn accepts(&self, own: Pair) -> TlsAcceptor {
        use rustls::pki_types::pem::PemObject as _;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients.build().unwrap())
            .with_single_cert(own.chain, own.key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Answers any input with `words`.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, words: &str) {
    let _ = stream.read(&mut [0; 4096]).await;
    let _ = stream.write_all(words.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Why the port on this machine is not an engine.
async fn reason(port: u16, tls: Option<&Path>) -> String {
    let candidate = Candidate {
        endpoint: Endpoint::Tcp { host: "127.0.0.1".to_owned(), port, plain: false },
        tls: tls.map(TlsFiles::in_directory),
        origin: "the test".into(),
    };
    match Engine::connect(vec![candidate]).await {
        Err(EngineError::NoneAnswers { mut tried }) => tried.remove(0).1.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_invalid_certificate_is_final_and_the_error_says_what_is_wrong() {
    let [ours, theirs, renewed] = ["ours", "theirs", "ours"].map(Authority::new);
    for (signer, name, year, expected) in [
        (&theirs, "127.0.0.1", 2999, "its certificate is signed by an unknown authority"),
        (
            &renewed,
            "127.0.0.1",
            2999,
            "its certificate is signed by another authority of that name",
        ),
        (&ours, "127.0.0.1", 2001, "its certificate has expired"),
        (&ours, "engine.example", 2999, "its certificate is for another host"),
    ] {
        let (listener, address) = listen().await;
        let acceptor = ours.accepts(signer.signs(name, year));
        let folder = ours.folder(Some(&ours.signs("me", 2999)));
        let mut connections = 0;
        let reason = tokio::select! {
            reason = reason(address.port(), Some(folder.path())) => reason,
            () = async {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections += 1;
                    let _ = acceptor.accept(stream).await;
                }
            } => unreachable!("it serves for ever"),
        };
        assert!(reason.starts_with(expected), "{reason}");
        assert!(reason.contains(folder.path().to_str().unwrap()), "{reason}");
        assert_eq!(connections, 1, "there must be no second attempt");
    }
}

#[tokio::test]
async fn a_missing_or_untrusted_client_certificate_is_reported() {
    let [ours, theirs, renewed] = ["ours", "theirs", "ours"].map(Authority::new);
    for (who, expected) in [
        (None, "it requires a client certificate"),
        (Some(theirs.signs("me", 2999)), "it rejected our certificate"),
        (Some(renewed.signs("me", 2999)), "it rejected our certificate"),
        (Some(ours.signs("me", 2001)), "it rejected our certificate as expired"),
    ] {
        let (listener, address) = listen().await;
        let acceptor = ours.accepts(ours.signs("127.0.0.1", 2999));
        let folder = ours.folder(who.as_ref());
        let reason = tokio::select! {
            reason = reason(address.port(), Some(folder.path())) => reason,
            () = async {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    match acceptor.accept(stream).into_fallible().await {
                        Ok(stream) => answer(stream, "").await,
                        // Closing the socket with an unread request would reset the connection and
                        // lose the reason.
                        Err((_, stream)) => answer(stream, "").await,
                    }
                }
            } => unreachable!("it serves for ever"),
        };
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_closed_connection_may_mean_an_untrusted_certificate() {
    let ours = Authority::new("ours");
    let (listener, address) = listen().await;
    let acceptor = ours.accepts(ours.signs("127.0.0.1", 2999));
    let folder = ours.folder(Some(&ours.signs("me", 2999)));
    let reason = tokio::select! {
        reason = reason(address.port(), Some(folder.path())) => reason,
        () = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream = acceptor.accept(stream).await.unwrap();
                answer(stream, "").await;
            }
        } => unreachable!("it serves for ever"),
    };
    assert!(
        reason.starts_with("it closed the connection: it may not trust our certificate"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_port_with_another_protocol_is_reported() {
    let folder = Authority::new("ours").folder(None);
    let http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    let wants_tls =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    for (tls, words, expected) in [
        (Some(folder.path()), http, "it does not speak TLS"),
        (None, wants_tls, "it requires TLS"),
        (None, "220 mail ready\r\n", "it answers, but not like a Docker Engine"),
    ] {
        let (listener, address) = listen().await;
        let reason = tokio::select! {
            reason = reason(address.port(), tls) => reason,
            () = async {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    answer(stream, words).await;
                }
            } => unreachable!("it serves for ever"),
        };
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_closed_port_is_reported() {
    // Bound, so that no other test gets it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    assert!(reason(socket.local_addr().unwrap().port(), None).await.contains("refused"));
}
