//! The outputs of a step of GitHub Actions.

use crate::record::Recorded;

/// The lines for the file that GitHub names in `GITHUB_OUTPUT`. `delimiter` must not be in any value.
pub(crate) fn outputs(_run: &Recorded, _delimiter: &str) -> String {
    String::new()
}
