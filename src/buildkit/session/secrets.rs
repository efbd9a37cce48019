//! Secrets: BuildKit requests the value for `RUN --mount=type=secret,id=…` when the step starts.
//!
//! Protocol: <https://github.com/moby/buildkit/blob/master/session/secrets/secrets.proto>

use std::future::Future;

use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use tonic::{Request, Response, Status};

/// The largest secret that BuildKit accepts.
///
/// Source: <https://github.com/moby/buildkit/blob/master/session/secrets/secrets.go>
pub(crate) const MAX_SECRET: usize = 500 << 10;

/// Finds the value of a secret when BuildKit requests it.
///
/// An unknown secret is `Ok(None)`: the step may not require it. The error is shown to the user, so
/// it must not contain the value.
pub(crate) trait SecretLookup: Send + Sync + 'static {
    /// Looks up one id.
    fn lookup(&self, id: &str) -> impl Future<Output = Result<Option<Vec<u8>>, String>> + Send;
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
impl<L: SecretLookup> Secrets for Service<L> {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let found = self.lookup.lookup(&id).await.map_err(|reason| {
            Status::failed_precondition(format!("the secret `{id}` cannot be read: {reason}"))
        })?;
        tracing::debug!(target: "session", id, found = found.is_some(), "secret");
        match found {
            // BuildKit omits the mount if the step does not require it.
            None => Err(Status::not_found(format!("there is no secret `{id}`"))),
            Some(data) if data.len() > MAX_SECRET => Err(Status::invalid_argument(format!(
                "the secret `{id}` is larger than {} KiB",
                MAX_SECRET >> 10
            ))),
            Some(data) => Ok(Response::new(GetSecretResponse { data })),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    struct Fixed;

    impl SecretLookup for Fixed {
        async fn lookup(&self, id: &str) -> Result<Option<Vec<u8>>, String> {
            match id {
                "good" => Ok(Some(b"canary".to_vec())),
                "full" => Ok(Some(vec![b'x'; MAX_SECRET])),
                "large" => Ok(Some(vec![b'x'; MAX_SECRET + 1])),
                "broken" => Err("permission denied".to_owned()),
                _ => Ok(None),
            }
        }
    }

    #[tokio::test]
    async fn a_lookup_returns_the_value_or_the_reason_of_the_failure() {
        let service = Service::new(Fixed);
        let get = async |id: &str| {
            let request = GetSecretRequest { id: id.to_owned(), ..<_>::default() };
            service.get_secret(Request::new(request)).await.map(|got| got.into_inner().data)
        };
        assert_eq!(get("good").await.unwrap(), b"canary");
        assert_eq!(get("full").await.unwrap().len(), MAX_SECRET);
        for (id, code, word) in [
            ("large", Code::InvalidArgument, "500 KiB"),
            ("broken", Code::FailedPrecondition, "permission denied"),
            ("other", Code::NotFound, "`other`"),
        ] {
            let status = get(id).await.unwrap_err();
            assert_eq!(status.code(), code, "{id}");
            assert!(status.message().contains(word), "{id}: {}", status.message());
        }
    }
}
