//! Authorization: turns a login and a challenge into an `Authorization` header.
//!
//! Tokens: <https://distribution.github.io/distribution/spec/auth/token/> and, for identity tokens,
//! <https://distribution.github.io/distribution/spec/auth/oauth/>.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;
use serde::Deserialize;

use super::challenge::{Challenge, parse};
use super::wire::Call;
use crate::debug;
use crate::docker::{Login, Secret};
use crate::failure::RegistryFault;
use crate::loopback::leads_to_loopback;

/// The lifetime of a token that does not state one, according to the specification.
const DEFAULT_LIFETIME: u64 = 60;
const MAX_TOKEN: usize = 256 * 1024;

/// An `Authorization` header and its expiry.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub header: HeaderValue,
    expires: Option<Instant>,
    /// Secrets in it that must not be shown, in every form that the registry saw.
    pub secrets: Vec<Secret>,
    pub with_login: bool,
}

/// The actions that a grant allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Access {
    Pull,
    /// Both actions; registries require pull for a push.
    Push,
}

impl Access {
    /// In the syntax of a scope.
    pub(super) fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

impl Call {
    /// Use this grant from now on.
    pub(super) fn authorise(&mut self, grant: Option<&Grant>) {
        self.authorization = grant.map(|grant| grant.header.clone());
        self.secrets = grant.map_or_else(Vec::new, |grant| grant.secrets.clone());
    }
}

/// How to get a grant.
#[derive(Debug)]
pub(super) enum Way {
    Ready(Grant),
    /// Make this call, then use [`Grant::from_token`].
    Token(Box<Call>),
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<Secret>,
    access_token: Option<Secret>,
    expires_in: Option<u64>,
}

impl Grant {
    pub(super) fn is_fresh(&self) -> bool {
        self.expires.is_none_or(|expires| Instant::now() < expires)
    }

    /// Whether a token server issued it.
    pub(super) fn is_token(&self) -> bool {
        self.expires.is_some()
    }

    /// The grant in a token server's answer. `secrets` are those that were sent to get it.
    pub(super) fn from_token(
        body: &[u8],
        with_login: bool,
        mut secrets: Vec<Secret>,
    ) -> Result<Self, RegistryFault> {
        let no_token =
            || RegistryFault::Malformed("a token response without a usable token".to_owned());
        let answer: TokenAnswer = serde_json::from_slice(body).map_err(|_| no_token())?;
        let given = |token: Option<Secret>| token.filter(|token| !token.expose().is_empty());
        let token =
            given(answer.token).or_else(|| given(answer.access_token)).ok_or_else(no_token)?;
        debug::hide(token.expose());
        let life = answer.expires_in.unwrap_or(DEFAULT_LIFETIME);
        // Renew after four fifths of the lifetime: clocks differ and answers take time.
        let life = Duration::from_secs(life.min(24 * 3600)).mul_f32(0.8);
        let header = sensitive(&format!("Bearer {}", token.expose())).ok_or_else(no_token)?;
        secrets.push(token);
        Ok(Self { header, expires: Some(Instant::now() + life), secrets, with_login })
    }

    fn basic(username: &str, password: &Secret) -> Self {
        let pair = Secret::new(STANDARD.encode(format!("{username}:{}", password.expose())));
        let header = sensitive(&format!("Basic {}", pair.expose()));
        Self {
            header: header.expect("base64 is made of visible ASCII"),
            expires: None,
            secrets: vec![pair, password.clone()],
            with_login: true,
        }
    }
}

/// Picks the scheme that fits the `headers` of a 401 and the login.
///
/// `base` is the registry's URL. `scope` is requested if the challenge does not state one.
pub(super) fn way(
    headers: &HeaderMap,
    base: &Url,
    scope: &str,
    login: Option<&Login>,
) -> Result<Way, RegistryFault> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    let challenges: Vec<Challenge> = lines.flat_map(parse).collect();
    let of = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
    if let Some(bearer) = of("bearer").filter(|bearer| bearer.get("realm").is_some()) {
        return token_call(bearer, base, scope, login).map(|call| Way::Token(Box::new(call)));
    }
    match (of("basic"), login) {
        (Some(_), Some(Login::Password { username, password })) => {
            Ok(Way::Ready(Grant::basic(username, password)))
        }
        (_, login) => Err(RegistryFault::Unauthorized { with_login: login.is_some() }),
    }
}

fn token_call(
    bearer: &Challenge,
    base: &Url,
    scope: &str,
    login: Option<&Login>,
) -> Result<Call, RegistryFault> {
    let malformed = RegistryFault::Malformed("an invalid token server URL".to_owned());
    let realm = bearer.get("realm").unwrap_or_default();
    let mut url = Url::parse(realm).map_err(|_| malformed.clone())?;
    if !url.username().is_empty() || url.password().is_some() || url.host_str().is_none() {
        return Err(malformed);
    }
    let on_loopback = leads_to_loopback(base) && leads_to_loopback(&url);
    if url.scheme() != "https" && !(url.scheme() == "http" && on_loopback) {
        return Err(RegistryFault::UnsafeTokenServer);
    }
    let service = bearer.get("service");
    let scope = bearer.get("scope").filter(|scope| !scope.is_empty()).unwrap_or(scope);
    let mut call = Call {
        accept: "application/json",
        limit: MAX_TOKEN,
        ..Call::new(Method::GET, url.clone())
    };
    if let Some(Login::IdentityToken(token)) = login {
        // The query encoder also encodes forms; this URL is only used for encoding.
        let mut form = url;
        form.set_query(None);
        form.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "onebuild")
            .append_pair("service", service.unwrap_or_default())
            .append_pair("scope", scope)
            .append_pair("refresh_token", token.expose());
        call.form = form.query().map(Secret::new);
        call.secrets = vec![token.clone()];
        call.method = Method::POST;
        return Ok(call);
    }
    url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service)));
    if !scope.is_empty() {
        url.query_pairs_mut().append_pair("scope", scope);
    }
    call.url = url;
    if let Some(Login::Password { username, password }) = login {
        let basic = Grant::basic(username, password);
        call.authorization = Some(basic.header);
        call.secrets = basic.secrets;
    }
    Ok(call)
}

/// A header value that Debug does not show and that HTTP/2 header compression does not store.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
