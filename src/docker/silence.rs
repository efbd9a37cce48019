//! Detects within 10 s an engine that accepts connections but does not answer, and distinguishes it
//! from a busy engine.
//!
//! During a long request, the engine is pinged. If it answers the pings, it is working, and the
//! request may take until its own limit.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::engine::Engine;
use super::limits::answer_timeout;

/// How long an engine may be silent during a removal.
const REMOVAL_SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request may take before the engine is pinged; the ping may take the rest of the time.
const PING_DELAY: Duration = Duration::from_secs(4);

impl Engine {
    /// The result of `answer`, or `None` if the engine stops answering first.
    pub(crate) async fn unless_silent<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let limit = answer_timeout(self.endpoint());
        tokio::select! {
            answer = answer => Some(answer),
            () = self.silent(limit) => None,
        }
    }

    /// The same for a removal, with more patience: a busy engine should not leave anything behind.
    pub(super) async fn removed<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let limit = answer_timeout(self.endpoint()).max(REMOVAL_SILENCE_TIMEOUT);
        tokio::select! {
            answer = answer => Some(answer),
            () = self.silent(limit) => None,
        }
    }

    /// Returns when the engine does not answer a ping within `limit`.
    async fn silent(&self, limit: Duration) {
        loop {
            sleep(PING_DELAY).await;
            // If a ping fails with an error, the request fails with it too.
            if timeout(limit - PING_DELAY, self.docker.ping()).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixListener;
    use tokio::time::Instant;

    use super::super::endpoint::Endpoint;
    use super::*;
    use crate::docker::{Candidate, EngineError, NoStream};

    /// An engine in `directory` that answers requests for paths that end in one of `answered`, and
    /// counts the pings. Other requests are accepted but not answered.
    fn engine(
        directory: &std::path::Path,
        answered: &'static [&'static str],
    ) -> (Candidate, Counter) {
        let path = directory.join("engine.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let pings = Counter::default();
        let counted = pings.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let pings = counted.clone();
                tokio::spawn(async move {
                    let mut head = [0; 2048];
                    let count = stream.read(&mut head).await.unwrap_or(0);
                    let head = String::from_utf8_lossy(&head[..count]).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or_default();
                    pings.0.fetch_add(usize::from(path.ends_with("/_ping")), Ordering::Relaxed);
                    if !answered.iter().any(|answered| path.ends_with(answered)) {
                        return std::future::pending().await;
                    }
                    let body = r#"{"Version": "28.0.0", "ApiVersion": "1.48"}"#;
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                         content-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    stream.write_all(answer.as_bytes()).await.unwrap();
                });
            }
        });
        let candidate =
            Candidate { endpoint: Endpoint::Unix(path), origin: "a test".into(), tls: None };
        (candidate, pings)
    }

    #[derive(Clone, Default)]
    struct Counter(Arc<AtomicUsize>);

    #[tokio::test(start_paused = true)]
    async fn a_silent_socket_is_reported_within_10_s_and_the_next_one_is_tried() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (silent, _) = engine(one.path(), &[]);
        let (good, _) = engine(other.path(), &["/version"]);
        let started = Instant::now();
        let error = Engine::connect(vec![silent.clone()]).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        let EngineError::NoneAnswers { tried } = error else { panic!("{error}") };
        assert_eq!(tried[0].1.kind(), std::io::ErrorKind::TimedOut);
        assert!(tried[0].1.to_string().contains("accepts connections but does not answer"));
        let named = std::cell::Cell::new(0);
        let count = |candidate: &Candidate, _: &_| {
            assert_eq!(candidate.endpoint, silent.endpoint);
            named.set(named.get() + 1);
        };
        let both = vec![silent.clone(), good.clone()];
        let engine = Engine::connect_or(both, &Default::default(), count).await.unwrap();
        assert_eq!(named.get(), 1);
        assert_eq!(engine.endpoint(), &good.endpoint);
    }

    fn silent<T>(opened: Result<T, NoStream>) -> EngineError {
        match opened {
            Err(NoStream::Silent(error)) => error,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("it answers"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_to_a_silent_engine_ends_within_10_s() {
        let directory = tempfile::tempdir().unwrap();
        let (candidate, _) = engine(directory.path(), &["/version"]);
        let engine = Engine::connect(vec![candidate]).await.unwrap();
        engine.version().await.unwrap();
        for path in ["/info", "/grpc"] {
            let started = Instant::now();
            let error = match path {
                "/info" => engine.facts().await.unwrap_err(),
                _ => silent(engine.upgrade().await),
            };
            assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
            let error = error.to_string();
            assert!(error.contains(path) && error.contains("does not answer"), "{error}");
            assert!(error.contains("engine.sock"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_removal_times_out_after_30_s_or_a_minute_with_the_reason() {
        for (answered, seconds) in [(&["/version"][..], 30), (&["/version", "/_ping"], 60)] {
            let directory = tempfile::tempdir().unwrap();
            let (candidate, _) = engine(directory.path(), answered);
            let engine = Engine::connect(vec![candidate]).await.unwrap();
            let started = Instant::now();
            let error = engine.remove_container("c").await.unwrap_err();
            assert_eq!(started.elapsed().as_secs(), seconds, "{error}");
            assert!(error.is_unanswered && error.to_string().contains("did not answer"), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_to_an_engine_that_answers_pings_times_out_after_a_minute() {
        let directory = tempfile::tempdir().unwrap();
        let (candidate, pings) = engine(directory.path(), &["/version", "/_ping"]);
        let engine = Engine::connect(vec![candidate]).await.unwrap();
        let started = Instant::now();
        let error = engine.facts().await.unwrap_err().to_string();
        assert_eq!(started.elapsed().as_secs(), 60, "{error}");
        assert!(error.contains("no answer within 60 s"), "{error}");
        assert!(pings.0.load(Ordering::Relaxed) > 5);
    }
}
