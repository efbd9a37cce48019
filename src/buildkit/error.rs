//! Why a solve failed, with the typed details that BuildKit attaches.

use std::error::Error as _;

use super::silence::Silence;
use crate::buildkit::why;
use bollard_buildkit_proto::google::rpc;
use prost::Message as _;
use serde_json::Value;
use thiserror::Error;

/// A failed solve.
///
/// BuildKit reports nearly all errors with the code Unknown. Further details are in
/// `grpc-status-details-bin`: a `google.rpc.Status` whose details contain JSON.
///
/// Source: <https://github.com/moby/buildkit/tree/master/solver/errdefs>
#[derive(Debug, Error)]
#[error("{message}")]
pub struct SolveError {
    /// BuildKit's own message.
    pub message: String,
    /// In the order in which BuildKit attached them.
    pub details: Vec<Detail>,
    pub connection: Connection,
}

/// The state of the connection when a solve failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// Intact: BuildKit itself reported the failure.
    Held,
    /// BuildKit or the network closed the connection.
    Lost,
    /// BuildKit stopped answering, even to pings.
    Silent,
    /// This side closed it because of a limit or a protocol error.
    EndedHere,
}

impl SolveError {
    /// The error on a connection on which nothing arrives.
    pub(super) fn silent() -> Self {
        let message = Silence::message();
        Self { message, details: Vec::new(), connection: Connection::Silent }
    }
}

/// Whether HTTP/2 on this side detected an error and ended a call or the connection.
pub(super) fn is_ended_here(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<h2::Error>();
    error.is_some_and(|error| !error.is_remote() && !error.is_io())
}

/// One typed detail of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A range of lines in a source file, from 1, inclusive.
    Source { filename: String, first: u32, last: u32 },
    /// The vertex that failed.
    Vertex { digest: String },
    /// The exit code of a command.
    Exit { code: i32 },
}

impl From<tonic::Status> for SolveError {
    fn from(status: tonic::Status) -> Self {
        let details = rpc::Status::decode(status.details()).map(|status| status.details);
        let details = details.unwrap_or_default();
        let decoded = details.iter().filter_map(|any| {
            Detail::decode(&any.type_url, &serde_json::from_slice(&any.value).ok()?)
        });
        let details = decoded.collect();
        // A status from the peer has no source; a status with a source was created on this side
        // when the connection broke.
        let mut message = status.message().to_owned();
        let mut cause = status.source();
        let mut connection = match cause.is_some() || status.code() == tonic::Code::Unavailable {
            true => Connection::Lost,
            false => Connection::Held,
        };
        while let Some(error) = cause {
            if is_ended_here(error) {
                connection = Connection::EndedHere;
            }
            let said = why(&error);
            if !message.contains(&said) {
                message += &format!(": {said}");
            }
            cause = error.source();
        }
        Self { message, details, connection }
    }
}

impl Detail {
    /// Identifies a detail by the last part of its type name, the only part that is the same in all
    /// forks and versions of BuildKit.
    fn decode(type_url: &str, value: &Value) -> Option<Self> {
        let kind = type_url.rsplit(['/', '.']).next()?;
        match kind.strip_suffix("+json").unwrap_or(kind) {
            "Source" => {
                let ranges = value.get("ranges")?.as_array()?;
                let lines = |end: &'static str| {
                    ranges.iter().filter_map(move |range| line(range.get(end)?.get("line")?))
                };
                Some(Self::Source {
                    filename: value.get("info")?.get("filename")?.as_str()?.to_owned(),
                    first: lines("start").min()?,
                    last: lines("end").max()?,
                })
            }
            "Vertex" => Some(Self::Vertex { digest: value.get("digest")?.as_str()?.to_owned() }),
            "ExitMessage" | "ExitError" => {
                let code = value.get("Code").or_else(|| value.get("code"))?.as_u64()?;
                Some(Self::Exit { code: i32::try_from(code).ok()? })
            }
            _ => None,
        }
    }
}

fn line(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok().filter(|line| *line > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_identified_by_the_end_of_their_type_name() {
        let source = json!({
            "info": {"filename": "a.Dockerfile", "data": "RlJPTSB4Cg=="},
            "ranges": [
                {"start": {"line": 4}, "end": {"line": 4}},
                {"start": {"line": 3}, "end": {"line": 5}},
            ],
        });
        assert_eq!(
            Detail::decode("github.com/moby/buildkit/errdefs.Source+json", &source),
            Some(Detail::Source { filename: "a.Dockerfile".into(), first: 3, last: 5 })
        );
        assert_eq!(
            Detail::decode("x/gatewayapi.ExitMessage+json", &json!({"Code": 3})),
            Some(Detail::Exit { code: 3 })
        );
        assert_eq!(Detail::decode("x/errdefs.Solve+json", &json!({"digest": "a"})), None);
        assert_eq!(Detail::decode("x/errdefs.Source+json", &json!({"ranges": []})), None);
    }

    #[test]
    fn a_status_without_details_keeps_its_message() {
        let error = SolveError::from(tonic::Status::unknown("no such thing"));
        assert_eq!((error.to_string().as_str(), error.details.len()), ("no such thing", 0));
    }

    #[test]
    fn a_broken_connection_and_an_error_of_the_peer_are_distinct() {
        let broken = std::io::Error::other("broken pipe");
        let error = SolveError::from(tonic::Status::from_error(Box::new(broken)));
        assert!(error.message.contains("broken pipe"), "{error}");
        let connection = |status: tonic::Status| SolveError::from(status).connection;
        let unavailable = tonic::Status::unavailable("closing");
        assert_eq!(
            (error.connection, connection(unavailable)),
            (Connection::Lost, Connection::Lost)
        );
        assert_eq!(connection(tonic::Status::unknown("broken pipe")), Connection::Held);
        // The error when one of our limits is exceeded.
        let ours = h2::Error::from(h2::Reason::ENHANCE_YOUR_CALM);
        assert_eq!(connection(tonic::Status::from_error(Box::new(ours))), Connection::EndedHere);
    }
}
