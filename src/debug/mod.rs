//! The debug log: what happened on each wire, in one file that can be attached to a bug report.
//!
//! Modules describe what they do with `tracing`. [`Log`] is the subscriber that writes their events, one
//! line each. While no log is written there is no subscriber, and an event costs one comparison.
//!
//! No secret may reach the file. Three rules, each enough by itself for most cases:
//!
//! - Modules pass names, sizes, codes and durations. They never pass bodies, output or messages of
//!   others.
//! - Of headers and of the query of a URL only what is on a list is shown: [`shown`].
//! - What this run knows to be secret is handed to [`hide`], and is taken out of every value, in plain
//!   text and in base64.

mod exchange;
mod hidden;
mod line;
mod log;
mod shown;
mod switch;

pub use exchange::Exchange;
pub use hidden::hide;
pub use log::{FIRST_LINE, is_log, lost, start};
pub use shown::{fingerprint, variant};
pub use switch::is_on;
