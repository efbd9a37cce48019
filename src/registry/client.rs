//! The registry client: runs the login, redirects and retries that one request needs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::Method;
use http::header::LOCATION;
use reqwest::Url;
use tokio::sync::OnceCell;

use super::answer::fault;
use super::endpoint::{address, base};
use super::error::{RegistryError, no_login};
use super::gates::{Gates, host_of};
use super::grant::{Access, Grant, Way, way};
use super::manifest::{ACCEPTED, Manifest};
use super::retry::{Patience, retry_after};
use super::wire::{Answer, Call, Wire, on_the_way};
use super::{Registry, manifest};
use crate::debug;
use crate::docker::Credentials;
use crate::failure::{Phase, RegistryFault, Role};
use crate::image::{Digest, Reference, Repository};
use crate::loopback::leads_to_loopback;
use crate::proxy::Proxies;

/// The specification asks registries to accept manifests of at least this size.
const MAX_BODY: usize = 4 * 1024 * 1024;
const MAX_REDIRECTS: usize = 5;

/// Registries over HTTP. One per run: it keeps connections, tokens and the list of failed hosts.
#[derive(Debug)]
pub struct RegistryClient {
    credentials: Arc<Credentials>,
    patience: Patience,
    wire: Wire,
    bases: Mutex<HashMap<String, Arc<OnceCell<Url>>>>,
    gates: Gates,
    grants: Mutex<HashMap<Scope, Arc<OnceCell<Grant>>>>,
}

/// What a token is valid for.
type Scope = (Repository, Access);

impl RegistryClient {
    /// Logs in with `credentials`, waits within the limits of `patience`, and connects through
    /// `proxies`.
    pub fn new(credentials: Arc<Credentials>, patience: Patience, proxies: Proxies) -> Self {
        Self {
            credentials,
            wire: Wire::new(patience.clone(), proxies),
            patience,
            bases: Mutex::default(),
            gates: Gates::default(),
            grants: Mutex::default(),
        }
    }

    /// Which hosts ask their clients to wait.
    pub fn gates(&self) -> Gates {
        self.gates.clone()
    }

    /// Whether the registry at `host` accepts the login for it: a request for its root, as `docker
    /// login` sends it.
    pub(crate) async fn accepts_login(&self, host: &str) -> Result<(), RegistryFault> {
        let ask = async {
            let base = self.base(host).await?;
            let url = base.join("v2/").map_err(|_| RegistryFault::InvalidHost)?;
            let mut call = Call { limit: MAX_BODY, ..Call::new(Method::GET, url) };
            let first = self.redirected(call.clone(), &base).await?;
            if first.status != 401 {
                return success(first, None).map(drop);
            }
            let grant = self.grant(&first, &base, host, "").await?;
            call.authorise(Some(&grant));
            let second = self.redirected(call, &base).await?;
            success(second, Some(&grant)).map(drop)
        };
        let after = self.patience.total;
        let answer = tokio::time::timeout(after, ask).await;
        answer.unwrap_or(Err(RegistryFault::Silent { after }))
    }

    async fn base(&self, host: &str) -> Result<Url, RegistryFault> {
        let cell = entry(&self.bases, host.to_owned());
        cell.get_or_try_init(|| base(&self.wire, host)).await.cloned()
    }

    async fn read(
        &self,
        method: Method,
        repository: &Repository,
        kind: &str,
        name: &str,
    ) -> Result<Answer, RegistryFault> {
        let base = self.base(repository.host()).await?;
        let accept = if kind == "manifests" { ACCEPTED } else { "*/*" };
        let url = address(&base, repository, &[kind, name]);
        let call = Call { accept, limit: MAX_BODY, ..Call::new(method, url) };
        let (answer, grant) = self.authorised(call, &base, repository, Access::Pull).await?;
        success(answer, grant.as_ref())
    }

    /// Sends a call with the current grant; after a 401, sends it once more with a new grant.
    /// Returns the grant with the answer.
    async fn authorised(
        &self,
        mut call: Call,
        base: &Url,
        repository: &Repository,
        access: Access,
    ) -> Result<(Answer, Option<Grant>), RegistryFault> {
        let scope = (repository.clone(), access);
        let used = entry(&self.grants, scope.clone());
        let grant = used.get().filter(|grant| grant.is_fresh());
        call.authorise(grant);
        let spent = used.initialized();
        let first = self.redirected(call.clone(), base).await?;
        if first.status != 401 {
            return Ok((first, grant.cloned()));
        }
        let renewed = if spent { self.renew(scope, &used) } else { used.clone() };
        let scope = format!("repository:{}:{}", repository.path(), access.actions());
        let granting = || self.grant(&first, base, repository.host(), &scope);
        let grant = renewed.get_or_try_init(granting).await?;
        call.authorise(Some(grant));
        let mut second = self.redirected(call, base).await?;
        // The token server issued a token for this login, but the token is not sufficient.
        if second.status == 401 && grant.is_token() && grant.with_login {
            second.status = 403;
        }
        Ok((second, Some(grant.clone())))
    }

    /// A slot for a new grant. The first caller replaces `used`; the others share the new slot.
    fn renew(&self, scope: Scope, used: &Arc<OnceCell<Grant>>) -> Arc<OnceCell<Grant>> {
        let mut grants = locked(&self.grants);
        let current = grants.entry(scope).or_default();
        if Arc::ptr_eq(current, used) {
            *current = Arc::default();
        }
        Arc::clone(current)
    }

    /// The grant for `scope`, which may be empty: then it is only for the login itself.
    async fn grant(
        &self,
        refusal: &Answer,
        base: &Url,
        host: &str,
        scope: &str,
    ) -> Result<Grant, RegistryFault> {
        let login = self.credentials.lookup(host).await;
        let login = login.map_err(|error| no_login(&error))?;
        let with_login = login.is_some();
        tracing::debug!(target: "registry", host, scope, with_login, "logging in");
        let call = match way(&refusal.headers, base, scope, login.as_ref())? {
            Way::Ready(grant) => return Ok(grant),
            Way::Token(call) => call,
        };
        let answer = self.with_retries(&call).await.map_err(|fault| {
            match call.url.host() == base.host() {
                true => fault,
                false => on_the_way(&call.url, Role::TokenServer, fault),
            }
        })?;
        match answer.status {
            200 => Grant::from_token(&answer.body, with_login, call.secrets),
            // Token servers reject an unknown login with various status codes.
            400 | 401 | 403 => Err(RegistryFault::Unauthorized { with_login }),
            status => Err(RegistryFault::Status { status: Some(status), errors: Vec::new() }),
        }
    }

    /// Follows redirects. The grant is not sent to another origin.
    async fn redirected(&self, mut call: Call, base: &Url) -> Result<Answer, RegistryFault> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.with_retries(&call).await;
            let mut answer = match answer {
                Err(fault) if call.url.origin() != base.origin() => {
                    return Err(on_the_way(&call.url, Role::Redirect, fault));
                }
                answer => answer?,
            };
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                // Do not pass a challenge from another host on as this registry's.
                if answer.status == 401 && call.url.origin() != base.origin() {
                    answer.status = 403;
                }
                return Ok(answer);
            }
            let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| call.url.join(to).ok());
            let no_address =
                || RegistryFault::Malformed("a redirect without a location".to_owned());
            let to = to.ok_or_else(no_address)?;
            let local =
                leads_to_loopback(base) && base.scheme() == "http" && leads_to_loopback(&to);
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

    /// Runs a request about `image` within the overall time limit.
    async fn in_time<T>(
        &self,
        image: &Reference,
        phase: Phase,
        answer: impl Future<Output = Result<T, RegistryFault>>,
    ) -> Result<T, RegistryError> {
        let after = self.patience.total;
        let answer = tokio::time::timeout(after, answer).await;
        let answer = answer.unwrap_or(Err(RegistryFault::Silent { after }));
        answer.map_err(|fault| RegistryError::new(image, phase, self.explained(image, fault)))
    }

    /// The reason why no login was sent, if a login of this machine could not be read.
    fn explained(&self, image: &Reference, fault: RegistryFault) -> RegistryFault {
        match fault {
            RegistryFault::Unauthorized { with_login: false }
            | RegistryFault::Denied { with_login: false } => {
                let unreadable = self.credentials.unreadable(image.repository.host());
                unreadable.map_or(fault, no_login)
            }
            fault => fault,
        }
    }

    /// Attempts a call as often as `patience` allows. If the host does not answer, all cells skip
    /// it for a while.
    async fn with_retries(&self, call: &Call) -> Result<Answer, RegistryFault> {
        let host = host_of(&call.url);
        if let Some(fault) = self.gates.skipped(&host) {
            tracing::debug!(target: "registry", host, fault = debug::variant(&fault), "skipped: the host failed recently");
            return Err(fault);
        }
        for attempt in 1.. {
            match self.gates.wait(&host) {
                Some((wait, fault)) if wait > self.patience.longest_delay => return Err(fault),
                _ => self.gates.pass(&host).await,
            }
            let (failed, asked) = match self.wire.send(call).await {
                Ok(answer) if answer.status < 400 => return Ok(answer),
                Ok(answer) => match fault(&answer, false, &call.secrets) {
                    failed if failed.is_temporary() => (failed, retry_after(&answer.headers)),
                    _ => return Ok(answer),
                },
                Err(failed) => (failed, None),
            };
            tracing::debug!(target: "registry", host, attempt, fault = debug::variant(&failed), ?asked, "temporary");
            if let Some(asked) = asked {
                self.gates.close(&host, asked, failed.clone());
            }
            if let Err(fault) = self.patience.wait(attempt, failed, asked).await {
                if fault.is_of_the_host() && asked.is_none() {
                    self.gates.skip(&host, fault.clone());
                }
                return Err(fault);
            }
        }
        unreachable!("the number of attempts is limited")
    }
}

impl Registry for RegistryClient {
    async fn head(&self, reference: &Reference) -> Result<Option<Digest>, RegistryError> {
        let head = async {
            let name = name(reference);
            let answer = self.read(Method::HEAD, &reference.repository, "manifests", &name).await?;
            let digest = answer.headers.get("docker-content-digest");
            Ok(digest.and_then(|digest| digest.to_str().ok()?.parse().ok()))
        };
        self.in_time(reference, Phase::Verify, head).await
    }

    async fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        let get = async {
            let name = name(reference);
            let answer = self.read(Method::GET, &reference.repository, "manifests", &name).await?;
            let bytes = checked(answer.body, reference.digest.as_ref())?;
            let read = manifest::Manifest::read(&bytes);
            read.map_err(|what| RegistryFault::Malformed(what.to_owned()))
        };
        self.in_time(reference, Phase::Verify, get).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Bytes, RegistryError> {
        let get = async {
            let answer = self.read(Method::GET, repository, "blobs", digest.as_str()).await?;
            checked(answer.body, Some(digest))
        };
        let reference =
            Reference { repository: repository.clone(), tag: None, digest: Some(digest.clone()) };
        self.in_time(&reference, Phase::Verify, get).await
    }

    async fn may_push(&self, reference: &Reference) -> Result<(), RegistryError> {
        let repository = &reference.repository;
        let ask = async {
            let base = self.base(repository.host()).await?;
            let url = address(&base, repository, &["blobs", "uploads", ""]);
            let call = Call { limit: MAX_BODY, ..Call::new(Method::POST, url.clone()) };
            let (answer, grant) = self.authorised(call, &base, repository, Access::Push).await?;
            let upload = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let upload = upload.and_then(|to| url.join(to).ok());
            success(answer, grant.as_ref())?;
            // Cancel the upload that was started; otherwise the registry keeps it for days.
            if let Some(upload) = upload.filter(|upload| upload.origin() == base.origin()) {
                let mut call = Call { limit: MAX_BODY, ..Call::new(Method::DELETE, upload) };
                call.authorise(grant.as_ref());
                let _ = self.wire.send(&call).await;
            }
            Ok(())
        };
        self.in_time(reference, Phase::Push, ask).await
    }
}

fn success(answer: Answer, grant: Option<&Grant>) -> Result<Answer, RegistryFault> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let secrets = grant.map_or(&[][..], |grant| &grant.secrets);
    Err(fault(&answer, grant.is_some_and(|grant| grant.with_login), secrets))
}

fn checked(bytes: Bytes, wanted: Option<&Digest>) -> Result<Bytes, RegistryFault> {
    match wanted.filter(|wanted| Digest::of(&bytes) != **wanted) {
        None => Ok(bytes),
        Some(_) => Err(RegistryFault::OtherDigest { found: Some(Digest::of(&bytes)) }),
    }
}

fn name(reference: &Reference) -> String {
    match (&reference.digest, &reference.tag) {
        (Some(digest), _) => digest.to_string(),
        (None, Some(tag)) => tag.to_string(),
        (None, None) => "latest".to_owned(),
    }
}

/// The shared value of a key, created if it is missing.
fn entry<K: Eq + Hash, V: Default>(map: &Mutex<HashMap<K, Arc<V>>>, key: K) -> Arc<V> {
    Arc::clone(locked(map).entry(key).or_default())
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
