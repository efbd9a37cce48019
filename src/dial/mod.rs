//! Opens byte streams to engines: a socket, a port with or without TLS, or the stdin and stdout of a
//! command. Everything that is sent to an engine goes through such a stream.

mod command;
mod tls;

use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use crate::error::why;

pub(crate) use command::{CommandEnded, CommandLine, MAX_STDERR, NOT_IN_PATH};
pub(crate) use tls::{InvalidTls, TlsClient, TlsFiles, causes, certificate_fault};

/// Limit for name resolution, connecting and TLS together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(9);

/// When to probe an idle connection: a build can be silent for a long time, while firewalls drop
/// idle connections after some minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The name of HTTP/2 in a TLS handshake (ALPN).
const HTTP2: &[u8] = b"h2";

/// Bytes to and from an engine.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What is at the other end of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port: a host name or an address (IPv6 without brackets), and how to secure it.
    Tcp { host: String, port: u16, tls: Option<TlsFiles> },
    /// A command that relays between its stdin and stdout and an engine.
    Command(CommandLine),
}

/// Opens streams to one target, in one way. There is no fallback to a less secure way.
#[derive(Clone)]
pub(crate) struct Dialer {
    target: Target,
    tls: Option<(TlsConnector, TlsFiles)>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl Dialer {
    /// Reads the certificates, if there are any.
    pub(crate) fn new(target: Target) -> Result<Self, InvalidTls> {
        let tls = match &target {
            Target::Tcp { tls: Some(files), .. } => Some((files.config()?, files.clone())),
            Target::Tcp { tls: None, .. } | Target::Unix(_) | Target::Command(_) => None,
        };
        let tls = tls.map(|(config, files)| (TlsConnector::from(config), files));
        Ok(Self { target, tls })
    }

    /// Whether others on the network path can read and change the traffic.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.target, Target::Tcp { tls: None, .. })
    }

    /// Whether each stream is a process of its own.
    pub(crate) fn is_command(&self) -> bool {
        matches!(self.target, Target::Command(_))
    }

    /// Opens a stream for HTTP/1.1.
    pub(crate) async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        self.open(None).await
    }

    /// Opens a stream for HTTP/2. With TLS, the other side must agree to HTTP/2.
    pub(crate) async fn dial_http2(&self) -> io::Result<Box<dyn Stream>> {
        self.open(Some(HTTP2)).await
    }

    async fn open(&self, protocol: Option<&[u8]>) -> io::Result<Box<dyn Stream>> {
        match &self.target {
            Target::Unix(path) => {
                let opened = UnixStream::connect(path).await;
                Ok(Box::new(opened.map_err(|error| not_a_socket(path).unwrap_or(error))?))
            }
            Target::Tcp { host, port, .. } => {
                let dialled = tokio::time::timeout(DIAL_TIMEOUT, self.tcp(host, *port, protocol));
                let late = || format!("no answer within {} s", DIAL_TIMEOUT.as_secs());
                dialled.await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, late()))?
            }
            Target::Command(command) => Ok(Box::new(command.start()?)),
        }
    }

    async fn tcp(
        &self,
        host: &str,
        port: u16,
        protocol: Option<&[u8]>,
    ) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
        sockopt::set_tcp_keepintvl(&stream, KEEPALIVE)?;
        let Some((connector, files)) = &self.tls else { return Ok(Box::new(stream)) };
        let name = files.server_name.clone().unwrap_or_else(|| host.to_owned());
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let protocols = protocol.map(|name| vec![name.to_owned()]).unwrap_or_default();
        let stream = connector.with_alpn(protocols).connect(name, stream).await?;
        let connection = stream.get_ref().1;
        tracing::debug!(target: "docker", tls = tls::facts(connection), "connected");
        if protocol.is_some() && connection.alpn_protocol() != protocol {
            return Err(io::Error::other("it does not speak HTTP/2 (no ALPN protocol `h2`)"));
        }
        Ok(Box::new(stream))
    }

    /// What went wrong between here and the other side, if TLS, a command or the network is the cause.
    pub(crate) fn fault(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        command_ended(error).map(ToString::to_string).or_else(|| self.tls_fault(error))
    }

    fn tls_fault(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        let Some((_, files)) = &self.tls else { return tls::fault(error) };
        // The reason that an engine sends before it closes the connection can get lost.
        let fault = tls::fault(error).or_else(|| {
            let untrusted =
                "it closed the connection: it may not trust our certificate, or may require one";
            hung_up(error).then(|| untrusted.to_owned())
        })?;
        Some(format!("{fault} ({files})"))
    }
}

/// The error for a path that exists and is no socket. The kernel refuses it like a socket without a server.
fn not_a_socket(path: &Path) -> Option<io::Error> {
    let kind = std::fs::metadata(path).ok()?.file_type();
    let what = if kind.is_dir() { "a directory" } else { "a file" };
    let error =
        io::Error::new(io::ErrorKind::ConnectionRefused, format!("it is {what}, not a socket"));
    (!kind.is_socket()).then_some(error)
}

/// An error of a request: what the command of the connection said, or else the error and its cause.
pub(crate) fn explained(error: &(dyn std::error::Error + 'static)) -> String {
    let text = why(error);
    match (command_ended(error), causes(error).last()) {
        (Some(ended), _) => ended.to_string(),
        (None, Some(cause)) if !text.contains(&why(cause)) => format!("{text}: {}", why(cause)),
        (None, _) => text,
    }
}

/// Whether the other side closed a connection because it has too many of them, so that another attempt may
/// succeed.
pub(crate) fn is_rejection(error: &(dyn std::error::Error + 'static)) -> bool {
    command_ended(error).is_some_and(CommandEnded::is_rejection)
}

/// What the command of a connection said at its end, if it ended.
pub(crate) fn command_ended<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e CommandEnded> {
    causes(error).find_map(|cause| cause.downcast_ref::<CommandEnded>())
}

/// Whether the other side closed the connection in the middle of an exchange.
pub(crate) fn hung_up(error: &(dyn std::error::Error + 'static)) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let http = match cause.downcast_ref::<bollard::errors::Error>() {
            Some(bollard::errors::Error::HyperResponseError { err }) => Some(err),
            _ => cause.downcast_ref::<hyper::Error>(),
        };
        matches!(io, Some(BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof))
            || http.is_some_and(hyper::Error::is_incomplete_message)
    })
}
