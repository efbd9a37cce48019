//! The debug log: the network traffic of a run, in one file that can be attached to a bug report.
//!
//! Modules emit events with `tracing`. [`Log`](log::Log) is the subscriber that writes each event as one
//! line. Without a log there is no subscriber, and an event costs one comparison.
//!
//! The file must not contain secrets. Three rules apply, each sufficient in most cases:
//!
//! - Modules log names, sizes, codes and durations. They never log bodies, output or messages from
//!   others.
//! - Headers and the query of a URL are filtered by an allowlist: [`shown`].
//! - Known secrets are passed to [`hide`], and redacted in every value, in plain text and in
//!   base64.

mod exchange;
mod hidden;
mod line;
mod log;
mod shown;
mod switch;

pub(crate) use exchange::Exchange;
pub(crate) use hidden::hide;
pub(crate) use log::{FIRST_LINE, lost, start};
pub(crate) use shown::{fingerprint, variant};
pub(crate) use switch::is_on;
