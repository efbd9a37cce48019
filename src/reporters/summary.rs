//! The summary of a run in Markdown.

use crate::record::Recorded;

/// GitHub shows at most 1 MiB of a step: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>
pub(crate) const MAX_SUMMARY: usize = 1 << 20;

/// The summary of `run`, in less than `limit` bytes.
pub(crate) fn summary(_run: &Recorded, _limit: usize) -> String {
    String::new()
}
