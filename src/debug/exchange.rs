//! Logs one HTTP exchange, from the request to the response or the error.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::tls::TlsInfo;
use reqwest::{Response, Url};

use super::shown;

/// Distinguishes concurrent exchanges.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A running exchange. All its lines have the same number.
pub(crate) struct Exchange {
    number: u64,
    started: Instant,
    /// Whether a response or an error has been logged.
    settled: AtomicBool,
}

impl Exchange {
    /// Logs a request to a URL, with the module that makes it and its proxy.
    pub(crate) fn begin(by: &'static str, method: &Method, url: &Url, via: Option<&Url>) -> Self {
        let exchange = Self::new();
        let (number, proxy) = (exchange.number, via.map(shown::authority));
        tracing::debug!(target: "http", number, by, %method, url = shown::url(url), proxy, "request");
        exchange
    }

    /// Logs a request to the engine.
    pub(crate) fn with_engine(method: &Method, target: &str) -> Self {
        let exchange = Self::new();
        let (number, path) = (exchange.number, shown::path(target));
        tracing::debug!(target: "http", number, by = "engine", %method, path, "request");
        exchange
    }

    fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { number, started: Instant::now(), settled: AtomicBool::new(false) }
    }

    /// Logs how the request is authorised, without the login itself.
    pub(crate) fn authorised(&self, authorization: Option<&HeaderValue>, with_form: bool) {
        let authorization = authorization.map(|value| value.to_str().map_or("…", shown::scheme));
        if authorization.is_some() || with_form {
            let number = self.number;
            tracing::debug!(target: "http", number, authorization, with_form, "authorised");
        }
    }

    /// Logs status and headers of a response, and its connection.
    pub(crate) fn answered(&self, response: &Response) {
        let certificate =
            response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        tracing::debug!(
            target: "http",
            number = self.number,
            version = ?response.version(),
            peer = response.remote_addr().map(tracing::field::display),
            certificate = certificate.map(shown::fingerprint),
            "connected"
        );
        self.received(response.status(), response.headers());
    }

    /// Logs status and headers of a response.
    pub(crate) fn received(&self, status: StatusCode, headers: &HeaderMap) {
        self.settled.store(true, Ordering::Relaxed);
        let (number, status, ms) = (self.number, status.as_u16(), self.ms());
        tracing::debug!(target: "http", number, status, ms, headers = shown::headers(headers), "response");
    }

    /// Logs the length of the response's complete body.
    pub(crate) fn ended(&self, bytes: usize) {
        tracing::debug!(target: "http", number = self.number, ms = self.ms(), bytes, "body");
    }

    /// Logs why there is no response, or why it ended early.
    pub(crate) fn failed(&self, error: &(dyn Error + 'static)) {
        self.settled.store(true, Ordering::Relaxed);
        let (number, ms) = (self.number, self.ms());
        tracing::debug!(target: "http", number, ms, error = shown::chain(error), "failed");
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request that is dropped was abandoned: it timed out, or the run was cancelled.
impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.settled.load(Ordering::Relaxed) {
            tracing::debug!(target: "http", number = self.number, ms = self.ms(), "given up");
        }
    }
}
