//! Fetches a text over HTTP, with further pages if there are any.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, Proxy, Response, Url};
use tokio::time::{Instant, sleep};

use super::place::{IsPrivate, Resolver, is_private};
use super::{FetchError, link, message};
use crate::debug::{self, Exchange};
use crate::docker::Secret;
use crate::error::why;
use crate::loopback::leads_to_loopback;
use crate::proxy::Proxies;
use crate::registry::retry_after;

/// The list of all releases of a large project is a few MiB of JSON.
pub(super) const MAX_BYTES: usize = 16 << 20;
pub(super) const MAX_PAGES: usize = 100;
pub(super) const MAX_REDIRECTS: usize = 5;
/// Timeout for one response.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for all pages, including the waits that a server requests.
pub(super) const TOTAL_TIMEOUT: Duration = Duration::from_secs(180);
const MAX_ATTEMPTS: usize = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Only the message of an error response is used.
const MAX_ERROR_BYTES: usize = 64 << 10;
const AGENT: &str = concat!("onebuild/", env!("CARGO_PKG_VERSION"));

/// The separator between pages. JSON cannot contain it; RFC 7464 uses it for this purpose.
pub(crate) const PAGE: char = '\u{1e}';

/// Fetches `url` and its further pages, separated by [`PAGE`]. `token` is sent only to the host of
/// `url`. All requests use `proxies`. `waiting` is called with the reason for a delay.
pub(crate) async fn fetch(
    url: &str,
    token: Option<&Secret>,
    proxies: Proxies,
    waiting: &dyn Fn(&str),
) -> Result<String, FetchError> {
    token.into_iter().for_each(|token| debug::hide(token.expose()));
    let url: Url =
        url.parse().map_err(|why| FetchError::Unreachable(format!("not a URL: {why}")))?;
    let fetcher = Fetcher { builder, proxies, is_private, token, waiting };
    fetcher.within(TOTAL_TIMEOUT, url).await
}

/// Whether the token in `GITHUB_TOKEN` is for `url`.
pub(crate) fn is_github_api(url: &str) -> bool {
    let url = url.parse::<Url>().ok();
    url.is_some_and(|url| {
        url.scheme() == "https"
            && url.host_str() == Some("api.github.com")
            && url.port_or_known_default() == Some(443)
    })
}

struct Fetcher<'f> {
    builder: fn(Proxies) -> ClientBuilder,
    proxies: Proxies,
    is_private: fn(IpAddr) -> bool,
    token: Option<&'f Secret>,
    waiting: &'f dyn Fn(&str),
}

/// The state of one fetch.
struct Run<'f> {
    with: &'f Fetcher<'f>,
    first: Url,
    resolver: Arc<Resolver>,
    /// Whether it started at a public address, and so must not be redirected to a private one.
    guarded: bool,
    ends: Instant,
}

fn builder(proxies: Proxies) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .proxy(Proxy::custom(move |url| proxies.of(url).cloned()))
        .user_agent(AGENT)
        .tls_info(debug::is_on())
        .referer(false)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(RESPONSE_TIMEOUT)
}

impl Fetcher<'_> {
    async fn within(&self, total: Duration, url: Url) -> Result<String, FetchError> {
        let resolver = Arc::new(Resolver::new(self.is_private));
        let work = async {
            let guarded = !resolver.is_private(&url).await;
            let (first, ends) = (url.clone(), Instant::now() + total);
            Run { with: self, first, resolver, guarded, ends }.pages(url).await
        };
        tokio::time::timeout(total, work).await.unwrap_or(Err(FetchError::TooLong))
    }
}

impl Run<'_> {
    async fn pages(&self, mut url: Url) -> Result<String, FetchError> {
        let mut all = String::new();
        for _ in 0..MAX_PAGES {
            let response = self.answer(url.clone()).await?;
            let (answered, next) = (response.url().clone(), link::next(response.headers()));
            let body = body(response, MAX_BYTES - all.len()).await?;
            let text = std::str::from_utf8(&body).map_err(|_| FetchError::NotText)?;
            all += text.strip_prefix('\u{feff}').unwrap_or(text);
            let Some(next) = next else { return Ok(all) };
            let next = answered.join(&next).map_err(|_| FetchError::OtherHost)?;
            if next.origin() != answered.origin() {
                return Err(FetchError::OtherHost);
            }
            if all.len() >= MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            all.push(PAGE);
            url = next;
        }
        Err(FetchError::TooManyPages)
    }

    /// A successful response; waits and retries if the server requests it.
    async fn answer(&self, url: Url) -> Result<Response, FetchError> {
        let mut attempts = 1;
        loop {
            let response = self.follow(url.clone()).await?;
            let status = response.status().as_u16();
            if response.status().is_success() {
                return Ok(response);
            }
            let wait = match status {
                403 | 429 | 503 => retry_after(response.headers()),
                _ => None,
            };
            match wait {
                Some(wait) if attempts < MAX_ATTEMPTS && wait < self.left() => {
                    let host = url.host_str().unwrap_or_default();
                    let seconds = wait.as_secs();
                    (self.with.waiting)(&format!(
                        "{host} returned {status}: retrying in {seconds} s"
                    ));
                    tracing::debug!(target: "from", host, seconds, attempts, "waiting");
                    sleep(wait).await;
                    attempts += 1;
                }
                _ => {
                    let body = body(response, MAX_ERROR_BYTES).await.unwrap_or_default();
                    let message = message::of_body(&body, self.with.token);
                    return Err(FetchError::Status { status, message, wait });
                }
            }
        }
    }

    /// The time until the timeout.
    fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// The response after all redirects.
    async fn follow(&self, mut url: Url) -> Result<Response, FetchError> {
        let mut was_safe = false;
        for hop in 0..=MAX_REDIRECTS {
            if self.resolver.is_metadata(&url).await {
                return Err(FetchError::Metadata);
            }
            if hop > 0 && self.guarded && self.resolver.is_private(&url).await {
                return Err(FetchError::Private);
            }
            was_safe |= url.scheme() == "https";
            let client = self.client(&url)?;
            let headers = self.headers(&url)?;
            let proxy = self.with.proxies.of(&url);
            let exchange = Exchange::begin("from", &Method::GET, &url, proxy);
            exchange.authorised(headers.get(AUTHORIZATION), false);
            let response = client.get(url.clone()).headers(headers).send().await;
            let response = response.map_err(|error| {
                exchange.failed(&error);
                fault(error)
            })?;
            exchange.answered(&response);
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308));
            let Some(location) = location else { return Ok(response) };
            let next = location.to_str().ok().and_then(|location| url.join(location).ok());
            url = next.ok_or(FetchError::NoRedirect)?;
            match url.scheme() {
                "https" => {}
                "http" if was_safe => return Err(FetchError::Downgrade),
                "http" => {}
                _ => return Err(FetchError::NoRedirect),
            }
        }
        Err(FetchError::Redirects)
    }

    fn client(&self, url: &Url) -> Result<Client, FetchError> {
        if self.guarded {
            self.resolver.guard(url);
        }
        let builder = || {
            let builder = (self.with.builder)(self.with.proxies.clone());
            builder.dns_resolver(Arc::clone(&self.resolver))
        };
        // Requests to localhost need no CA certificates.
        let built = match leads_to_loopback(url) {
            true => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
            false => builder().build(),
        };
        built.map_err(fault)
    }

    /// The headers, with the token if it is for this URL.
    fn headers(&self, url: &Url) -> Result<HeaderMap, FetchError> {
        let mut headers = HeaderMap::new();
        let is_safe = url.scheme() == "https" || leads_to_loopback(url);
        if let Some(token) = self.with.token
            && is_safe
            && url.origin() == self.first.origin()
        {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| FetchError::Token)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

async fn body(mut response: Response, largest: usize) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        if bytes.len() + chunk.len() > largest {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause is the most specific one.
fn fault(error: reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    let mut cause: &(dyn Error + 'static) = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
        if cause.is::<IsPrivate>() {
            return FetchError::Private;
        }
    }
    FetchError::Unreachable(why(cause).to_lowercase())
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
