//! The session: BuildKit's callbacks during a build, one service per file.
//!
//! BuildKit is the HTTP/2 client here and we are the server, over the byte stream of a call on the
//! control connection. [`Session::announcement`] is the metadata of that call. The caller then runs
//! [`Session::serve`] until the builds that use it have finished.

mod auth;
pub(crate) mod content;
mod ended;
pub(crate) mod fault;
pub(crate) mod filesend;
pub(crate) mod filesync;
mod health;
mod secrets;
mod ssh;
mod staged;

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;

use bollard_buildkit_proto::health::health_server::HealthServer;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::SecretsServer;
use bollard_buildkit_proto::moby::filesync::v1::auth_server::AuthServer;
use bollard_buildkit_proto::moby::sshforward::v1::ssh_server::SshServer;
use futures::FutureExt as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::service::RoutesBuilder;

pub(crate) use auth::{CredentialLookup, Login};
pub(crate) use ended::SessionEnded;
pub(crate) use secrets::{MAX_SECRET, SecretLookup};
pub(crate) use ssh::{Agent, Agents, KeyError, KeyFileError, Keyring};

use self::content::Content;
use self::filesend::Results;
use self::filesync::FileSync;
use super::silence::Silence;
use super::traced::Traced;
use super::{limits, random_id};

/// A session, ready to be announced and served.
pub(crate) struct Session {
    id: String,
    shared_key: String,
    methods: Vec<&'static str>,
    routes: RoutesBuilder,
}

impl Session {
    /// A session that only answers health checks.
    ///
    /// BuildKit reuses files that it received under the same `shared_key`, so each key must
    /// identify one context directory on one machine.
    pub(crate) fn new(shared_key: String) -> Self {
        let mut session = Self {
            id: random_id(),
            shared_key,
            methods: Vec::new(),
            routes: RoutesBuilder::default(),
        };
        session.routes.add_service(HealthServer::new(health::Healthy));
        session.methods.push("/grpc.health.v1.Health/Check");
        session
    }

    /// Offers the directories of `files`.
    pub(crate) fn files(mut self, files: &FileSync) -> Self {
        self.routes.add_service(files.service());
        self.methods.extend(filesync::METHODS);
        self
    }

    /// Receives the results of builds that are the only users of this session, one after the other.
    pub(crate) fn results(mut self, results: &Results) -> Self {
        self.routes.add_service(results.service());
        self.methods.extend(filesend::METHODS);
        self
    }

    /// Offers the directories of `content`, for caches.
    pub(crate) fn content(mut self, content: &Content) -> Self {
        self.routes.add_service(content.service());
        self.methods.extend(content::METHODS);
        self
    }

    /// Provides registry credentials.
    pub(crate) fn credentials(mut self, lookup: impl CredentialLookup) -> Self {
        self.routes.add_service(AuthServer::new(auth::Service::new(lookup)));
        // With the other methods of Auth, the client would fetch tokens itself; without them,
        // BuildKit requests the credentials and fetches the token.
        self.methods.push("/moby.filesync.v1.Auth/Credentials");
        self
    }

    /// Provides secrets.
    pub(crate) fn secrets(mut self, lookup: impl SecretLookup) -> Self {
        self.routes.add_service(SecretsServer::new(secrets::Service::new(lookup)));
        self.methods.push("/moby.buildkit.secrets.v1.Secrets/GetSecret");
        self
    }

    /// Forwards these SSH agents to build steps.
    pub(crate) fn agents(mut self, agents: Agents) -> Self {
        self.routes.add_service(SshServer::new(agents));
        self.methods.extend(ssh::METHODS);
        self
    }

    /// The id by which solves refer to this session.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The metadata of the call that opens this session.
    pub(crate) fn announcement(&self) -> MetadataMap {
        let text = |text: &str| MetadataValue::try_from(text).expect("ids and keys are ASCII");
        let mut metadata = MetadataMap::new();
        metadata.insert("x-docker-expose-session-uuid", text(&self.id));
        metadata.insert("x-docker-expose-session-name", MetadataValue::from_static("onebuild"));
        metadata.insert("x-docker-expose-session-sharedkey", text(&self.shared_key));
        for method in &self.methods {
            let method = MetadataValue::from_static(method);
            metadata.append("x-docker-expose-session-grpc-method", method);
        }
        metadata
    }

    /// Serves BuildKit over `io` until BuildKit closes it; dropping the future closes it.
    pub(crate) async fn serve<S>(self, io: S) -> Result<(), SessionEnded>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = TowerToHyperService::new(Traced::theirs(self.routes.routes().prepare()));
        // Builds that need the session learn about its end through the control connection.
        let io = TokioIo::new(Silence::default().of(io));
        let serving = limits::server().serve_connection(io, service);
        match AssertUnwindSafe(serving).catch_unwind().await {
            Ok(ended) => Ok(ended?),
            Err(_) => Err(SessionEnded::Here("it crashed".to_owned())),
        }
    }
}
