//! Auth: BuildKit requests the credentials of a registry when it pulls or pushes.

use std::fmt;
use std::future::Future;

use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use tonic::{Request, Response, Status};

/// A user name and its password or token, in BuildKit's format.
///
/// An empty user name means that the secret is an identity token.
pub(crate) struct Login {
    pub username: String,
    pub secret: String,
}

/// Finds the credentials of a registry host.
///
/// The host is as BuildKit names it; Docker Hub is `registry-1.docker.io`. No credentials are
/// `Ok(None)`: the registry may allow anonymous access. The error is shown to the user, so it must
/// not contain secrets.
pub(crate) trait CredentialLookup: Send + Sync + 'static {
    /// Looks up one host.
    fn lookup(&self, host: &str) -> impl Future<Output = Result<Option<Login>, String>> + Send;
}

pub(super) struct Service<L> {
    lookup: L,
}

impl<L> Service<L> {
    pub(super) fn new(lookup: L) -> Self {
        Self { lookup }
    }
}

#[tonic::async_trait]
impl<L: CredentialLookup> Auth for Service<L> {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let host = request.into_inner().host;
        // BuildKit forwards the code, and Unavailable would look like a lost engine.
        let login = self.lookup.lookup(&host).await.map_err(Status::failed_precondition)?;
        tracing::debug!(target: "session", host, login = login.is_some(), "credentials");
        let (username, secret) = login.map(|l| (l.username, l.secret)).unwrap_or_default();
        Ok(Response::new(CredentialsResponse { username, secret }))
    }

    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented(NOT_SERVED))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented(NOT_SERVED))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented(NOT_SERVED))
    }
}

const NOT_SERVED: &str = "only Credentials is supported";

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}
