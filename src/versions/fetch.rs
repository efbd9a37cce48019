//! One text over HTTP.

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Proxy, Response, Url};

use super::VersionsError;
use crate::error::why;
use crate::proxy::Proxies;

/// The list of all releases of a large project is a few MiB of JSON.
pub(super) const LARGEST: usize = 16 << 20;
pub(super) const MOST_REDIRECTS: usize = 5;
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("onebuild/", env!("CARGO_PKG_VERSION"));

/// Fetches the text at `url`, through `proxies`.
pub async fn fetch(url: &str, proxies: Proxies) -> Result<String, VersionsError> {
    let url: Url =
        url.parse().map_err(|why| VersionsError::Unreachable(format!("not a URL: {why}")))?;
    fetched(&client(&url, proxies)?, url).await
}

async fn fetched(client: &Client, url: Url) -> Result<String, VersionsError> {
    let response = client.get(url).send().await.map_err(fault)?;
    let status = response.status();
    if !status.is_success() {
        return Err(VersionsError::Status(status.as_u16()));
    }
    let body = body(response).await?;
    String::from_utf8(body).map_err(|_| VersionsError::NotText)
}

fn builder(proxies: Proxies) -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .proxy(Proxy::custom(move |url| proxies.of(url).cloned()))
        .user_agent(AGENT)
        .referer(false)
        .redirect(Policy::custom(follow))
        .connect_timeout(CONNECT)
        .timeout(PATIENCE)
}

fn client(url: &Url, proxies: Proxies) -> Result<Client, VersionsError> {
    let builder = || builder(proxies.clone());
    // What stays on this machine needs no CA certificates.
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let built = match local {
        true => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
        false => builder().build(),
    };
    built.map_err(fault)
}

fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let was_safe = attempt.previous().iter().any(|url| url.scheme() == "https");
    if attempt.previous().len() > MOST_REDIRECTS {
        attempt.error(Stopped::Redirects)
    } else if was_safe && attempt.url().scheme() != "https" {
        attempt.error(Stopped::Downgrade)
    } else {
        attempt.follow()
    }
}

#[derive(Debug, Clone, Copy, thiserror::Error)]
enum Stopped {
    #[error("too many redirects")]
    Redirects,
    #[error("a redirect to http")]
    Downgrade,
}

async fn body(mut response: Response) -> Result<Vec<u8>, VersionsError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(VersionsError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause says most.
fn fault(error: reqwest::Error) -> VersionsError {
    if error.is_timeout() {
        return VersionsError::Timeout;
    }
    let mut cause: &(dyn Error + 'static) = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
        match cause.downcast_ref::<Stopped>() {
            Some(Stopped::Redirects) => return VersionsError::Redirects,
            Some(Stopped::Downgrade) => return VersionsError::Downgrade,
            None => {}
        }
    }
    VersionsError::Unreachable(why(cause).to_lowercase())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// Answers every connection with what `answer` makes of the server's own address.
    async fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let own = base.clone();
        // It ends with the runtime of the test.
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &answer(&own)).await;
            }
        });
        base
    }

    async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer).await;
        let _ = stream.shutdown().await;
    }

    /// The same over TLS, with a certificate that nobody vouches for.
    async fn safe_server(answer: Vec<u8>) -> Url {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, &answer).await;
                }
            }
        });
        base.parse().unwrap()
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    #[tokio::test]
    async fn a_text_is_fetched_and_every_fault_has_its_word() {
        let found = server(|_| answer("200 OK", b"1.0\n2.0\n")).await;
        assert_eq!(fetch(&found, Proxies::default()).await.unwrap(), "1.0\n2.0\n");
        let missing = server(|_| answer("404 Not Found", b"")).await;
        let binary = server(|_| answer("200 OK", &[0xff, 0xfe])).await;
        let around = server(|own| answer(&format!("302 Found\r\nLocation: {own}/x"), b"")).await;
        let endless = server(|_| answer("200 OK", &vec![b'1'; LARGEST + 1])).await;
        let short = server(|_| answer("200 OK\r\nContent-Length: 100", b"1.0")).await;
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            format!("http://{}", listener.local_addr().unwrap())
        };
        for (url, word) in [
            (missing, "answered 404"),
            (binary, "not UTF-8"),
            (around, "redirects more than"),
            (endless, "larger than 16 MiB"),
            (short, "end of file"),
            (closed, "connection refused"),
            ("https://".to_owned(), "not a URL"),
        ] {
            let error = fetch(&url, Proxies::default()).await.expect_err(word).to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[tokio::test]
    async fn a_redirect_leads_to_https_and_never_back() {
        let trusting = || builder(Proxies::default()).tls_danger_accept_invalid_certs(true);
        let client = trusting().build().unwrap();
        let open = server(|_| answer("200 OK", b"1.0")).await;
        let to = |url: &str| answer(&format!("302 Found\r\nLocation: {url}"), b"");
        let down = safe_server(to(&open)).await;
        let error = fetched(&client, down.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), "it redirects from https to http");
        // Nor by a way round.
        let around = to(down.as_str());
        let around: Url = server(move |_| around.clone()).await.parse().unwrap();
        assert!(matches!(fetched(&client, around).await, Err(VersionsError::Downgrade)));
        let safe = safe_server(answer("200 OK", b"2.0")).await;
        let up = to(safe.as_str());
        let up: Url = server(move |_| up.clone()).await.parse().unwrap();
        assert_eq!(fetched(&client, up).await.unwrap(), "2.0");
        // Who vouches for nobody's certificate is asked no further.
        assert!(matches!(
            fetch(safe.as_str(), Proxies::default()).await,
            Err(VersionsError::Unreachable(_))
        ));
    }

    #[tokio::test]
    async fn a_server_that_falls_silent_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let hasty = builder(Proxies::default()).timeout(Duration::from_millis(50)).build().unwrap();
        let error = fetched(&hasty, url).await.unwrap_err().to_string();
        assert_eq!(error, "it did not answer within 30 seconds");
    }
}
