//! The client: one question becomes as many exchanges as its login, redirects and retries take.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Method;
use http::header::LOCATION;
use reqwest::Url;
use tokio::sync::OnceCell;

use super::answer::fault;
use super::endpoint::{address, base, is_loopback};
use super::error::{RegistryError, RegistryFault};
use super::grant::{Grant, Way, way};
use super::manifest::{ACCEPTED, Manifest};
use super::retry::{Gate, Patience, retry_after};
use super::wire::{Answer, Call, Wire};
use super::{Registry, manifest};
use crate::docker::Credentials;
use crate::image::{Digest, Reference, Repository};

/// The specification asks registries to take manifests of at least this size.
const LARGEST: usize = 4 * 1024 * 1024;
const MOST_REDIRECTS: usize = 5;

/// Registries over HTTP. One for a run: it keeps connections and tokens.
#[derive(Debug)]
pub struct RegistryClient {
    credentials: Arc<Credentials>,
    patience: Patience,
    wire: Wire,
    bases: Mutex<HashMap<String, Arc<OnceCell<Url>>>>,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
    grants: Mutex<HashMap<Repository, Arc<OnceCell<Grant>>>>,
}

impl RegistryClient {
    /// Logs in with `credentials`, and waits as long as `patience` lets it.
    pub fn new(credentials: Arc<Credentials>, patience: Patience) -> Self {
        Self {
            credentials,
            wire: Wire::new(patience.clone()),
            patience,
            bases: Mutex::default(),
            gates: Mutex::default(),
            grants: Mutex::default(),
        }
    }

    async fn get(
        &self,
        repository: &Repository,
        kind: &str,
        name: &str,
    ) -> Result<Answer, RegistryFault> {
        let host = repository.host();
        let cell = entry(&self.bases, host.to_owned());
        let base = cell.get_or_try_init(|| base(&self.wire, host)).await?;
        let call = Call {
            method: Method::GET,
            url: address(base, repository, kind, name),
            accept: if kind == "manifests" { ACCEPTED } else { "*/*" },
            authorization: None,
            form: None,
            secrets: Vec::new(),
            limit: LARGEST,
        };
        self.authorised(call, base, repository).await
    }

    /// Asks with the grant at hand; on a 401, asks once more with a new one.
    async fn authorised(
        &self,
        mut call: Call,
        base: &Url,
        repository: &Repository,
    ) -> Result<Answer, RegistryFault> {
        let used = entry(&self.grants, repository.clone());
        let grant = used.get().filter(|grant| grant.is_fresh());
        call.authorise(grant);
        let spent = used.initialized();
        let first = self.redirected(call.clone(), base).await?;
        if first.status != 401 {
            return success(first, grant);
        }
        let renewed = if spent { self.renew(repository, &used) } else { used.clone() };
        let grant = renewed.get_or_try_init(|| self.grant(&first, base, repository)).await?;
        call.authorise(Some(grant));
        success(self.redirected(call, base).await?, Some(grant))
    }

    /// A place for a new grant: whoever comes first replaces `used`, the others share it.
    fn renew(&self, repository: &Repository, used: &Arc<OnceCell<Grant>>) -> Arc<OnceCell<Grant>> {
        let mut grants = self.grants.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let current = grants.entry(repository.clone()).or_default();
        if Arc::ptr_eq(current, used) {
            *current = Arc::default();
        }
        Arc::clone(current)
    }

    async fn grant(
        &self,
        refusal: &Answer,
        base: &Url,
        repository: &Repository,
    ) -> Result<Grant, RegistryFault> {
        let login = self.credentials.lookup(repository.host()).await;
        let login = login.map_err(RegistryFault::Credentials)?;
        let with_login = login.is_some();
        let scope = format!("repository:{}:pull", repository.path());
        let call = match way(&refusal.headers, base, &scope, login.as_ref())? {
            Way::Ready(grant) => return Ok(grant),
            Way::Token(call) => call,
        };
        let answer = self.patiently(&call).await?;
        match answer.status {
            200 => Grant::from_token(&answer.body, with_login, call.secrets),
            // A token server says in many ways that it does not know this login.
            400 | 401 | 403 => Err(RegistryFault::Unauthorised { with_login }),
            status => Err(RegistryFault::Status { status, errors: Vec::new() }),
        }
    }

    /// Follows redirects; beyond the registry's own origin without its grant.
    async fn redirected(&self, mut call: Call, base: &Url) -> Result<Answer, RegistryFault> {
        for _ in 0..=MOST_REDIRECTS {
            let mut answer = self.patiently(&call).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                // What another host wants to know is none of this registry's business.
                if answer.status == 401 && call.url.origin() != base.origin() {
                    answer.status = 403;
                }
                return Ok(answer);
            }
            let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| call.url.join(to).ok());
            let to = to.ok_or(RegistryFault::Malformed("a redirect to nowhere"))?;
            let local = is_loopback(base) && base.scheme() == "http" && is_loopback(&to);
            if to.scheme() != "https" && !(to.scheme() == "http" && local) {
                return Err(RegistryFault::UnsafeRedirect);
            }
            if to.origin() != base.origin() {
                call.authorise(None);
            }
            call.url = to;
        }
        Err(RegistryFault::UnsafeRedirect)
    }

    async fn patiently(&self, call: &Call) -> Result<Answer, RegistryFault> {
        let gate = entry(&self.gates, call.url.origin().ascii_serialization());
        for attempt in 1.. {
            gate.pass().await;
            let (failed, asked) = match self.wire.send(call).await {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => match fault(&answer, false, &call.secrets) {
                    failed if failed.is_temporary() => (failed, retry_after(&answer.headers)),
                    _ => return Ok(answer),
                },
                Err(failed) => (failed, None),
            };
            self.patience.wait(&gate, attempt, failed, asked).await?;
        }
        unreachable!("patience ends before numbers do")
    }
}

impl Registry for RegistryClient {
    async fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        let repository = &reference.repository;
        let get = async {
            let answer = self.get(repository, "manifests", &name(reference)).await?;
            let wanted = reference.digest.as_ref();
            let bytes = checked(answer.body, wanted)?;
            manifest::Manifest::read(bytes).map_err(RegistryFault::Malformed)
        };
        get.await.map_err(|fault| error(reference, repository, fault))
    }

    async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, RegistryError> {
        let get = async {
            let answer = self.get(repository, "blobs", digest.as_str()).await?;
            checked(answer.body, Some(digest))
        };
        get.await.map_err(|fault| error(format!("{repository}@{digest}"), repository, fault))
    }
}

fn success(answer: Answer, grant: Option<&Grant>) -> Result<Answer, RegistryFault> {
    if answer.status == 200 {
        return Ok(answer);
    }
    let secrets = grant.map_or(&[][..], |grant| &grant.secrets);
    Err(fault(&answer, grant.is_some_and(|grant| grant.with_login), secrets))
}

fn checked(bytes: Bytes, wanted: Option<&Digest>) -> Result<Bytes, RegistryFault> {
    match wanted.filter(|wanted| Digest::of(&bytes) != **wanted) {
        None => Ok(bytes),
        Some(_) => Err(RegistryFault::OtherDigest { found: Digest::of(&bytes) }),
    }
}

fn name(reference: &Reference) -> String {
    match (&reference.digest, &reference.tag) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(tag)) => tag.to_string(),
        (None, None) => "latest".to_owned(),
    }
}

fn error(
    subject: impl fmt::Display,
    repository: &Repository,
    fault: RegistryFault,
) -> RegistryError {
    RegistryError::new(subject, repository.host(), fault)
}

/// The shared value of a key, made where it is missing.
fn entry<K: Eq + Hash, V: Default>(map: &Mutex<HashMap<K, Arc<V>>>, key: K) -> Arc<V> {
    let mut map = map.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    Arc::clone(map.entry(key).or_default())
}
