use std::error::Error;

use futures::future::join_all;

use super::fake::{Fake, Reply, Seen, reply};
use super::{IMAGE, client, login, reference};
use crate::failure::RegistryFault;
use crate::image::Reference;
use crate::registry::{Registry, RegistryError};

/// base64 of me:canary-7f3a
const PAIR: &str = "Basic bWU6Y2FuYXJ5LTdmM2E=";
const PASSWORD: &str = "canary-7f3a";

fn basic(seen: &Seen) -> Reply {
    match seen.header("authorization") {
        Some(PAIR) => reply(200, &[], IMAGE),
        _ => reply(401, &[("www-authenticate", "Basic realm=\"x\"")], ""),
    }
}

/// A registry with a token server, which accepts the user `me`.
fn bearer(seen: &Seen) -> Reply {
    let host = seen.header("host").unwrap();
    let known = seen.header("authorization");
    if seen.path.starts_with("/token") {
        let refreshed = seen.method == "POST" && seen.body.contains("refresh_token=canary-7f3a");
        return match known == Some(PAIR) || refreshed {
            true => reply(200, &[], r#"{"token": "t0k", "expires_in": 300}"#),
            false => reply(401, &[], ""),
        };
    }
    if known == Some("Bearer t0k") {
        return reply(200, &[], IMAGE);
    }
    let challenge = format!(r#"Bearer realm="http://{host}/token?a=b",service="the registry""#);
    reply(401, &[("www-authenticate", challenge.as_str())], "")
}

#[tokio::test]
async fn a_password_is_sent_after_a_challenge() {
    let fake = Fake::start(basic).await;
    let registry = client(&login(&fake.host, "me", PASSWORD));
    registry.manifest(&reference(&fake.host)).await.unwrap();
    registry.manifest(&reference(&fake.host)).await.unwrap();
    let sent: Vec<bool> =
        fake.seen().iter().map(|seen| seen.header("authorization").is_some()).collect();
    assert_eq!(sent, [false, true, true]);
}

#[tokio::test]
async fn a_missing_or_wrong_login_is_reported_with_help() {
    for answer in [basic, bearer] {
        let fake = Fake::start(answer).await;
        let error = client("{}").manifest(&reference(&fake.host)).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!("not logged in to {}", fake.host)), "{error}");
        assert!(error.help().unwrap().ends_with(&format!(
            " or onebuild login {} --username NAME --password-stdin",
            fake.host
        )));

        let wrong = client(&login(&fake.host, "me", "wrong"));
        let error = wrong.manifest(&reference(&fake.host)).await.unwrap_err();
        assert!(error.to_string().ends_with("rejected the login"), "{error}");
        assert!(!error.fault().is_temporary());
    }
}

#[tokio::test]
async fn the_login_of_another_host_is_not_sent() {
    let fake = Fake::start(basic).await;
    let port = fake.host.split(':').nth(1).unwrap();
    let registry = client(&login(&format!("localhost:{port}"), "me", PASSWORD));
    registry.manifest(&reference(&fake.host)).await.unwrap_err();
    assert!(fake.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn all_cells_of_a_repository_share_one_token() {
    let fake = Fake::start(bearer).await;
    let registry = client(&login(&fake.host, "me", PASSWORD));
    let wanted = reference(&fake.host);
    for result in join_all((0..36).map(|_| registry.manifest(&wanted))).await {
        result.unwrap();
    }
    assert_eq!(fake.count("/token"), 1);
    let asked = fake.seen().into_iter().find(|seen| seen.path.starts_with("/token")).unwrap();
    let query = "/token?a=b&service=the+registry&scope=repository%3Alab%2Fapp%3Apull";
    assert_eq!(asked.path, query);

    let other: Reference = format!("{}/lab/other:1.0", fake.host).parse().unwrap();
    registry.manifest(&other).await.unwrap();
    assert_eq!(fake.count("/token"), 2, "a token is valid for one repository");
}

#[tokio::test]
async fn an_identity_token_is_exchanged() {
    let fake = Fake::start(bearer).await;
    let config = format!(r#"{{"auths": {{"{}": {{"identitytoken": "{PASSWORD}"}}}}}}"#, fake.host);
    client(&config).manifest(&reference(&fake.host)).await.unwrap();
    let asked = fake.seen().into_iter().find(|seen| seen.path.starts_with("/token")).unwrap();
    assert_eq!(asked.method, "POST");
    assert!(asked.body.starts_with("grant_type=refresh_token&client_id=onebuild&"), "{asked:?}");
    assert_eq!(asked.path, "/token?a=b");
}

#[tokio::test]
async fn an_expired_token_is_renewed() {
    let fake = Fake::start(|seen| match seen.path.starts_with("/token") {
        true => reply(200, &[], r#"{"access_token": "t0k", "expires_in": 0}"#),
        false => bearer(seen),
    })
    .await;
    let registry = client("{}");
    for _ in 0..2 {
        registry.manifest(&reference(&fake.host)).await.unwrap();
    }
    assert_eq!(fake.count("/token"), 2);
}

#[tokio::test]
async fn a_login_is_not_sent_to_a_token_server_in_plain_text() {
    for realm in ["http://auth.example/token", "http://me@127.0.0.1/token", "/token", "ftp://a/b"] {
        let challenge = format!(r#"Bearer realm="{realm}""#);
        let fake =
            Fake::start(move |_| reply(401, &[("www-authenticate", challenge.as_str())], "")).await;
        let registry = client(&login(&fake.host, "me", PASSWORD));
        let error = registry.manifest(&reference(&fake.host)).await.unwrap_err();
        let refused =
            matches!(error.fault(), RegistryFault::UnsafeTokenServer | RegistryFault::Malformed(_));
        assert!(refused, "{realm}: {error}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_the_login() {
    let storage = Fake::start(|_| reply(200, &[], IMAGE)).await;
    let to = format!("http://{}/stored?signature=abc", storage.host);
    let fake = Fake::start(move |seen| match basic(seen).status().as_u16() {
        200 => reply(307, &[("location", to.as_str())], ""),
        _ => basic(seen),
    })
    .await;
    let registry = client(&login(&fake.host, "me", PASSWORD));
    registry.manifest(&reference(&fake.host)).await.unwrap();
    assert_eq!(storage.seen().len(), 1);
    assert_eq!(storage.seen()[0].header("authorization"), None);
}

#[tokio::test]
async fn another_host_cannot_ask_for_the_login_through_a_redirect() {
    let thief = Fake::start(basic).await;
    let to = format!("http://{}/", thief.host);
    let fake = Fake::start(move |_| reply(307, &[("location", to.as_str())], "")).await;
    let registry = client(&login(&fake.host, "me", PASSWORD));
    let error = registry.manifest(&reference(&fake.host)).await.unwrap_err();
    assert!(matches!(error.fault(), RegistryFault::Denied { .. }), "{error}");
    assert!(thief.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

/// Every representation of an error that a user could see.
fn shown(error: &RegistryError) -> String {
    let mut text = format!("{error} {error:?} {error:#?} {:?}", error.help());
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(" {error} {error:?}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn nothing_shows_a_secret_even_if_the_registry_repeats_it() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        for token in [false, true] {
            let fake = Fake::start(move |seen| {
                let Some(sent) = seen.header("authorization") else {
                    return if token { bearer(seen) } else { basic(seen) };
                };
                if token && seen.path.starts_with("/token") {
                    return reply(200, &[], r#"{"token": "canary-t0k"}"#);
                }
                let said = format!("you sent {sent}, that is {PASSWORD}");
                let error = serde_json::json!({"errors": [{"code": sent, "message": said}]});
                reply(status, &[], error.to_string())
            })
            .await;
            let registry = client(&login(&fake.host, "me", PASSWORD));
            let error = registry.manifest(&reference(&fake.host)).await.unwrap_err();
            let seen = format!("{} {registry:?} {registry:#?}", shown(&error));
            assert!(fake.seen().len() > 1, "the secret was sent");
            for secret in ["canary", "Y2FuYXJ5"] {
                assert!(!seen.contains(secret), "{status}: {seen}");
            }
        }
    }
}

#[tokio::test]
async fn a_login_is_checked_with_the_root_of_the_registry_and_without_a_scope() {
    for answer in [basic, bearer] {
        let fake = Fake::start(answer).await;
        client(&login(&fake.host, "me", PASSWORD)).accepts_login(&fake.host).await.unwrap();
        assert!(fake.seen().iter().all(|seen| !seen.path.contains("scope")));
        assert!(fake.count("/v2/") > 0);
        let wrong = client(&login(&fake.host, "me", "wrong"));
        let fault = wrong.accepts_login(&fake.host).await.unwrap_err();
        assert_eq!(fault, RegistryFault::Unauthorized { with_login: true });
    }
    let open = Fake::start(|_| reply(200, &[], "{}")).await;
    client(&login(&open.host, "me", "any")).accepts_login(&open.host).await.unwrap();
    let other = Fake::start(|_| reply(404, &[], "")).await;
    let fault = client(&login(&other.host, "me", "any")).accepts_login(&other.host).await;
    assert_eq!(fault.unwrap_err(), RegistryFault::NotFound);
}
