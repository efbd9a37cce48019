//! One exchange over HTTP, without redirects, retries or logins of its own.

use std::io;
use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Client, ClientBuilder, Url};

use super::endpoint::is_loopback;
use super::error::RegistryFault;
use super::retry::Patience;
use crate::docker::{Secret, causes, certificate_fault};

const AGENT: &str = concat!("onebuild/", env!("CARGO_PKG_VERSION"));

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub url: Url,
    pub accept: &'static str,
    /// Marked sensitive by whoever made it, so that no Debug shows it.
    pub authorization: Option<HeaderValue>,
    /// A body of `application/x-www-form-urlencoded`, as it goes out.
    pub form: Option<Secret>,
    /// What of all this must not be shown, should the other side repeat it.
    pub secrets: Vec<Secret>,
    /// The most bytes of the answer's body.
    pub limit: usize,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The connections; made when first needed, since reading the machine's certificates takes time.
#[derive(Debug)]
pub(super) struct Wire {
    patience: Patience,
    outside: OnceLock<Option<Client>>,
    loopback: OnceLock<Option<Client>>,
}

impl Wire {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, outside: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// Sends a call and reads the whole answer. Plain http reaches loopback alone.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, RegistryFault> {
        let client = self.client(&call.url)?;
        let mut request = client.request(call.method.clone(), call.url.clone());
        request = request.header(ACCEPT, call.accept);
        if let Some(authorization) = &call.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(form) = &call.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.expose().to_owned());
        }
        let mut response = request.send().await.map_err(|error| fault(&error))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            if body.len() + chunk.len() > call.limit {
                return Err(RegistryFault::TooLarge { limit: call.limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }

    fn client(&self, url: &Url) -> Result<&Client, RegistryFault> {
        let client = if is_loopback(url) {
            // A proxy has nothing to do with this machine's own loopback. A machine that trusts no
            // authority can still speak plain http there.
            self.loopback.get_or_init(|| {
                let local = || self.builder().no_proxy();
                local().build().or_else(|_| local().tls_certs_only([]).build()).ok()
            })
        } else if url.scheme() == "https" {
            self.outside.get_or_init(|| self.builder().https_only(true).build().ok())
        } else {
            return Err(RegistryFault::NotTls);
        };
        client.as_ref().ok_or(RegistryFault::NoTls)
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder()
            .user_agent(AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.patience.connect)
            .timeout(self.patience.exchange)
    }
}

/// Sorts a transport error; its own text is left out, since it holds the address.
fn fault(error: &reqwest::Error) -> RegistryFault {
    if error.is_timeout() {
        return RegistryFault::Timeout;
    }
    if error.is_dns() {
        return RegistryFault::UnknownHost;
    }
    for cause in causes(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_fault(tls);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            return RegistryFault::Refused;
        }
    }
    RegistryFault::Lost
}

fn tls_fault(error: &rustls::Error) -> RegistryFault {
    match error {
        // The first bytes were no TLS record at all.
        rustls::Error::InvalidMessage(_) => RegistryFault::NotTls,
        rustls::Error::InvalidCertificate(reason) => RegistryFault::Tls(certificate_fault(reason)),
        other => RegistryFault::Tls(other.to_string()),
    }
}
