//! Acknowledgements: `# onebuild: allow RULE, RULE (reason)`, in the comment that stands with what a
//! rule finds. Pure.
//!
//! [`RULES`] is the list of all rules. [`Allows`] collects the acknowledgements of the files that a
//! command reads, and keeps count of those that acknowledge something. In YAML a comment belongs to
//! the item whose line it is on, or that it stands above; in a Dockerfile to the instruction that it
//! stands above or within.

mod allows;
mod comment;
mod lines;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use allows::hinted;
pub use allows::{Allows, Asked};
pub use comment::allowed;
pub use rules::{Judged, RULES, Rule};
