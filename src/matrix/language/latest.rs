//! Findings about `latest` in a matrix that uses it.

use crate::error::{Diagnostic, Diagnostics};
use crate::matrix::model::{Axis, Matrix, unknown_order};
use crate::version;

/// A note for each axis with only pre-releases, and a warning for each axis whose newest version is
/// undefined.
pub(crate) fn findings(matrix: &Matrix) -> Diagnostics {
    let mut found = Diagnostics::default();
    if matrix.names().iter().all(|used| &*used.name != "latest") {
        return found;
    }
    for axis in &matrix.axes {
        let Some(newest) = axis.newest() else {
            found.extend(unordered(axis));
            continue;
        };
        let text = &*newest.value.text;
        let rivals = axis.versions().filter(|other| other.is_prerelease() == newest.is_prerelease);
        let rivals = rivals.map(|other| &*other.text).filter(|other| *other != text);
        if let Some(other) = rivals.into_iter().find(|other| !version::is_order_known(text, other))
        {
            let finding = unknown_order(&axis.span, other, text);
            let finding = finding.note(format!("`latest` is true for `{text}`"));
            let name = &axis.name;
            found.push(finding.help(format!("write `{name} == \"…\"` instead of `latest`")));
        }
        if newest.is_prerelease {
            let name = &axis.name;
            let message = format!(
                "`{name}` has no stable version, so `latest` is true for the pre-release `{text}`"
            );
            found.push(Diagnostic::remark(message).at(&axis.span, ""));
        }
    }
    found
}

/// An axis of commit hashes has no newest value. Axes of other words, such as systems, need none.
fn unordered(axis: &Axis) -> Diagnostics {
    let listed = axis.values.iter().filter(|value| !value.included);
    let mut hashes = listed.map(|value| &*value.text).filter(|text| version::is_hash(text));
    match (hashes.next(), hashes.next()) {
        (Some(one), Some(other)) => {
            let finding = unknown_order(&axis.span, one, other);
            finding.note("they look like commit hashes, so `latest` is never true for them").into()
        }
        _ => Diagnostics::default(),
    }
}
