//! Solves that we steer ourselves: questions to a frontend, whose answers are data, and results that
//! are kept for as long as somebody wants them.
//!
//! A solve without a frontend opens a bridge that takes calls until it is told a result. The calls
//! go over the same channel and name the solve in their metadata.
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

/// The metadata that names the solve whose bridge is meant.
const BUILD_ID: &str = "buildkit-controlapi-buildid";

/// The bridge is there soon after the solve has begun, or the solve has failed. An engine that does not
/// answer is noticed before.
const BRIDGE_TIMEOUT: Duration = Duration::from_secs(60);

impl Client {
    /// Asks the Dockerfile frontend `question`, such as `frontend.lint`, about what `session`
    /// serves; gives its answers by name (`result.json`, `result.txt`, …). The attributes are those
    /// of a build.
    pub async fn ask(
        &self,
        session: &str,
        question: &str,
        mut attributes: HashMap<String, String>,
    ) -> Result<HashMap<String, Vec<u8>>, SolveError> {
        attributes.insert("requestid".to_owned(), question.to_owned());
        // A frontend that knows no questions says so, and does not build.
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

    /// What `image` is: the digest (`sha256:…`) that its name points to, of the index where there is
    /// one, and the configuration of the image for `platform`, or else for the engine's own. The
    /// registry is reached as for a build, with the logins of `session` and over the engine's
    /// mirrors. With `pull`, the engine's own copy is left aside.
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

    /// Opens a solve for one `call` and ends it.
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
            // It ends when it is told a result, and may be faster than the answer to the telling;
            // before that, it has failed.
            solved = &mut solving => {
                solved?;
                match tokio::time::timeout(Duration::from_secs(3), calling).await {
                    Ok(answer) => answer,
                    Err(_) => Err(tonic::Status::unavailable("BuildKit fell silent").into()),
                }
            }
            answer = &mut calling => {
                // Told or dropped, the solve is over; its own end says nothing new.
                let _ = tokio::time::timeout(Duration::from_secs(3), solving).await;
                answer
            }
        }
    }

    /// Solves, exporting nothing, and keeps all that comes of it until this future is dropped: a
    /// further solve of the same takes these very results, whatever is built anew or thrown away
    /// meanwhile. `told` hears when all is there, or why it is not.
    pub async fn hold(
        &self,
        solve: Solve,
        told: oneshot::Sender<Result<(), SolveError>>,
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
        // Who asked may have gone.
        let _ = told.send(held.map_err(|error| self.failed(error)));
        if !ended {
            // BuildKit drops the results when this stream ends.
            let _ = solving.await;
        }
        std::future::pending().await
    }
}

/// A solve that waits for calls over its bridge.
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

/// A call of the Dockerfile frontend; whether what it comes to is made, too.
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

/// Names the solve that a call is for.
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
    let id = id.parse().expect("an identifier is made of letters and digits");
    let bridge = LlbBridgeClient::with_interceptor(channel, Named(id));
    let mut bridge = bridge.max_decoding_message_size(MAX_MESSAGE);
    // BuildKit itself waits for the solve of that name to open its bridge.
    let ping = bridge.ping(bridge::PingRequest {});
    tokio::time::timeout(BRIDGE_TIMEOUT, ping)
        .await
        .map_err(|_| tonic::Status::deadline_exceeded("BuildKit opened no bridge"))??;
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
