//! BuildKit's gRPC interface on a socket or a port of its own, as a buildkitd offers it.
//!
//! Debian has no package of buildkitd. This relay stands for one: behind it is the BuildKit of the lab's
//! Docker Engine. For each connection, the relay sends `POST /grpc` to the engine, and then copies bytes
//! both ways. So the other side speaks HTTP/2 from the first byte, and every message comes from a real
//! BuildKit. What a real buildkitd has and this has not: a version of its own, and workers without
//! Docker's labels.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustix::net::{Shutdown, shutdown};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::lab_env;

/// A stream to the BuildKit of the engine at `host`.
pub(super) fn buildkit(host: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(host.trim_start_matches("unix://"))?;
    stream.write_all(
        b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    Ok(stream)
}

/// Copies what arrives at either of two sockets to the other one, until both have ended.
fn both_ways(near: OwnedFd, far: OwnedFd) {
    let (near, far) = (File::from(near), File::from(far));
    let pairs = [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)];
    for (mut from, mut to) in pairs {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = shutdown(&to, Shutdown::Write);
        });
    }
}

/// Listens at `socket` in front of the lab's engine until the tests end. Returns its address.
pub fn plain_grpc(socket: PathBuf) -> String {
    plain_grpc_of(lab_env("DOCKER_HOST"), socket)
}

/// The same in front of the engine at `host`.
pub fn plain_grpc_of(host: String, socket: PathBuf) -> String {
    let address = format!("buildkit+unix://{}", socket.display());
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            both_ways(near.unwrap().into(), buildkit(&host).unwrap().into());
        }
    });
    address
}

/// Shell commands for a container of the image alpine in the network of this machine: its `buildctl` leads to
/// the BuildKit of the lab's engine.
pub fn buildctl() -> String {
    format!(
        "printf '#!/bin/sh\\n[ \"$*\" = dial-stdio ] && exec nc 127.0.0.1 {}\\n' >/bin/buildctl; \
         chmod +x /bin/buildctl;",
        grpc_port()
    )
}

/// The same on a port without TLS, for `nc`. Returns the port.
pub fn grpc_port() -> u16 {
    let host = lab_env("DOCKER_HOST");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for near in listener.incoming() {
            both_ways(near.unwrap().into(), buildkit(&host).unwrap().into());
        }
    });
    port
}

/// Listens on a port with TLS that requires a client certificate. Writes `ca.pem`, `cert.pem` and
/// `key.pem` for clients, and `other-ca.pem`, into `folder`. Returns the port.
pub fn tls_grpc(folder: &Path) -> u16 {
    let authority = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signed = params.self_signed(&key).unwrap();
        std::fs::write(folder.join(name), signed.pem()).unwrap();
        (Issuer::new(params, key), signed)
    };
    let (issuer, own) = authority("ca.pem");
    authority("other-ca.pem");
    let sign = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &issuer).unwrap(), key)
    };
    let (client, client_key) = sign("client");
    std::fs::write(folder.join("cert.pem"), client.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), client_key.serialize_pem()).unwrap();

    let (server, server_key) = sign("buildkit.example");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
        )
        .unwrap();
    // As Go's gRPC servers require.
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (send, port) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that is refused is what some tests want.
                    let Ok(mut near) = acceptor.accept(near).await else { return };
                    let far = buildkit(&lab_env("DOCKER_HOST")).unwrap();
                    far.set_nonblocking(true).unwrap();
                    let mut far = tokio::net::UnixStream::from_std(far).unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    });
    port.recv().unwrap()
}
