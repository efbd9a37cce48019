//! When each cell and step ran.

use crate::record::Recorded;

pub(super) fn page(_run: &Recorded) -> String {
    String::new()
}

pub(super) fn trace(_run: &Recorded) -> String {
    String::new()
}
