//! metadata

use crate::record::Recorded;

pub(super) fn metadata(_run: &Recorded) -> String {
    String::new()
}
