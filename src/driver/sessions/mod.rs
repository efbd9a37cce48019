//! One session a context folder, opened when a cell first needs it.
//!
//! BuildKit asks a session for a folder once and serves every solve from that, so cells that share
//! a folder share the session, and the folder is sent once for all of them. A secret or an SSH agent
//! is asked for by its id alone: cells that mean different things by one id have different sessions.

pub(crate) mod agents;
mod directory;
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

use crate::buildkit::session::content::Content;
use crate::buildkit::session::filesend::FileSend;
use crate::buildkit::session::filesync::{FileSync, MemoryFiles};
use crate::buildkit::session::{Agents, KeyFileError, Session, SessionEnded};
use crate::context::Folder;
use crate::docker::{Credentials, Engine, EngineError};
use crate::input::{Secret, SecretSource};
use crate::plan::BuildRequest;

use crate::driver::environment::{Environment, cache_directory};
use crate::driver::sessions::agents::{AgentSource, agents};
use crate::driver::sessions::directory::Recorded;
use crate::driver::sessions::logins::Logins;
use crate::driver::sessions::secrets::{HeldSecrets, Secrets};
use crate::driver::sessions::sent::Ledgers;

/// The names under which the Dockerfile frontend asks for folders.
const CONTEXT: &str = "context";
const DOCKERFILE: &str = "dockerfile";

/// The sessions of a run.
pub(crate) struct Sessions {
    engine: Engine,
    credentials: Arc<Credentials>,
    environment: Environment,
    held: HeldSecrets,
    /// The folders of caches, which have names of their own for every solve.
    pub(crate) content: Content,
    ledgers: Arc<Ledgers>,
    by_needs: Mutex<HashMap<Needs, Arc<OnceCell<Arc<Open>>>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What a build wants of its session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Needs {
    folder: PathBuf,
    /// Whether BuildKit is to be sent all of it, whatever it has.
    anew: bool,
    /// With whether each is optional.
    secrets: BTreeMap<String, (SecretSource, bool)>,
    agents: BTreeMap<String, AgentSource>,
}

impl Needs {
    pub(crate) fn of(request: &BuildRequest, environment: Environment) -> Self {
        let secret = |(id, secret): (&String, &Secret)| {
            (id.clone(), (secret.source.clone(), secret.optional))
        };
        Self {
            folder: request.recipe.context.clone(),
            anew: request.policy.no_cache,
            secrets: request.recipe.inputs.secrets.iter().map(secret).collect(),
            agents: agents(request, environment).into_iter().collect(),
        }
    }
}

/// A session that is being served.
pub(crate) struct Open {
    pub(crate) id: String,
    anew: bool,
    files: FileSync,
    ledgers: Arc<Ledgers>,
    /// The rendered Dockerfiles that it offers.
    pub(crate) dockerfiles: Arc<MemoryFiles>,
    ended: Arc<OnceLock<Result<(), SessionEnded>>>,
    task: AbortHandle,
}

/// A session that serves one build alone, and is hung up when this is dropped.
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
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Open {
    /// Offers a folder beside the context; gives the name that it is offered by, which is that of
    /// no other folder, so that cells may mean different folders by one name. BuildKit keeps its copy
    /// under this name together with the key of the session.
    pub(crate) async fn offer(&self, folder: &Path) -> io::Result<String> {
        let recorded = recorded(&self.ledgers, folder, self.anew).await?;
        let name = format!("folder-{}", recorded.ledger.key());
        self.files.offer(&*name, Arc::new(recorded));
        Ok(name)
    }

    /// Why it has ended, if this program ended it.
    pub(crate) fn ended_here(&self) -> Option<&str> {
        match self.ended.get()? {
            Err(SessionEnded::Here(why)) => Some(why),
            Ok(()) | Err(SessionEnded::There(_)) => None,
        }
    }
}

impl Sessions {
    pub(crate) fn new(
        engine: Engine,
        credentials: Arc<Credentials>,
        environment: Environment,
        held: HeldSecrets,
    ) -> Self {
        let (content, by_needs, tasks) = Default::default();
        let ledgers = Arc::new(Ledgers::new(cache_directory(environment).as_deref()));
        Self { engine, credentials, environment, held, content, ledgers, by_needs, tasks }
    }

    /// The session that has what is needed, opened if there is none that answers.
    pub(crate) async fn shared(&self, needs: &Needs) -> Result<Arc<Open>, SessionError> {
        let slot = {
            let mut slots = self.by_needs.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.entry(needs.clone()).or_default();
            // The engine hangs up when it restarts; cells that come later get a new session.
            if slot.get().is_some_and(|open| open.ended.get().is_some()) {
                *slot = Arc::default();
            }
            slot.clone()
        };
        slot.get_or_try_init(|| self.open(needs, None)).await.cloned()
    }

    /// A session for one build, whose result BuildKit sends to `target`.
    pub(crate) async fn own(&self, needs: &Needs, target: &FileSend) -> Result<Own, SessionError> {
        self.open(needs, Some(target)).await.map(Own)
    }

    async fn open(
        &self,
        needs: &Needs,
        target: Option<&FileSend>,
    ) -> Result<Arc<Open>, SessionError> {
        let dockerfiles = Arc::new(MemoryFiles::new());
        let files = FileSync::new();
        let context = recorded(&self.ledgers, &needs.folder, needs.anew).await?;
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
        if let Some(target) = target {
            session = session.result(target);
        }
        let id = session.id().to_owned();
        let io = self.engine.upgrade("/session", &session.headers()).await?;
        let ended = Arc::new(OnceLock::new());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = tasks.spawn({
            let ended = ended.clone();
            // A build that needs it says so.
            async move { drop(ended.set(session.serve(io).await)) }
        });
        let (anew, ledgers) = (needs.anew, self.ledgers.clone());
        Ok(Arc::new(Open { id, anew, files, ledgers, dockerfiles, ended, task }))
    }

    /// Whether the sessions give BuildKit a login for `host`.
    pub(crate) async fn has_login(&self, host: &str) -> bool {
        matches!(self.credentials.lookup(host).await, Ok(Some(_)))
    }

    /// Takes the logins out of what a registry said, by way of BuildKit.
    pub(crate) fn redacted(&self, text: String) -> String {
        self.credentials.redacted(&text).unwrap_or(text)
    }

    /// Hangs up on every session and waits until they are gone.
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

/// A folder as BuildKit can be sent it.
async fn recorded(ledgers: &Ledgers, folder: &Path, anew: bool) -> io::Result<Recorded> {
    let folder = Arc::new(Folder::open(folder)?);
    let ledger = ledgers.of(&folder, anew).await?;
    Ok(Recorded { folder, ledger })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn cells_share_a_session_unless_one_id_means_different_things_to_them() {
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
