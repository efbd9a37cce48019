//! The last lines of an output, which a failure shows.

use std::collections::VecDeque;

/// The last lines, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    /// How many lines are stored.
    pub(crate) const LINES: usize = 20;

    pub(crate) fn push(&mut self, line: String) {
        if self.0.len() == Self::LINES {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
