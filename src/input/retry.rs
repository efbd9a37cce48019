//! Which failures of a cell are followed by another attempt.

use std::sync::Arc;

/// How often a cell is tried again, and after which output of a failed step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// The number of further attempts, if it is given.
    pub retries: Option<u32>,
    /// Texts that make a failure of their step temporary. Case matters, none is empty.
    pub when: Arc<[String]>,
}

impl Retry {
    /// The further attempts by default.
    pub const DEFAULT: u32 = 2;

    /// No cell is tried more often.
    pub const MOST: u32 = 100;

    /// The number of further attempts.
    pub(crate) fn retries(&self) -> u32 {
        self.retries.unwrap_or(Self::DEFAULT)
    }

    /// The first text of `when` that a line of output contains.
    pub(crate) fn pattern_in(&self, line: &str) -> Option<&str> {
        self.when.iter().map(String::as_str).find(|pattern| line.contains(pattern))
    }
}
