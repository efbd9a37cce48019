//! Ports that are not what they are taken for. The engines that are, are tested in tests/engine.

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

use super::{Candidate, Endpoint, Engine, EngineError, TlsFiles};

/// An authority, and what it signs.
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

    /// A certificate for `name` that is good until the end of `year`.
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

    /// A folder for a client: this authority, and who the client is.
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

    /// What a port of this authority's clients is.
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

/// Says `words` to whoever writes something.
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

/// Why there is no engine at that port of this machine.
async fn reason(port: u16, tls: Option<&Path>) -> String {
    let candidate = Candidate {
        endpoint: Endpoint::Tcp { host: "127.0.0.1".to_owned(), port },
        tls: tls.map(|folder| TlsFiles { folder: folder.to_owned() }),
        origin: "the test".into(),
    };
    match Engine::connect(vec![candidate]).await {
        Err(EngineError::NoneAnswers { mut tried }) => tried.remove(0).1.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_the_end_and_says_what_is_wrong() {
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
        assert_eq!(connections, 1, "nothing less was tried after it");
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_that_is_trusted_is_told_so() {
    let [ours, theirs, renewed] = ["ours", "theirs", "ours"].map(Authority::new);
    for (who, expected) in [
        (None, "it wants to know who we are"),
        (Some(theirs.signs("me", 2999)), "it refuses our certificate"),
        (Some(renewed.signs("me", 2999)), "it refuses our certificate"),
        (Some(ours.signs("me", 2001)), "it refuses our certificate, cert.pem, as expired"),
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
                        // Closed with a request unread, it would be reset, and the reason lost.
                        Err((_, stream)) => answer(stream, "").await,
                    }
                }
            } => unreachable!("it serves for ever"),
        };
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[tokio::test]
async fn a_port_that_hangs_up_may_not_trust_us() {
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
    assert!(reason.starts_with("it hung up: it may not trust our certificate"), "{reason}");
}

#[tokio::test]
async fn a_port_that_speaks_otherwise_is_told_in_plain_words() {
    let folder = Authority::new("ours").folder(None);
    let http = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    let wants_tls =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    for (tls, words, expected) in [
        (Some(folder.path()), http, "it does not speak TLS"),
        (None, wants_tls, "it speaks TLS alone"),
        (None, "220 mail ready\r\n", "it answers, but not as Docker does"),
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
async fn a_port_where_nobody_listens_says_so() {
    // Bound, so that no other test gets it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    assert!(reason(socket.local_addr().unwrap().port(), None).await.contains("refused"));
}
