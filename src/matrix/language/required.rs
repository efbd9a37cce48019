//! The key `onebuild`: the version of the program that a file needs.

use super::reader::Reader;
use crate::VERSION;
use crate::error::{Diagnostic, Diagnostics};
use crate::matrix::model::Pattern;
use crate::yaml::{Entry, Node, NodeKind};

/// This program's version. A version in development counts as the one that it will be.
fn own_version() -> &'static str {
    VERSION.split_once('-').map_or(VERSION, |(release, _)| release)
}

/// Removes `onebuild` from a tree and checks it. If this program does not have the version that it
/// names, that is the only error: keys of another version would be reported as mistakes.
pub(super) fn check(root: &mut Node, reader: &mut Reader<'_>) -> Result<(), Diagnostics> {
    let NodeKind::Map(entries) = &mut root.kind else { return Ok(()) };
    let Some(at) = entries.iter().position(|entry| entry.key == "onebuild") else { return Ok(()) };
    let Entry { value, .. } = entries.remove(at);
    let Some((text, span)) = reader.text(&value, "onebuild") else { return Ok(()) };
    match satisfied(text, own_version()) {
        Some(true) => Ok(()),
        Some(false) => {
            let message = format!("this matrix needs onebuild {text}");
            let found = format!("this is onebuild {}", VERSION);
            let help = "install a version of onebuild that satisfies this, or change the key";
            Err(Diagnostic::error(message).at(span, found).help(help).into())
        }
        None => {
            let finding = Diagnostic::error(format!("`{text}` is not a comparison of versions"));
            let help =
                "write the oldest version that has what the matrix uses: `onebuild: \">=0.2\"`";
            reader.errors.push(finding.at(span, "").help(help));
            Ok(())
        }
    }
}

/// Whether `version` satisfies comparisons such as `>=0.2, <1`; `None` if they are not comparisons.
fn satisfied(comparisons: &str, version: &str) -> Option<bool> {
    let mut all = true;
    for comparison in comparisons.split(',').map(str::trim) {
        let bound = comparison.trim_start_matches(['<', '>', '=']).trim();
        let bound = bound.strip_suffix("-dev").unwrap_or(bound);
        let numbers = bound.split('.').all(|part| part.parse::<u32>().is_ok());
        if !comparison.starts_with(['<', '>']) || !numbers {
            return None;
        }
        let comparison = comparison.strip_suffix("-dev").unwrap_or(comparison);
        all &= Pattern::parse(comparison).ok()?.matches(version);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_with_each_bound() {
        for (comparisons, version, wanted) in [
            (">=0.2", "0.2.0", Some(true)),
            (">=0.2.0", "0.2.0", Some(true)),
            (">= 0.2", "0.2.0", Some(true)),
            (">=0.2", "0.1.9", Some(false)),
            (">=0.2", "0.10.0", Some(true)),
            (">=0.2, <1", "0.2.0", Some(true)),
            (">=0.2,<1", "1.0.0", Some(false)),
            (">0.1", "0.2.0", Some(true)),
            ("<=0.2", "0.3.1", Some(false)),
            ("0.2", "0.2.0", None),
            ("^0.2", "0.2.0", None),
            (">=", "0.2.0", None),
            (">=0.2.0-dev", "0.2.0", Some(true)),
            (">=0.2-beta", "0.2.0", None),
            (">=0.x", "0.2.0", None),
            (">=<0.2", "0.2.0", None),
            ("", "0.2.0", None),
            (">=0.2,", "0.2.0", None),
        ] {
            assert_eq!(satisfied(comparisons, version), wanted, "{comparisons} {version}");
        }
    }
}
