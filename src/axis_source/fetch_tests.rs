//! Tests of server faults, with a server in the test.

use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Answers every connection with the result of `answer`, which gets the server's own address.
async fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    asked("127.0.0.1", move |_, own| answer(own)).await
}

/// The same at `address`; `answer` also gets the request.
async fn asked(
    address: &str,
    mut answer: impl FnMut(&str, &str) -> Vec<u8> + Send + 'static,
) -> String {
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let own = base.clone();
    // It ends with the runtime of the test.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, |request| answer(request, &own)).await;
        }
    });
    base
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl FnOnce(&str) -> Vec<u8>,
) {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).await.unwrap_or_default();
    let answer = answer(&String::from_utf8_lossy(&request[..length]));
    let _ = stream.write_all(&answer).await;
    let _ = stream.shutdown().await;
}

/// Fetches like a matrix, from servers that count as public.
async fn get(url: &str) -> Result<String, FetchError> {
    get_with(builder, url, None).await
}

async fn get_with(
    builder: fn(Proxies) -> ClientBuilder,
    url: &str,
    token: Option<&Secret>,
) -> Result<String, FetchError> {
    let url: Url = url.parse().map_err(|_| FetchError::Unreachable("not a URL".to_owned()))?;
    let is_private = |address: IpAddr| address.is_loopback() && address != OUTSIDE;
    let proxies = Proxies::default();
    Fetcher { builder, proxies, is_private, token, waiting: &|_| {} }
        .within(TOTAL_TIMEOUT, url)
        .await
}

/// Simulates the Internet: every other address of this machine counts as private.
const OUTSIDE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 1));

/// The same over TLS, with an untrusted certificate.
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
                serve(stream, |_| answer.clone()).await;
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
async fn a_text_is_fetched_and_every_fault_has_its_message() {
    let found = server(|_| answer("200 OK", b"1.0\n2.0\n")).await;
    assert_eq!(get(&found).await.unwrap(), "1.0\n2.0\n");
    let missing = server(|_| answer("404 Not Found", b"")).await;
    let binary = server(|_| answer("200 OK", &[0xff, 0xfe])).await;
    let around = server(|own| answer(&format!("302 Found\r\nLocation: {own}/x"), b"")).await;
    let endless = server(|_| answer("200 OK", &vec![b'1'; MAX_BYTES + 1])).await;
    let short = server(|_| answer("200 OK\r\nContent-Length: 100", b"1.0")).await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for (url, word) in [
        (missing, "returned 404"),
        (binary, "not UTF-8"),
        (around, "redirects more than"),
        (endless, "larger than 16 MiB"),
        (short, "end of file"),
        (closed, "connection refused"),
        ("https://".to_owned(), "not a URL"),
    ] {
        let error = get(&url).await.expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

fn trusting(proxies: Proxies) -> ClientBuilder {
    builder(proxies).tls_danger_accept_invalid_certs(true)
}

fn to(url: &str) -> Vec<u8> {
    answer(&format!("302 Found\r\nLocation: {url}"), b"")
}

#[tokio::test]
async fn a_redirect_leads_to_https_and_never_back() {
    let open = server(|_| answer("200 OK", b"1.0")).await;
    let down = safe_server(to(&open)).await;
    let error = get_with(trusting, down.as_str(), None).await.unwrap_err();
    assert_eq!(error.to_string(), "it redirects from https to http");
    // Not through a second redirect, either.
    let around = to(down.as_str());
    let around = server(move |_| around.clone()).await;
    let found = get_with(trusting, &around, None).await;
    assert!(matches!(found, Err(FetchError::Downgrade)), "{found:?}");
    let safe = safe_server(answer("200 OK", b"2.0")).await;
    let up = to(safe.as_str());
    let up = server(move |_| up.clone()).await;
    assert_eq!(get_with(trusting, &up, None).await.unwrap(), "2.0");
    // A server with an untrusted certificate is not used.
    assert!(matches!(get(safe.as_str()).await, Err(FetchError::Unreachable(_))));
    let file = server(|_| to("file:///etc/passwd")).await;
    assert!(matches!(get(&file).await, Err(FetchError::NoRedirect)));
}

#[tokio::test]
async fn a_public_server_cannot_redirect_to_a_private_address() {
    // All addresses are private except the first one.
    let inner = asked("127.0.0.2", |_, _| answer("200 OK", b"secret")).await;
    let direct = inner.clone();
    let direct = server(move |_| to(&direct)).await;
    let around = direct.clone();
    let around = server(move |_| to(&around)).await;
    for url in [&direct, &around] {
        let found = get(url).await;
        assert!(matches!(found, Err(FetchError::Private)), "{found:?}");
    }
    // A private address can redirect to another one.
    let between = inner.clone();
    let between = asked("127.0.0.3", move |_, _| to(&between)).await;
    assert_eq!(get(&between).await.unwrap(), "secret");
}

#[tokio::test]
async fn a_name_with_a_private_address_is_not_connected() {
    let resolver = Resolver::new(|_| true);
    let url: Url = "http://localhost/".parse().unwrap();
    assert!(resolver.is_private(&url).await);
    let name = || "localhost".parse().unwrap();
    assert!(reqwest::dns::Resolve::resolve(&resolver, name()).await.is_ok());
    resolver.guard(&url);
    assert!(reqwest::dns::Resolve::resolve(&resolver, name()).await.is_err());
}

#[tokio::test]
async fn further_pages_are_read_only_from_the_same_host() {
    let paged = |last: usize| {
        move |request: &str, own: &str| {
            let number = request.split_once("page=").map_or(1, |(_, rest)| {
                rest.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(1)
            });
            let link = match number {
                number if number < last => {
                    format!("\r\nLink: <{own}/?page={}>; rel=\"next\"", number + 1)
                }
                _ => String::new(),
            };
            answer(&format!("200 OK{link}"), format!("{number}.0\n").as_bytes())
        }
    };
    let three = asked("127.0.0.1", paged(3)).await;
    assert_eq!(get(&three).await.unwrap(), "1.0\n\u{1e}2.0\n\u{1e}3.0\n");
    let endless = asked("127.0.0.1", paged(usize::MAX)).await;
    let found = get(&endless).await;
    assert!(matches!(found, Err(FetchError::TooManyPages)), "{found:?}");
    let other = server(|_| answer("200 OK", b"9")).await;
    let away = format!("200 OK\r\nLink: <{other}>; rel=next");
    let away = server(move |_| answer(&away, b"1")).await;
    assert!(matches!(get(&away).await, Err(FetchError::OtherHost)));
    // The limit applies to all pages together.
    let large = asked("127.0.0.1", |_, own| {
        let link = format!("200 OK\r\nLink: <{own}/>; rel=next");
        answer(&link, &vec![b'1'; MAX_BYTES / 2])
    });
    assert!(matches!(get(&large.await).await, Err(FetchError::TooLarge)));
}

#[tokio::test]
async fn requests_to_a_busy_server_are_retried_a_few_times() {
    for status in ["429 Too Many Requests", "503 Service Unavailable", "403 Forbidden"] {
        let mut requests = 0;
        let busy = asked("127.0.0.1", move |_, _| {
            requests += 1;
            match requests {
                1 | 2 => answer(&format!("{status}\r\nRetry-After: 0"), b""),
                _ => answer("200 OK", b"1.0"),
            }
        });
        assert_eq!(get(&busy.await).await.unwrap(), "1.0", "{status}");
    }
    let always = server(|_| answer("429 X\r\nRetry-After: 0", b"{\"message\":\"no\"}")).await;
    let error = get(&always).await.unwrap_err().to_string();
    assert_eq!(error, "the server returned 429: no (retry after 0 s)");
    // Longer than the limit.
    let later = server(|_| answer("503 X\r\nRetry-After: 99999999999999", b"down")).await;
    let error = get(&later).await.unwrap_err().to_string();
    assert!(error.starts_with("the server returned 503: down (retry after"), "{error}");
}

#[tokio::test]
async fn a_token_is_only_sent_to_its_host() {
    let shown = |request: &str, _: &str| answer("200 OK", request.to_lowercase().as_bytes());
    let token = Secret::new("canary-7f3a");
    let near = asked("127.0.0.1", shown).await;
    let request = get_with(builder, &near, Some(&token)).await.unwrap();
    assert!(request.contains("authorization: bearer canary-7f3a"), "{request}");
    // Another port is another host.
    let there = near.clone();
    let led = server(move |_| to(&there)).await;
    let request = get_with(builder, &led, Some(&token)).await.unwrap();
    assert!(!request.contains("canary"), "{request}");
    let echo = asked("127.0.0.1", |request, _| answer("403 X", request.as_bytes())).await;
    let error = get_with(builder, &echo, Some(&token)).await.unwrap_err();
    assert!(!error.to_string().contains("canary"), "{error}");
    let broken = Secret::new("canary\nx");
    let error = get_with(builder, &near, Some(&broken)).await.unwrap_err();
    assert!(matches!(error, FetchError::Token), "{error}");
}

#[test]
fn the_token_of_a_workflow_is_only_for_the_github_api() {
    for (url, expected) in [
        ("https://api.github.com/repos/a/b/releases", true),
        ("https://API.github.com:443/x", true),
        ("http://api.github.com/x", false),
        ("https://api.github.com:8443/x", false),
        ("https://api.github.com.evil.example/x", false),
        ("https://github.com/x", false),
        ("https://user@evil.example/api.github.com", false),
        ("releases.json", false),
    ] {
        assert_eq!(is_github_api(url), expected, "{url}");
    }
}

#[tokio::test]
async fn a_server_that_stops_responding_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let hasty = |proxies| builder(proxies).timeout(Duration::from_millis(50));
    let error = get_with(hasty, &url, None).await.unwrap_err().to_string();
    assert_eq!(error, "it did not answer within 30 seconds");
}

#[tokio::test]
async fn cloud_metadata_is_not_read() {
    for url in ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest"] {
        assert!(matches!(get(url).await, Err(FetchError::Metadata)), "{url}");
        let to = url.to_owned();
        let redirects = server(move |_| {
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
                .into_bytes()
        });
        assert!(matches!(get(&redirects.await).await, Err(FetchError::Metadata)), "{url}");
    }
}
