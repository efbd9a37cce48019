//! Builds cells on the BuildKit inside a Docker Engine.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::buildkit::session::fault::{Fault, LocalFault};
use crate::buildkit::session::filesend::{FileSend, OutputError, Results};
use crate::buildkit::{Client, Solve, SolveError};
use crate::cell_name::{CellName, dockerfile_name};
use crate::debug;
use crate::docker::{Credentials, PassedProxies};
use crate::event::{Event, Warning};
use crate::failure::{Kind, RegistryFault};
use crate::image::Platform;
use crate::input::{EngineWait, NamedContext, Reclaim};
use crate::node::Node;
use crate::outcome::{Built, CellResult, Failure};
use crate::plan::{BuildRequest, FileOutput, Output, Recipe};
use crate::schedule::{Builder, Events, Job};
use crate::text::unescaped;

use super::destination::{BuildSession, Destination, Exported};
use super::failure::{cache_not_written, failed, failure, output_not_written, session_ended};
use super::loading::Loading;
use super::options::{IntoStore, SolveOptions};
use super::request::{Offered, solve};
use super::unplaced::placed;
use super::watch::Watch;
use crate::driver::bases::images::{Image, ImageError, Images, Question};
use crate::driver::caches::directories::{CacheDirectories, CacheDirectoryError};
use crate::driver::caches::idle::IdleCaches;
use crate::driver::capabilities::named_image;
use crate::driver::classify::login_host;
use crate::driver::disk::EngineDisk;
use crate::driver::environment::Environment;
use crate::driver::outage::Outage;
use crate::driver::sessions::secrets::HeldSecrets;
use crate::driver::sessions::{Needs, Open, SessionError, Sessions};
use crate::driver::stalled::limit::RegistryLimit;

/// Progress updates buffered for the display. Beyond this, BuildKit's stream is slowed down.
const BUFFERED_UPDATES: usize = 64;

/// A [`Builder`] for one engine. All its cells share one control connection.
pub struct EngineBuilder {
    pub(crate) node: Node,
    /// The node's control connection.
    pub(crate) client: Client,
    pub(crate) sessions: Sessions,
    pub(crate) environment: Environment,
    pub(crate) images: Images,
    pub(crate) limit: Arc<RegistryLimit>,
    /// How images get into the store of the Docker Engine.
    pub(crate) into_store: IntoStore,
    /// The caches that this run skips.
    idle: IdleCaches,
    /// The proxies for RUN steps and containers.
    pub(crate) proxies: Arc<PassedProxies>,
}

impl EngineBuilder {
    /// Secrets that are not in `secrets`, SSH agents and the GitHub Actions cache are looked up with
    /// `environment`. A step that waits for a registry times out after `registry_timeout` without
    /// progress.
    pub fn new(
        node: Node,
        credentials: Arc<Credentials>,
        environment: Environment,
        secrets: HeldSecrets,
        registry_timeout: Duration,
    ) -> Self {
        let client = node.client().clone();
        let into_store = IntoStore::of(&node);
        let sessions = Sessions::new(client.clone(), credentials, environment, secrets);
        Self {
            node,
            client,
            sessions,
            environment,
            images: Images::default(),
            into_store,
            idle: IdleCaches::default(),
            proxies: Arc::default(),
            limit: RegistryLimit::new(registry_timeout),
        }
    }

    /// The same, without the caches in `idle`.
    #[must_use]
    pub(crate) fn skipping(self, idle: IdleCaches) -> Self {
        Self { idle, ..self }
    }

    /// The same, with proxies for RUN steps and for containers.
    #[must_use]
    pub fn with_proxies(self, proxies: PassedProxies) -> Self {
        Self { proxies: Arc::new(proxies), ..self }
    }

    /// The options of a solve as `request` says, without the caches that this run skips.
    pub(crate) fn options<'r>(&self, request: &'r BuildRequest) -> SolveOptions<'r> {
        SolveOptions {
            caches: self.idle.without(request),
            proxies: self.proxies.clone(),
            into_store: self.into_store,
            ..SolveOptions::of(request)
        }
    }

    /// The disk of its engine. `reclaim` is how much of the build cache this run may remove.
    pub fn disk(&self, reclaim: Option<Reclaim>) -> EngineDisk {
        let directory = self.node.data_directory().map(Path::to_owned);
        EngineDisk::new(self.client.clone(), directory, reclaim)
    }

    /// The outages of its engine, for which cells wait as long as `limit` says.
    pub fn outage(&self, limit: EngineWait) -> Outage {
        Outage::new(self.client.clone(), limit)
    }

    /// The platform that the engine runs without emulation.
    pub(crate) fn native(&self) -> &Platform {
        self.node.facts().native()
    }

    /// The address of the engine's machine as containers see it.
    fn gateway(&self) -> Result<IpAddr, Box<Failure>> {
        self.node.gateway().ok_or_else(|| {
            let message = "the engine does not say which address `host-gateway` is".to_owned();
            let help = "write the address of the engine's machine, such as 172.17.0.1".to_owned();
            Box::new(Failure { message, help: Some(help), ..Failure::default() })
        })
    }

    /// BuildKit's information about an image. Each question is asked once per run.
    pub(crate) async fn image(
        &self,
        session: &Open,
        question: &Question,
    ) -> Result<Arc<Image>, ImageError> {
        self.images.image(&self.client, session, question, self.limit.timeout).await
    }

    /// Whether there is a login for the registry that `error` is about.
    pub(crate) async fn had_login(&self, error: &SolveError) -> bool {
        match login_host(&error.message) {
            Some(host) => self.sessions.has_login(&host).await,
            None => false,
        }
    }

    /// Adds to a failure without a login which login of this machine could not be read.
    pub(crate) fn explained(&self, error: &SolveError, failure: Failure) -> Failure {
        let is_refused = matches!(
            &failure.kind,
            Kind::Registry {
                fault: RegistryFault::Unauthorized { with_login: false }
                    | RegistryFault::Denied { with_login: false },
                ..
            }
        );
        let host = login_host(&error.message).filter(|_| is_refused);
        match host.and_then(|host| self.sessions.unreadable_login(&host)) {
            Some(problem) => Failure {
                message: format!("{}; {problem}", failure.message),
                help: Some(problem.help()),
                ..failure
            },
            None => failure,
        }
    }

    /// Closes the sessions. Cells that are still building fail.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    /// Builds `request`, or returns `None` if it was cancelled. A result that has arrived is always
    /// written completely, even if the run is cancelled meanwhile.
    async fn build_cell(
        &self,
        request: &BuildRequest,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<Option<Built>, Box<Failure>> {
        let Some(opened) = cancel.run_until_cancelled(self.open_for(request)).await else {
            return Ok(None);
        };
        let opened = opened?;
        let destination = self.destination(&request.delivery.output)?;
        opened.expect(&destination);
        let options = self.options(request);
        // On the heap: this future is the largest part of a cell, and is moved through all wrappers.
        let building = Box::pin(self.build_in(opened.session(), request, &options, events));
        // Dropping the solve resets its stream, and BuildKit then cancels it.
        let built = cancel.run_until_cancelled(building).await;
        Self::withdraw(opened.session(), &request.cell);
        let Some(built) = built else {
            destination.cancelled();
            return Ok(None);
        };
        let references = &request.delivery.references;
        let ended = destination.ended(built, references, (&request.cell, events), cancel);
        ended.await.transpose()
    }

    /// Opens the session for all builds of `request`.
    pub(crate) async fn open_for(
        &self,
        request: &BuildRequest,
    ) -> Result<BuildSession, Box<Failure>> {
        let needs = Needs::of(request, self.environment);
        let receives = match &request.delivery.output {
            Output::File { .. } => true,
            _ => self.into_store != IntoStore::Itself && request.needs_store(),
        };
        if !receives {
            return Ok(BuildSession::Shared(self.sessions.shared(&needs).await?));
        }
        let results = Results::default();
        Ok(BuildSession::Own(self.sessions.own(&needs, &results).await?, results))
    }

    /// Where the result of a solve with this output goes, as far as this machine has a part in it.
    pub(crate) fn destination(&self, output: &Output) -> Result<Destination, Box<Failure>> {
        Ok(match output {
            Output::File { kind, dest } => Destination::File(match kind {
                FileOutput::Local => FileSend::to_folder(dest)?,
                _ if dest == Path::new("-") => FileSend::to_writer(std::io::stdout()),
                FileOutput::Oci | FileOutput::Docker | FileOutput::Tar => FileSend::to_file(dest)?,
            }),
            Output::Store | Output::StoreAndPush if self.into_store != IntoStore::Itself => {
                let none = || failed(Kind::Bug, "no Docker Engine was found for the image");
                let (engine, facts) = self.node.docker().ok_or_else(none)?;
                Destination::Engine { loading: Box::new(Loading::new(engine)), store: facts.store }
            }
            Output::Store
            | Output::StoreAndPush
            | Output::Push
            | Output::Digest
            | Output::Nothing => Destination::Elsewhere,
        })
    }

    /// Makes `session` serve the inputs of `recipe`. Returns the name of the Dockerfile, and BuildKit's
    /// name of each named context on this machine.
    pub(crate) async fn offer<'a>(
        session: &Open,
        cell: &CellName,
        recipe: &'a Recipe,
    ) -> Result<(String, HashMap<&'a str, String>), Box<Failure>> {
        let filename = filename(cell);
        session
            .dockerfiles
            .insert(&filename, unescaped(&recipe.dockerfile.text()).into_owned())
            .map_err(unreadable)?;
        if let Some(ignore) = &recipe.dockerignore {
            let name = format!("{filename}.dockerignore");
            session
                .dockerfiles
                .insert(&name, unescaped(ignore.text()).into_owned())
                .map_err(unreadable)?;
        }
        let mut contexts = HashMap::new();
        for (name, context) in &recipe.inputs.contexts {
            let offered = match context {
                NamedContext::Folder(path) => {
                    format!("local:{}", session.offer(path).await.map_err(unreadable)?)
                }
                NamedContext::Layout(image) => {
                    session.offer_image(image).await.map_err(unreadable)?
                }
                NamedContext::Image(_) | NamedContext::Url(_) => continue,
            };
            contexts.insert(name.as_str(), offered);
        }
        Ok((filename, contexts))
    }

    /// Removes the Dockerfile of a finished cell from memory: there may be thousands of cells.
    pub(crate) fn withdraw(session: &Open, cell: &CellName) {
        let filename = filename(cell);
        session.dockerfiles.remove(&filename);
        session.dockerfiles.remove(&format!("{filename}.dockerignore"));
    }

    /// Resolves what only the engine knows about `request`, and offers its inputs.
    async fn ready(
        &self,
        session: &Open,
        request: &BuildRequest,
        options: &SolveOptions<'_>,
        events: Option<&Events>,
    ) -> Result<Ready, Box<Failure>> {
        let recipe = match &request.recipe.pin {
            Some(pin) => Cow::Owned(self.pinned(session, request, pin, events).await?),
            None => Cow::Borrowed(&request.recipe),
        };
        let faults = self.faults(session, request, &recipe, options, events).await?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(Box::new(fault.failure(request)));
        }
        let recipe = self.without_inherited(session, recipe, options.pull).await;
        let (filename, contexts) = Self::offer(session, &request.cell, &recipe).await?;
        let gateway = match recipe.inputs.run.needs_gateway() {
            true => Some(self.gateway()?),
            false => None,
        };
        let offering = CacheDirectories::offer(&options.caches, &self.sessions.content);
        let (caches, warnings) = offering.await?;
        let offered = Offered {
            session: &session.id,
            filename: &filename,
            contexts,
            cache_from: &caches.from,
            cache_to: &caches.to,
            gateway,
        };
        let solve = solve(&recipe, options, &offered, self.environment);
        Ok(Ready { filename, solve, caches, warnings })
    }

    /// Holds the results of all steps of `request` until this future is dropped, so that a later build
    /// has the same result. Notifies `held` when all results exist.
    pub(crate) async fn hold(
        &self,
        session: &Open,
        request: &BuildRequest,
        options: &SolveOptions<'_>,
        held: oneshot::Sender<Result<(), SolveError>>,
    ) -> Infallible {
        let Ok(ready) = self.ready(session, request, options, None).await else {
            // The build of the same request reports the error. Dropping `held` notifies the receiver.
            drop(held);
            return std::future::pending().await;
        };
        // Cache directories are offered until the end.
        let _caches = ready.caches;
        self.client.hold(ready.solve, held).await
    }

    /// Builds `request` in an open session, as `options` say.
    pub(crate) async fn build_in(
        &self,
        session: &Open,
        request: &BuildRequest,
        options: &SolveOptions<'_>,
        events: &Events,
    ) -> Result<Exported, Box<Failure>> {
        let Ready { filename, solve, caches, warnings } =
            Box::pin(self.ready(session, request, options, Some(events))).await?;
        warn(request, warnings, events).await;

        let (sender, progress) = mpsc::channel(BUFFERED_UPDATES);
        let stop = CancellationToken::new();
        let (client, limit) = (&self.client, &*self.limit);
        let solving = stop.run_until_cancelled(client.solve(solve, sender));
        let watching = Watch { request, options, events, client, limit, stop: &stop };
        let (solved, (seen, given_up)) = tokio::join!(solving, watching.follow(progress));
        warn(request, self.sessions.left_out(), events).await;
        let solved = match (solved, given_up) {
            (Some(Ok(solved)), _) => solved,
            (_, Some(given_up)) => return Err(Box::new(given_up.failure())),
            (None, None) => return Err(failed(Kind::Bug, "a build was stopped without a reason")),
            (Some(Err(error)), None) => {
                let had_login = self.had_login(&error).await;
                let failure = failure(&error, &seen, request, &filename, had_login);
                let failure = placed(failure, &error.message, request);
                let mut failure = self.explained(&error, failure);
                // A command with an exit code failed by itself.
                if failure.exit_code.is_none() {
                    match caches.fault(&error.message) {
                        Some(Fault::Here(fault)) => failure = cache_not_written(&fault),
                        Some(Fault::There(said)) => failure.message = said,
                        None => {}
                    }
                }
                if let Some(why) = session.ended_here() {
                    failure = session_ended(failure, &error, why);
                }
                return Err(Box::new(failure));
            }
        };
        warn(request, caches.commit(solved.cache_manifest).await?, events).await;

        let digest = named_image(&options.delivery.output, solved.digest.as_deref())?;
        let pushed = options.delivery.output.is_push();
        let (cached_steps, total_steps) = seen.steps();
        let built = Built {
            digest,
            pushed: if pushed { options.delivery.references.clone() } else { Vec::new() },
            cached_steps,
            total_steps,
            ..Built::default()
        };
        Ok(Exported { built, config: solved.config })
    }
}

/// The name of the Dockerfile of `cell` in the session.
fn filename(cell: &CellName) -> String {
    dockerfile_name(cell)
}

/// A file that BuildKit requests and that cannot be read.
fn unreadable(error: impl std::fmt::Display) -> Box<Failure> {
    failed(Kind::Context, error)
}

/// A build that is ready to start.
struct Ready {
    /// The name of the Dockerfile in the session.
    filename: String,
    solve: Solve,
    caches: CacheDirectories,
    /// Errors that do not stop the build.
    warnings: Vec<String>,
}

/// Sends warnings about a cell.
pub(crate) async fn warn(request: &BuildRequest, messages: Vec<String>, events: &Events) {
    for message in messages {
        let warning = Warning { file: None, line: None, message, url: None };
        let _ = events.send(Event::Warning { cell: request.cell.clone(), warning }).await;
    }
}

impl From<SessionError> for Box<Failure> {
    fn from(error: SessionError) -> Self {
        failed(Kind::Context, error)
    }
}

impl From<CacheDirectoryError> for Box<Failure> {
    fn from(error: CacheDirectoryError) -> Self {
        Box::new(match error {
            CacheDirectoryError::Layout(error) => {
                let fault = error.fault();
                let sentence = format!("cannot use the cache directory: {fault}");
                cache_not_written(&LocalFault { sentence, ..fault })
            }
            CacheDirectoryError::Broken(Fault::Here(fault)) => cache_not_written(&fault),
            other => {
                let sentence = other.to_string();
                cache_not_written(&LocalFault { sentence, directory: None, kind: None })
            }
        })
    }
}

impl From<OutputError> for Box<Failure> {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Destination(fault) | OutputError::Broken(Fault::Here(fault)) => {
                Box::new(output_not_written(&fault))
            }
            other => failed(Kind::Output, other),
        }
    }
}

impl Builder for EngineBuilder {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let Job { request, events, cancel, .. } = *job;
        let started = Instant::now();
        let platforms: Vec<String> =
            request.recipe.platforms.iter().map(Platform::to_string).collect();
        let platforms = platforms.join(",");
        tracing::debug!(target: "cell", cell = %request.cell, platforms, "build");
        let result = match self.build_cell(request, events, cancel).await {
            Ok(Some(built)) => CellResult::Built(built),
            Ok(None) => CellResult::Cancelled,
            Err(failure) => CellResult::Failed(failure),
        };
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (outcome, failure) = match &result {
            CellResult::Built(_) => ("built", None),
            CellResult::Failed(failure) => ("failed", Some(failure)),
            CellResult::Cancelled => ("cancelled", None),
            CellResult::NotStarted(_) => ("not started", None),
        };
        // Only the kind: messages may contain the values of build arguments.
        let kind = failure.map(|failure| match &failure.kind {
            Kind::Registry { fault, .. } => debug::variant(fault),
            kind => debug::variant(kind),
        });
        tracing::debug!(target: "cell", cell = %request.cell, kind, ms, "{outcome}");
        result
    }
}
