//! Questions to a frontend: what it answers is data, and nothing is built.
//!
//! A solve without a frontend opens a bridge that takes calls until it is told a result. The calls
//! go over the same channel and name the solve in their metadata.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/frontend/gateway/pb/gateway.proto>

use std::collections::HashMap;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1 as proto;
use bollard_buildkit_proto::moby::buildkit::v1::frontend as bridge;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use bollard_buildkit_proto::pb;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::client::MAX_MESSAGE;
use super::{Client, SolveError, random_id};

/// The metadata that names the solve whose bridge is meant.
const BUILD_ID: &str = "buildkit-controlapi-buildid";

/// The bridge is there soon after the solve has begun, or the solve has failed.
const BRIDGE_LIMIT: Duration = Duration::from_secs(20);

/// What names the solve whose bridge a call is for.
#[derive(Clone)]
struct BuildId(MetadataValue<Ascii>);

impl Interceptor for BuildId {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert(BUILD_ID, self.0.clone());
        Ok(request)
    }
}

type Bridge = LlbBridgeClient<InterceptedService<Channel, BuildId>>;

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
        let request = bridge::SolveRequest {
            frontend: "dockerfile.v0".to_owned(),
            frontend_opt: attributes,
            allow_result_return: true,
            allow_result_array_ref: true,
            ..bridge::SolveRequest::default()
        };
        let answer = self.over_a_bridge(session, async |mut bridge| bridge.solve(request).await);
        Ok(answer.await?.result.map(|result| result.metadata).unwrap_or_default())
    }

    /// The digest (`sha256:…`) that the registry has for `image` now, the engine's own copy left
    /// aside: of the index, where there is one. The registry is reached as for a build, with the logins
    /// of `session` and over the engine's mirrors. It has to have an image for `platform`, or else
    /// for the engine's own.
    pub async fn digest(
        &self,
        session: &str,
        image: &str,
        platform: Option<pb::Platform>,
    ) -> Result<String, SolveError> {
        let request = bridge::ResolveImageConfigRequest {
            r#ref: image.to_owned(),
            platform,
            resolve_mode: "pull".to_owned(),
            ..bridge::ResolveImageConfigRequest::default()
        };
        let resolved = self
            .over_a_bridge(session, async |mut bridge| bridge.resolve_image_config(request).await);
        Ok(resolved.await?.digest)
    }

    /// Opens a solve for one `call` and ends it.
    async fn over_a_bridge<T>(
        &self,
        session: &str,
        call: impl AsyncFnOnce(Bridge) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, SolveError> {
        let id = random_id();
        let solve = proto::SolveRequest {
            r#ref: id.clone(),
            session: session.to_owned(),
            internal: true,
            cache: Some(proto::CacheOptions::default()),
            ..proto::SolveRequest::default()
        };
        let mut control = self.control();
        let mut solving = std::pin::pin!(control.solve(solve));
        let mut calling = std::pin::pin!(called(self.channel(), &id, call));
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
}

async fn called<T>(
    channel: Channel,
    id: &str,
    call: impl AsyncFnOnce(Bridge) -> Result<tonic::Response<T>, tonic::Status>,
) -> Result<T, SolveError> {
    let id = BuildId(id.parse().expect("an identifier is made of letters and digits"));
    let mut bridge =
        LlbBridgeClient::with_interceptor(channel, id).max_decoding_message_size(MAX_MESSAGE);
    // BuildKit itself waits for the solve of that name to open its bridge.
    let ping = bridge.ping(bridge::PingRequest {});
    tokio::time::timeout(BRIDGE_LIMIT, ping)
        .await
        .map_err(|_| tonic::Status::deadline_exceeded("BuildKit opened no bridge"))??;
    let answer = call(bridge.clone()).await;
    let done = bridge::ReturnRequest { result: Some(bridge::Result::default()), error: None };
    let _ = bridge.r#return(done).await;
    Ok(answer?.into_inner())
}
