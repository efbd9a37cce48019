//! One text over HTTP.

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Response, Url};

use super::VersionsError;
use crate::error::why;

/// The list of all releases of a large project is a few MiB of JSON.
pub(super) const LARGEST: usize = 16 << 20;
pub(super) const MOST_REDIRECTS: usize = 5;
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("onebuild/", env!("CARGO_PKG_VERSION"));

/// Fetches the text at `url`.
pub async fn fetch(url: &str) -> Result<String, VersionsError> {
    let url: Url =
        url.parse().map_err(|why| VersionsError::Unreachable(format!("not a URL: {why}")))?;
    let response = client(&url)?.get(url).send().await.map_err(fault)?;
    let status = response.status();
    if !status.is_success() {
        return Err(VersionsError::Status(status.as_u16()));
    }
    let body = body(response).await?;
    String::from_utf8(body).map_err(|_| VersionsError::NotText)
}

fn client(url: &Url) -> Result<Client, VersionsError> {
    let builder = || {
        Client::builder()
            .user_agent(AGENT)
            .referer(false)
            .redirect(Policy::custom(follow))
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
    };
    // A proxy has nothing to do with this machine itself, which also needs no authorities.
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let built = match local {
        true => {
            let local = || builder().no_proxy();
            local().build().or_else(|_| local().tls_certs_only([]).build())
        }
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
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every connection with what `answer` makes of the server's own address.
    async fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let own = base.clone();
        // It ends with the runtime of the test.
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer(&own)).await;
                let _ = stream.shutdown().await;
            }
        });
        base
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    #[tokio::test]
    async fn a_text_is_fetched_and_every_fault_has_its_word() {
        let found = server(|_| answer("200 OK", b"1.0\n2.0\n")).await;
        assert_eq!(fetch(&found).await.unwrap(), "1.0\n2.0\n");
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
            let error = fetch(&url).await.expect_err(word).to_string();
            assert!(error.contains(word), "{word}: {error}");
        }
    }
}
