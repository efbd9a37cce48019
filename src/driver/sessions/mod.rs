//! One session per context directory, opened when a cell first needs it.
//!
//! BuildKit requests a directory once per session, so cells with the same directory share a session, and
//! the directory is sent only once. Secrets and SSH agents are requested only by ID, so cells that use
//! one ID for different sources have different sessions.

pub(crate) mod agents;
mod directory;
pub(crate) mod layouts;
mod logins;
pub(crate) mod secrets;
pub(crate) mod sent;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::task::{AbortHandle, JoinSet};

use crate::buildkit::Client;
use crate::buildkit::session::content::Content;
use crate::buildkit::session::filesend::Results;
use crate::buildkit::session::filesync::{FileSync, MemoryFiles};
use crate::buildkit::session::{Agents, KeyFileError, Session, SessionEnded};
use crate::context::Folder;
use crate::docker::{CredentialError, Credentials};
use crate::input::{LayoutImage, Secret, SecretSource};
use crate::plan::BuildRequest;

use crate::driver::environment::{Environment, cache_directory};
use crate::driver::sessions::agents::{AgentSource, agents};
use crate::driver::sessions::directory::Recorded;
use crate::driver::sessions::layouts::Layouts;
use crate::driver::sessions::logins::Logins;
use crate::driver::sessions::secrets::{HeldSecrets, Secrets};
use crate::driver::sessions::sent::Ledgers;

/// The names that the Dockerfile frontend uses to request directories.
const CONTEXT: &str = "context";
const DOCKERFILE: &str = "dockerfile";

/// The sessions of a run.
pub(crate) struct Sessions {
    client: Client,
    credentials: Arc<Credentials>,
    environment: Environment,
    held: HeldSecrets,
    /// The cache directories, which have unique names in every solve.
    pub(crate) content: Content,
    ledgers: Arc<Ledgers>,
    by_needs: Mutex<HashMap<Needs, Arc<OnceCell<Arc<Open>>>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What a build needs from its session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Needs {
    directory: PathBuf,
    /// Whether to send all of it, even if BuildKit has a copy.
    resend: bool,
    /// Whether to refuse it if something in it cannot be sent.
    strict: bool,
    /// The source of each, and whether it is optional.
    secrets: BTreeMap<String, (SecretSource, bool)>,
    agents: BTreeMap<String, AgentSource>,
}

impl Needs {
    pub(crate) fn of(request: &BuildRequest, environment: Environment) -> Self {
        let secret = |(id, secret): (&String, &Secret)| {
            (id.clone(), (secret.source.clone(), secret.optional))
        };
        Self {
            directory: request.recipe.context.clone(),
            resend: request.policy.no_cache,
            strict: request.policy.strict,
            secrets: request.recipe.inputs.secrets.iter().map(secret).collect(),
            agents: agents(request, environment).into_iter().collect(),
        }
    }
}

/// A session that is being served.
pub(crate) struct Open {
    pub(crate) id: String,
    resend: bool,
    strict: bool,
    files: FileSync,
    ledgers: Arc<Ledgers>,
    layouts: Layouts,
    /// The rendered Dockerfiles that it offers.
    pub(crate) dockerfiles: Arc<MemoryFiles>,
    ended: Arc<OnceLock<Result<(), SessionEnded>>>,
    task: AbortHandle,
}

/// A session for one cell only, closed when this is dropped.
pub(crate) struct Own(pub(super) Arc<Open>);

impl Drop for Own {
    fn drop(&mut self) {
        self.0.task.abort();
    }
}

/// Why there is no session.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    #[error("the build context cannot be read: {0}")]
    Context(#[from] io::Error),
    #[error("an SSH key cannot be used: {0}")]
    Key(KeyFileError),
}

impl Open {
    /// Offers a directory in addition to the context, and returns its name in the session. The name is
    /// unique, so cells may use one context name for different directories. BuildKit stores its copy
    /// under this name and the key of the session.
    pub(crate) async fn offer(&self, directory: &Path) -> io::Result<String> {
        let recorded = recorded(&self.ledgers, directory, self.resend, self.strict).await?;
        let name = format!("folder-{}", recorded.ledger.key());
        self.files.offer(&*name, Arc::new(recorded));
        Ok(name)
    }

    /// The same for an image in a directory.
    pub(crate) async fn offer_image(&self, image: &LayoutImage) -> Result<String, String> {
        self.layouts.offer(image).await
    }

    /// Why it ended, if onebuild ended it.
    pub(crate) fn ended_here(&self) -> Option<&str> {
        match self.ended.get()? {
            Err(SessionEnded::Here(why)) => Some(why),
            Ok(()) | Err(SessionEnded::There(_)) => None,
        }
    }
}

impl Sessions {
    pub(crate) fn new(
        client: Client,
        credentials: Arc<Credentials>,
        environment: Environment,
        held: HeldSecrets,
    ) -> Self {
        let (content, by_needs, tasks) = Default::default();
        let ledgers = Arc::new(Ledgers::new(cache_directory(environment).as_deref()));
        Self { client, credentials, environment, held, content, ledgers, by_needs, tasks }
    }

    /// The open session for `needs`, or a new one.
    pub(crate) async fn shared(&self, needs: &Needs) -> Result<Arc<Open>, SessionError> {
        let slot = {
            let mut slots = self.by_needs.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.entry(needs.clone()).or_default();
            // The engine closes sessions when it restarts. Later cells get a new session.
            if slot.get().is_some_and(|open| open.ended.get().is_some()) {
                *slot = Arc::default();
            }
            slot.clone()
        };
        slot.get_or_try_init(|| self.open(needs, None)).await.cloned()
    }

    /// A session for the builds of one cell. BuildKit sends their results to `results`.
    pub(crate) async fn own(&self, needs: &Needs, results: &Results) -> Result<Own, SessionError> {
        self.open(needs, Some(results)).await.map(Own)
    }

    async fn open(
        &self,
        needs: &Needs,
        results: Option<&Results>,
    ) -> Result<Arc<Open>, SessionError> {
        let dockerfiles = Arc::new(MemoryFiles::new());
        let files = FileSync::new();
        let context = recorded(&self.ledgers, &needs.directory, needs.resend, needs.strict).await?;
        let shared_key = context.ledger.key().to_owned();
        files.offer(CONTEXT, Arc::new(context));
        files.offer(DOCKERFILE, dockerfiles.clone());
        let sources = needs.secrets.iter().map(|(id, (source, _))| (id.clone(), source.clone()));
        let optional = needs.secrets.iter().filter(|(_, (_, optional))| *optional);
        let secrets = Secrets {
            sources: sources.collect(),
            optional: optional.map(|(id, _)| id.clone()).collect(),
            held: self.held.clone(),
            environment: self.environment,
        };
        let agents: Result<Agents, _> =
            needs.agents.iter().map(|(id, source)| Ok((id.clone(), source.open()?))).collect();
        let mut session = Session::new(shared_key)
            .files(&files)
            .content(&self.content)
            .credentials(Logins(self.credentials.clone()))
            .secrets(secrets)
            .agents(agents.map_err(SessionError::Key)?);
        if let Some(results) = results {
            session = session.results(results);
        }
        let id = session.id().to_owned();
        let io = self.client.session(session.announcement());
        let ended = Arc::new(OnceLock::new());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.spawn({
            let ended = ended.clone();
            // A build that needs the session reports its end.
            async move { drop(ended.set(session.serve(io).await)) }
        });
        let (resend, strict, ledgers) = (needs.resend, needs.strict, self.ledgers.clone());
        let layouts = Layouts::new(self.content.clone());
        Ok(Arc::new(Open { id, resend, strict, files, ledgers, layouts, dockerfiles, ended, task }))
    }

    /// Whether the sessions have a login for `host`.
    pub(crate) async fn has_login(&self, host: &str) -> bool {
        matches!(self.credentials.lookup(host).await, Ok(Some(_)))
    }

    /// Why a login for `host` may exist although none was found.
    pub(crate) fn unreadable_login(&self, host: &str) -> Option<&CredentialError> {
        self.credentials.unreadable(host)
    }

    /// Redacts logins in a registry's message that BuildKit passed on.
    pub(crate) fn redacted(&self, text: String) -> String {
        self.credentials.redacted(&text).unwrap_or(text)
    }

    /// New warnings about files that were left out of contexts.
    pub(crate) fn left_out(&self) -> Vec<String> {
        self.ledgers.left_out()
    }

    /// Closes all sessions and waits for their end.
    pub(crate) async fn close(&self) {
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        tasks.shutdown().await;
        self.ledgers.close().await;
        self.content.disk().close().await;
    }
}

/// Opens a directory to send to BuildKit.
async fn recorded(
    ledgers: &Ledgers,
    path: &Path,
    resend: bool,
    strict: bool,
) -> io::Result<Recorded> {
    let directory = Arc::new(Folder::open(path)?);
    let ledger = ledgers.of(&directory, resend).await?;
    Ok(Recorded { directory, ledger, strict })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn cells_share_a_session_unless_one_id_has_different_sources() {
        let none: Environment = |_| None;
        let one = samples::request();
        let secret = |name: &str| Secret::from(SecretSource::Variable(name.to_owned()));
        let with = |id: &str, name: &str| {
            let mut request = samples::request();
            request.recipe.inputs.secrets = [(id.to_owned(), secret(name))].into();
            request
        };
        let needs = |request: &BuildRequest| Needs::of(request, none);
        let renamed = BuildRequest { cell: "v2".into(), ..samples::request() };
        assert_eq!(needs(&one), needs(&renamed));
        assert_eq!(needs(&with("a", "X")), needs(&with("a", "X")));
        assert_ne!(needs(&with("a", "X")), needs(&with("a", "Y")));
        assert_ne!(needs(&with("a", "X")), needs(&one));
    }
}
