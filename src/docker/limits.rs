//! How long an engine may take to answer.

use std::time::Duration;

use super::endpoint::Endpoint;

/// How long an engine on a socket or a port may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(9);

/// The same for an engine behind `ssh`, which may have to connect and log in first.
pub(super) const SSH_ANSWER_TIMEOUT: Duration = Duration::from_secs(40);

/// How long the engine at `endpoint` may take to answer.
pub(super) fn answer_timeout(endpoint: &Endpoint) -> Duration {
    match endpoint {
        Endpoint::Unix(_) | Endpoint::Tcp { .. } => ANSWER_TIMEOUT,
        Endpoint::Ssh(_) => SSH_ANSWER_TIMEOUT,
    }
}

/// The error for such an engine, after the name of its endpoint.
pub(super) fn silent(endpoint: &Endpoint, after: Duration) -> String {
    let seconds = after.as_secs();
    match endpoint {
        Endpoint::Ssh(_) => format!("no answer through ssh within {seconds} s"),
        _ => format!("it accepts connections but does not answer ({seconds} s)"),
    }
}
