//! Acknowledgements: `# onebuild: allow RULE, RULE (reason)`, in a comment next to a finding. Pure.
//!
//! [`RULES`] is the list of all rules. [`Allows`] collects the acknowledgements of the files that a
//! command reads, and tracks which of them are used. In YAML, a comment belongs to the item on its
//! line, or to the item below it; in a Dockerfile to the instruction below or around it.

mod allows;
mod comment;
mod lines;
pub(crate) mod rules;
#[cfg(test)]
mod tests;

pub(crate) use allows::hinted;
pub(crate) use allows::{Allows, Asked};
pub(crate) use comment::allowed;
pub use rules::RULES;
