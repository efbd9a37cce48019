//! One HTTP exchange, without redirects, retries or logins.

use std::io;
use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Client, ClientBuilder, Proxy, Url};

use super::retry::Patience;
use crate::debug::{self, Exchange};
use crate::dial::{causes, certificate_fault};
use crate::docker::Secret;
use crate::failure::{RegistryFault, Role};
use crate::loopback::leads_to_loopback;
use crate::proxy::Proxies;

const AGENT: &str = concat!("onebuild/", env!("CARGO_PKG_VERSION"));

/// A request to send.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub method: Method,
    pub url: Url,
    pub accept: &'static str,
    /// The caller marks it sensitive, so that Debug does not show it.
    pub authorization: Option<HeaderValue>,
    /// A body of `application/x-www-form-urlencoded`, already encoded.
    pub form: Option<Secret>,
    /// Strings to redact if the other side repeats them.
    pub secrets: Vec<Secret>,
    /// Upper bound for the answer's body, in bytes.
    pub limit: usize,
}

impl Call {
    /// A call without a login or a body; the answer's body must be empty.
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            accept: "*/*",
            authorization: None,
            form: None,
            secrets: Vec::new(),
            limit: 0,
        }
    }
}

/// An answer of any status.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// The HTTP clients, created on first use, because reading the system's certificates takes time.
#[derive(Debug)]
pub(super) struct Wire {
    patience: Patience,
    proxies: Proxies,
    outside: OnceLock<Option<Client>>,
    loopback: OnceLock<Option<Client>>,
}

impl Wire {
    pub(super) fn new(patience: Patience, proxies: Proxies) -> Self {
        Self { patience, proxies, outside: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// Sends a call and reads the whole answer. Plain http is used for loopback only.
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
        let exchange =
            Exchange::begin("registry", &call.method, &call.url, self.proxies.of(&call.url));
        exchange.authorised(call.authorization.as_ref(), call.form.is_some());
        let failed = |error: reqwest::Error| {
            exchange.failed(&error);
            self.fault(&error, &call.url)
        };
        let mut response = request.send().await.map_err(failed)?;
        exchange.answered(&response);
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > call.limit {
                return Err(RegistryFault::TooLarge { limit: call.limit });
            }
            body.extend_from_slice(&chunk);
        }
        exchange.ended(body.len());
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }

    fn client(&self, url: &Url) -> Result<&Client, RegistryFault> {
        let client = if leads_to_loopback(url) {
            // Loopback does not go through a proxy. A machine without trusted authorities can still
            // use plain http there.
            self.loopback.get_or_init(|| {
                let local = || self.builder();
                local().build().or_else(|_| local().tls_certs_only([]).build()).ok()
            })
        } else if url.scheme() == "https" {
            self.outside.get_or_init(|| self.builder().https_only(true).build().ok())
        } else {
            return Err(RegistryFault::PlainHttp);
        };
        client.as_ref().ok_or(RegistryFault::NoAuthorities)
    }

    fn builder(&self) -> ClientBuilder {
        let proxies = self.proxies.clone();
        Client::builder()
            .user_agent(AGENT)
            .no_proxy()
            .proxy(Proxy::custom(move |url| proxies.of(url).cloned()))
            .redirect(reqwest::redirect::Policy::none())
            .tls_info(debug::is_on())
            .referer(false)
            .connect_timeout(self.patience.connect)
            .read_timeout(self.patience.silence)
            .timeout(self.patience.exchange)
    }

    /// Classifies a transport error. Its own message is dropped, because it contains the URL.
    fn fault(&self, error: &reqwest::Error, url: &Url) -> RegistryFault {
        let fault = sort(error);
        // The proxy opens the connection. What happens on it later is the registry's doing.
        let Some(proxy) = self.proxies.of(url).filter(|_| error.is_connect()) else { return fault };
        match fault {
            RegistryFault::Tls(_) => fault,
            fault => on_the_way(proxy, Role::Proxy, fault),
        }
    }
}

/// Attributes `fault` to the host of `url`, which is not the registry.
pub(super) fn on_the_way(url: &Url, role: Role, fault: RegistryFault) -> RegistryFault {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    RegistryFault::OnTheWay { host, role, fault: Box::new(fault) }
}

fn sort(error: &reqwest::Error) -> RegistryFault {
    if error.is_timeout() {
        return RegistryFault::TimedOut;
    }
    if error.is_dns() {
        return RegistryFault::UnknownHost;
    }
    let mut tunnel_refused = false;
    for cause in causes(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return tls_fault(tls);
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::ConnectionRefused
        {
            return RegistryFault::ConnectionRefused;
        }
        // The type of this error is private to hyper-util.
        tunnel_refused |= cause.to_string().starts_with("tunnel error: ");
    }
    match tunnel_refused {
        true => RegistryFault::TunnelRefused,
        false => RegistryFault::ConnectionLost,
    }
}

fn tls_fault(error: &rustls::Error) -> RegistryFault {
    match error {
        // The first bytes were not a TLS record.
        rustls::Error::InvalidMessage(_) => RegistryFault::PlainHttp,
        rustls::Error::InvalidCertificate(reason) => RegistryFault::Tls(certificate_fault(reason)),
        other => RegistryFault::Tls(other.to_string()),
    }
}
