//! `HttpHeaders` of Docker's config file: headers of every request to the engine, such as the login of a
//! proxy in front of it. Calls of gRPC on the engine's socket are such requests, too.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// Headers that never replace those of a request. Their values are never shown.
#[derive(Clone, Default)]
pub struct ApiHeaders(Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for ApiHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name.as_str())).finish()
    }
}

impl ApiHeaders {
    /// Adds a header; false if its name or its value cannot be one.
    pub(super) fn add(&mut self, name: &str, value: &str) -> bool {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(value.trim().parse().ok());
        let Some((name, mut value)) = parsed else { return false };
        HeaderValue::set_sensitive(&mut value, true);
        self.0.push((name, value));
        true
    }

    /// The values, which may be passwords.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(_, value)| value.to_str().ok())
    }

    /// Those that a call of gRPC can have.
    pub(super) fn of_calls(&self) -> HeaderMap {
        self.0.iter().filter(|(name, _)| !is_reserved(name)).cloned().collect()
    }

    /// Adds those that the request does not have itself.
    pub(super) fn complete(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// What a call of gRPC cannot have from a file: HTTP/2 forbids it, or gRPC sets it.
fn is_reserved(name: &HeaderName) -> bool {
    const NAMES: [&str; 10] = [
        "connection",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ];
    NAMES.contains(&name.as_str()) || name.as_str().starts_with("grpc-")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;

    use super::*;
    use crate::docker::{Candidate, Endpoint, Engine};

    #[test]
    fn a_call_of_grpc_gets_no_header_that_http2_or_grpc_reserves() {
        let mut headers = ApiHeaders::default();
        for name in ["X-Login", "Host", "User-Agent", "TE", "Connection", "grpc-timeout"] {
            assert!(headers.add(name, "canary"));
        }
        let calls = headers.of_calls();
        assert_eq!(calls.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-login"]);
        assert!(calls["x-login"].is_sensitive());
    }

    #[tokio::test]
    async fn every_request_to_the_engine_has_the_headers() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("engine.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 2048];
                let count = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..count]).to_lowercase();
                // A connection that only shows whether the engine is there has no request.
                if !head.is_empty() {
                    seen.lock().unwrap().push(head);
                }
                let body = r#"{"Version": "28.0.0", "ApiVersion": "1.48"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let mut headers = ApiHeaders::default();
        assert!(headers.add("X-Login", "canary") && headers.add("Host", "other"));
        let endpoint = Endpoint::Unix(path);
        let candidate = Candidate { endpoint, origin: "a test".into(), tls: None };
        let engine = Engine::connect_or(vec![candidate], &headers, |_, _| {}).await.unwrap();
        engine.version().await.unwrap();
        let _ = engine.upgrade().await;
        let heads = heads.lock().unwrap();
        for path in ["/version", "/grpc"] {
            let head = heads.iter().find(|head| head.lines().any(|line| line.contains(path)));
            let head = head.unwrap_or_else(|| panic!("no request for {path}: {heads:?}"));
            assert!(head.contains("x-login: canary\r\n"), "{head}");
            assert!(head.contains("host: docker\r\n") && !head.contains("other"), "{head}");
        }
    }
}
