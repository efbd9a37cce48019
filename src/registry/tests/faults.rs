use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::fake::{Fake, reply};
use super::{IMAGE, client, reference};
use crate::docker::Credentials;
use crate::failure::RegistryFault;
use crate::image::{Digest, Reference};
use crate::proxy::Proxies;
use crate::registry::{Patience, Registry, RegistryClient};

#[tokio::test]
async fn a_digest_is_computed_from_the_bytes_not_read_from_the_header() {
    let lie = format!("sha256:{}", "0".repeat(64));
    let fake =
        Fake::start(move |_| reply(200, &[("docker-content-digest", lie.as_str())], IMAGE)).await;
    let manifest = client("{}").manifest(&reference(&fake.host)).await.unwrap();
    assert_eq!(manifest.digest, Digest::of(IMAGE.as_bytes()));
    assert_eq!(fake.seen()[0].path, "/v2/lab/app/manifests/1.0");
}

#[tokio::test]
async fn bytes_that_do_not_match_the_requested_digest_are_refused() {
    let fake = Fake::start(|_| reply(200, &[], IMAGE)).await;
    let mut reference = reference(&fake.host);
    reference.digest = Some(Digest::of(b"something else"));
    let error = client("{}").manifest(&reference).await.unwrap_err();
    assert!(matches!(error.fault(), RegistryFault::OtherDigest { .. }), "{error}");
    reference.digest = Some(Digest::of(IMAGE.as_bytes()));
    client("{}").manifest(&reference).await.unwrap();
}

#[tokio::test]
async fn a_missing_manifest_is_reported_as_not_found() {
    let fake = Fake::start(|_| reply(404, &[], "")).await;
    let absent = format!("{}/lab/app:2.0", fake.host).parse().unwrap();
    let error = client("{}").manifest(&absent).await.unwrap_err();
    let expected = format!("{absent} does not exist on {}", fake.host);
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[tokio::test]
async fn a_temporary_fault_is_retried() {
    for (status, retry_after) in [(503, None), (500, None), (429, Some("0")), (503, Some("1"))] {
        let left = AtomicUsize::new(2);
        let fake = Fake::start(move |_| {
            let again = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            let header = retry_after.map(|value| ("retry-after", value));
            match again {
                Ok(_) => reply(status, header.as_slice(), ""),
                Err(_) => reply(200, &[], IMAGE),
            }
        })
        .await;
        client("{}").manifest(&reference(&fake.host)).await.unwrap();
        assert_eq!(fake.seen().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn attempts_and_waiting_are_bounded() {
    let body = r#"{"errors": [{"code": "UNKNOWN", "message": "disk full"}]}"#;
    let fake = Fake::start(move |_| reply(503, &[], body)).await;
    let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
    assert_eq!(fake.seen().len(), 3);
    assert!(error.fault().is_temporary());
    assert!(
        error.to_string().ends_with("answered 503 Service Unavailable: UNKNOWN: disk full"),
        "{error}"
    );

    let fake = Fake::start(|_| reply(429, &[("retry-after", "3600")], "")).await;
    let begun = Instant::now();
    let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(
        error.to_string().contains("rate limiting us (429 Too Many Requests, retry after 3600 s)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_permanent_fault_is_not_retried() {
    for status in [400, 404, 405, 410, 501] {
        let fake = Fake::start(move |_| reply(status, &[], "")).await;
        let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
        assert!(!error.fault().is_temporary());
        assert_eq!(fake.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn an_endless_body_is_truncated() {
    let fake = Fake::start(|_| reply(200, &[], vec![b' '; 5 * 1024 * 1024])).await;
    let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
    assert!(error.to_string().ends_with("sent more than 4096 KiB"), "{error}");
}

#[tokio::test]
async fn a_redirect_loop_and_a_redirect_out_of_tls_are_refused() {
    for to in ["/again", "http://registry.example/x", "ftp://127.0.0.1/x"] {
        let fake = Fake::start(move |_| reply(307, &[("location", to)], "")).await;
        let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
        assert!(matches!(error.fault(), RegistryFault::UnsafeRedirect), "{to}: {error}");
        assert!(fake.seen().len() <= 6);
    }
}

#[tokio::test]
async fn a_closed_port_is_reported_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = client("{}").manifest(&reference(&host)).await.unwrap_err();
    assert!(error.to_string().ends_with("refused the connection"), "{error}");
    assert!(error.to_string().contains(&host), "{error}");
    assert!(error.help().unwrap().contains("is running there"));
}

#[tokio::test]
async fn a_closed_connection_is_lost_and_a_silent_peer_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let hang_up = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 64]).await;
        }
    };
    let hasty = client("{}");
    let reference = reference(&host);
    let error = tokio::select! {
        error = hasty.manifest(&reference) => error.unwrap_err(),
        () = hang_up => unreachable!("it hangs up for ever"),
    };
    assert!(matches!(error.fault(), RegistryFault::ConnectionLost), "{error:?}");
    assert!(error.fault().is_temporary());

    let patience = Patience { connect: Duration::from_millis(100), ..Patience::default() };
    let hasty = RegistryClient::new(Arc::new(Credentials::none()), patience, Proxies::default());
    let error = hasty.manifest(&reference).await.unwrap_err();
    assert!(matches!(error.fault(), RegistryFault::TimedOut), "{error:?}");
}

#[tokio::test]
async fn a_host_that_failed_for_one_cell_is_skipped_by_the_others() {
    let fake = Fake::start(|_| reply(503, &[], "")).await;
    let registry = client("{}");
    for tag in ["1", "2", "3"] {
        let other = format!("{}/lab/app:{tag}", fake.host).parse().unwrap();
        let error = registry.manifest(&other).await.unwrap_err();
        assert!(error.to_string().contains("503 Service Unavailable"), "{error}");
    }
    assert_eq!(fake.seen().len(), 3, "three attempts in all");
}

/// The client of [`client`], behind the proxy at `proxy`.
fn behind(proxy: &str, no_proxy: &str) -> RegistryClient {
    let proxies = Proxies::from_environment(|name| match name {
        "HTTPS_PROXY" => Some(proxy.to_owned()),
        "NO_PROXY" => Some(no_proxy.to_owned()),
        _ => None,
    });
    let patience = Patience { tries: 1, ..Patience::default() };
    RegistryClient::new(Arc::new(Credentials::none()), patience, proxies)
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_not_the_registry() {
    let asked: Reference = "registry.invalid/lab/app:1".parse().unwrap();
    for status in [403, 407, 502] {
        let proxy = Fake::start(move |_| reply(status, &[], "")).await;
        let error = behind(&proxy.host, "").manifest(&asked).await.unwrap_err();
        let wanted = format!("the proxy for registry.invalid: {} refused to open", proxy.host);
        assert!(error.to_string().contains(&wanted), "{status}: {error}");
        assert_eq!(proxy.seen()[0].method, "CONNECT");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = behind(&gone, "").manifest(&asked).await.unwrap_err();
    assert!(error.to_string().contains(&format!("{gone} refused the connection")), "{error}");
}

#[tokio::test]
async fn hosts_in_no_proxy_are_contacted_directly() {
    let proxy = Fake::start(|_| reply(403, &[], "")).await;
    let asked: Reference = "registry.invalid:5000/lab/app:1".parse().unwrap();
    for direct in ["*", "registry.invalid:5000", ".invalid"] {
        let error = behind(&proxy.host, direct).manifest(&asked).await.unwrap_err();
        assert!(matches!(error.fault(), RegistryFault::UnknownHost), "{direct}: {error:?}");
    }
    assert!(proxy.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_to_a_host_that_does_not_resolve_names_that_host() {
    let to = "https://storage.invalid/blob?signature=canary-7f3a";
    let fake = Fake::start(move |_| reply(307, &[("location", to)], "")).await;
    let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.help());
    assert!(
        error.to_string().contains("the host name of storage.invalid does not resolve"),
        "{shown}"
    );
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn push_permission_is_checked_without_pushing() {
    for (status, wanted) in [
        (202, None),
        (401, Some("not logged in")),
        (403, Some("denied access")),
        (404, Some("does not exist")),
    ] {
        let fake = Fake::start(move |seen| match seen.method.as_str() {
            "POST" => reply(status, &[("location", "/v2/lab/app/blobs/uploads/1?_state=x")], ""),
            _ => reply(204, &[], ""),
        })
        .await;
        let asked = client("{}").may_push(&reference(&fake.host)).await;
        let got = asked.err().map(|error| error.to_string());
        match (wanted, got) {
            (None, None) => {
                let last = fake.seen().pop().unwrap();
                let given_up = (last.method.as_str(), last.path.as_str());
                assert_eq!(given_up, ("DELETE", "/v2/lab/app/blobs/uploads/1?_state=x"));
            }
            (Some(wanted), Some(got)) => assert!(got.contains(wanted), "{got}"),
            (wanted, got) => panic!("{status}: {got:?}, not {wanted:?}"),
        }
    }
}

/// A registry that accepts every connection, and answers the first `answered` requests of each with
/// `answer`.
async fn silent_after(answered: usize, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut left = answered;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0; 1];
            stream.peek(&mut first).await.unwrap();
            // Refuse the TLS greeting, so that the client switches to plain http.
            if first[0] == 0x16 {
                continue;
            }
            let is_answered = left > 0;
            left = left.saturating_sub(1);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 2048]).await;
                if is_answered {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
                std::future::pending::<()>().await;
            });
        }
    });
    host
}

#[tokio::test]
async fn a_registry_that_stops_answering_at_any_point_times_out() {
    let impatient = || {
        let patience = Patience {
            tries: 2,
            silence: Duration::from_millis(100),
            first_delay: Duration::from_millis(1),
            ..Patience::default()
        };
        RegistryClient::new(Arc::new(Credentials::none()), patience, Proxies::default())
    };
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
    for (answered, answer) in [(0, ""), (9, half)] {
        let host = silent_after(answered, answer).await;
        let begun = Instant::now();
        let error = impatient().manifest(&reference(&host)).await.unwrap_err();
        assert!(matches!(error.fault(), RegistryFault::TimedOut), "{error:?}");
        assert!(error.to_string().contains(&host), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn one_request_has_an_overall_limit_and_the_error_names_the_host() {
    let host = silent_after(0, "").await;
    let patience = Patience { total: Duration::from_millis(100), ..Patience::default() };
    let hasty = RegistryClient::new(Arc::new(Credentials::none()), patience, Proxies::default());
    let error = hasty.head(&reference(&host)).await.unwrap_err();
    assert!(matches!(error.fault(), RegistryFault::Silent { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("{host} did not answer for")), "{error}");
}
