//! How long cells took in earlier runs, for the estimate.

use std::collections::HashMap;
use std::time::Duration;

/// How long cells took in earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Past(HashMap<String, Times>);

/// How long a cell took, when every step was cached and when one was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Times {
    cached: Option<Duration>,
    uncached: Option<Duration>,
}

impl Past {
    /// Adds how long a cell took. What is added first counts.
    pub(crate) fn add(&mut self, cell: &str, took: Duration, is_cached: bool) {
        let times = match self.0.get_mut(cell) {
            Some(times) => times,
            None => self.0.entry(cell.to_owned()).or_default(),
        };
        let time = if is_cached { &mut times.cached } else { &mut times.uncached };
        time.get_or_insert(took);
    }

    /// How long `cell` took, if that is known.
    pub(super) fn of(&self, cell: &str, is_cached: bool) -> Option<Duration> {
        let times = self.0.get(cell)?;
        if is_cached { times.cached } else { times.uncached }
    }
}
