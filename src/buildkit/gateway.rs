//! Solves through the gateway: requests to a frontend that return data, and results that are kept
//! as long as they are needed.
//!
//! A solve without a frontend opens a bridge, which accepts calls until a result is returned to it.
//! The calls use the same channel and name the solve in their metadata.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/frontend/gateway/pb/gateway.proto>

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1 as proto;
use bollard_buildkit_proto::moby::buildkit::v1::frontend as bridge;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::pb;
use tokio::sync::oneshot;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;

use super::client::{Channel, MAX_MESSAGE};
use super::solve::Solve;
use super::{Client, SolveError, random_id};

/// The metadata key that names the solve of a bridge.
const BUILD_ID: &str = "buildkit-controlapi-buildid";

/// The bridge opens soon after the solve starts, or the solve fails. A silent engine is detected
/// earlier.
const BRIDGE_TIMEOUT: Duration = Duration::from_secs(60);

impl Client {
    /// Sends a subrequest, such as `frontend.lint`, to the Dockerfile frontend, about the files of
    /// `session`. Returns its results by name (`result.json`, `result.txt`, …). The attributes are
    /// those of a build.
    pub async fn ask(
        &self,
        session: &str,
        question: &str,
        mut attributes: HashMap<String, String>,
    ) -> Result<HashMap<String, Vec<u8>>, SolveError> {
        attributes.insert("requestid".to_owned(), question.to_owned());
        // A frontend without support for subrequests reports that, and does not build.
        let caps = "moby.buildkit.frontend.subrequests";
        let caps = match attributes.get("frontend.caps") {
            Some(others) => format!("{others},{caps}"),
            None => caps.to_owned(),
        };
        attributes.insert("frontend.caps".to_owned(), caps);
        let request = asking(attributes, false);
        let answer = self.over_a_bridge(session, async |mut bridge| bridge.solve(request).await);
        let answer = answer.await.map_err(|error| self.failed(error))?;
        Ok(answer.result.map(|result| result.metadata).unwrap_or_default())
    }

    /// Resolves `image`: the digest (`sha256:…`) of its name, which is that of the index if there
    /// is one, and the configuration for `platform`, or else for the engine's own platform. The
    /// registry is contacted as for a build, with the logins of `session` and through the engine's
    /// mirrors. With `pull`, the engine's local copy is ignored.
    pub async fn image(
        &self,
        session: &str,
        image: &str,
        platform: Option<pb::Platform>,
        pull: bool,
    ) -> Result<(String, Vec<u8>), SolveError> {
        let request = bridge::ResolveImageConfigRequest {
            r#ref: image.to_owned(),
            platform,
            resolve_mode: if pull { "pull" } else { "default" }.to_owned(),
            ..bridge::ResolveImageConfigRequest::default()
        };
        let resolved = self
            .over_a_bridge(session, async |mut bridge| bridge.resolve_image_config(request).await);
        let resolved = resolved.await.map_err(|error| self.failed(error))?;
        Ok((resolved.digest, resolved.config))
    }

    /// Opens a solve for one `call` and ends it afterwards.
    async fn over_a_bridge<T>(
        &self,
        session: &str,
        call: impl AsyncFnOnce(Bridge) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, SolveError> {
        let id = random_id();
        let solve = steered(&id, session, Vec::new());
        let mut control = self.control();
        let mut solving = std::pin::pin!(control.solve(solve));
        let mut calling = std::pin::pin!(called(self.channel(), id, call));
        tokio::select! {
            // The solve ends when it receives a result, perhaps before the answer to that call
            // arrives. If it ends earlier, it has failed.
            solved = &mut solving => {
                solved?;
                match tokio::time::timeout(Duration::from_secs(3), calling).await {
                    Ok(answer) => answer,
                    Err(_) => Err(tonic::Status::unavailable("BuildKit did not answer in time").into()),
                }
            }
            answer = &mut calling => {
                // With a result or dropped, the solve is over; its own status adds nothing.
                let _ = tokio::time::timeout(Duration::from_secs(3), solving).await;
                answer
            }
        }
    }

    /// Solves without exporting, and keeps the results until this future is dropped: another solve
    /// of the same request reuses exactly these results, even if they are rebuilt or pruned
    /// meanwhile. Sends to `solved` when all results exist, or why they do not.
    pub async fn hold(
        &self,
        solve: Solve,
        solved: oneshot::Sender<Result<(), SolveError>>,
    ) -> Infallible {
        let id = random_id();
        let request = steered(&id, &solve.session, solve.entitlements);
        let mut control = self.control();
        let mut solving = std::pin::pin!(control.solve(request));
        let evaluating = async {
            let mut bridge = open(self.channel(), id).await?;
            bridge.solve(asking(solve.attributes, true)).await?;
            Ok(())
        };
        let (held, ended) = tokio::select! {
            ended = &mut solving => (ended.map(drop).map_err(SolveError::from), true),
            held = evaluating => (held, false),
        };
        // The receiver may be gone.
        let _ = solved.send(held.map_err(|error| self.failed(error)));
        if !ended {
            // BuildKit drops the results when this stream ends.
            let _ = solving.await;
        }
        std::future::pending().await
    }
}

/// A solve that waits for calls through its bridge.
fn steered(id: &str, session: &str, entitlements: Vec<String>) -> proto::SolveRequest {
    proto::SolveRequest {
        r#ref: id.to_owned(),
        session: session.to_owned(),
        entitlements,
        internal: true,
        cache: Some(proto::CacheOptions::default()),
        ..proto::SolveRequest::default()
    }
}

/// A call of the Dockerfile frontend; `evaluate` runs the build steps too.
fn asking(attributes: HashMap<String, String>, evaluate: bool) -> bridge::SolveRequest {
    bridge::SolveRequest {
        frontend: "dockerfile.v0".to_owned(),
        frontend_opt: attributes,
        allow_result_return: true,
        allow_result_array_ref: true,
        evaluate,
        ..bridge::SolveRequest::default()
    }
}

/// Adds the name of the solve to each call.
#[derive(Clone)]
struct Named(MetadataValue<Ascii>);

impl tonic::service::Interceptor for Named {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, tonic::Status> {
        request.metadata_mut().insert(BUILD_ID, self.0.clone());
        Ok(request)
    }
}

type Bridge = LlbBridgeClient<InterceptedService<Channel, Named>>;

/// The bridge of the solve `id`.
async fn open(channel: Channel, id: String) -> Result<Bridge, SolveError> {
    let id = id.parse().expect("an identifier only has letters and digits");
    let bridge = LlbBridgeClient::with_interceptor(channel, Named(id));
    let mut bridge = bridge.max_decoding_message_size(MAX_MESSAGE);
    // BuildKit waits until the solve with this name opens its bridge.
    let ping = bridge.ping(bridge::PingRequest {});
    tokio::time::timeout(BRIDGE_TIMEOUT, ping).await.map_err(|_| {
        tonic::Status::deadline_exceeded("BuildKit did not open the gateway in time")
    })??;
    Ok(bridge)
}

async fn called<T>(
    channel: Channel,
    id: String,
    call: impl AsyncFnOnce(Bridge) -> Result<tonic::Response<T>, tonic::Status>,
) -> Result<T, SolveError> {
    let mut bridge = open(channel, id).await?;
    let answer = call(bridge.clone()).await;
    let done = bridge::ReturnRequest { result: Some(bridge::Result::default()), error: None };
    let _ = bridge.r#return(done).await;
    Ok(answer?.into_inner())
}
