//! Opens byte streams to an engine, over any kind of endpoint. The Docker API and BuildKit's two
//! upgraded streams all use these streams.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::{Candidate, Endpoint, InvalidTls, TlsFiles, causes, ssh, tls};

/// Limit for name resolution, connecting and TLS together.
const DIAL_TIMEOUT: Duration = Duration::from_secs(9);

/// When to probe an idle connection: a build can be silent for a long time, while firewalls drop
/// idle connections after some minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Bytes to and from an engine.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens streams to one endpoint, in one way. There is no fallback to a less secure way.
#[derive(Clone)]
pub(super) struct Dialer {
    endpoint: Endpoint,
    tls: Option<(TlsConnector, TlsFiles)>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.endpoint)
    }
}

impl Dialer {
    /// Reads the certificates, if there are any.
    pub(super) fn new(candidate: &Candidate) -> Result<Self, InvalidTls> {
        let tls = match &candidate.tls {
            Some(files) => Some((TlsConnector::from(files.config()?), files.clone())),
            None => None,
        };
        Ok(Self { endpoint: candidate.endpoint.clone(), tls })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether others on the network path can read and change the traffic.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.endpoint, Endpoint::Tcp { .. }) && self.tls.is_none()
    }

    /// Opens a stream.
    pub(super) async fn dial(&self) -> io::Result<Box<dyn Stream>> {
        match &self.endpoint {
            Endpoint::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Endpoint::Tcp { host, port } => {
                let dialled = tokio::time::timeout(DIAL_TIMEOUT, self.tcp(host, *port)).await;
                let late = || format!("no answer within {} s", DIAL_TIMEOUT.as_secs());
                dialled.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, late()))?
            }
            Endpoint::Ssh(target) => Ok(Box::new(ssh::start(target)?)),
        }
    }

    async fn tcp(&self, host: &str, port: u16) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_keepidle(&stream, KEEPALIVE)?;
        sockopt::set_tcp_keepintvl(&stream, KEEPALIVE)?;
        let Some((connector, _)) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = connector.connect(name, stream).await?;
        tracing::debug!(target: "docker", tls = tls::facts(stream.get_ref().1), "connected");
        Ok(Box::new(stream))
    }

    /// What went wrong with the connection to the engine, if TLS or the network is the cause.
    pub(super) fn fault(&self, error: &(dyn std::error::Error + 'static)) -> Option<String> {
        let Some((_, files)) = &self.tls else { return tls::fault(error) };
        // The reason that an engine sends before it closes the connection can get lost.
        let fault = tls::fault(error).or_else(|| {
            let untrusted =
                "it closed the connection: it may not trust our certificate, or may require one";
            hung_up(error).then(|| untrusted.to_owned())
        })?;
        Some(format!("{fault} (certificates are in {})", files.folder.display()))
    }
}

/// Whether the other side closed the connection in the middle of an exchange.
fn hung_up(error: &(dyn std::error::Error + 'static)) -> bool {
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
