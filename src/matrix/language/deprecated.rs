//! Keys that have another name today. The old name works, with a warning that shows the new one.
//!
//! docs/deprecations.md lists them, with the version that will not accept them.

use crate::error::{Diagnostic, Diagnostics};
use crate::yaml::{Node, NodeKind};

/// Old and new names of settings.
pub(crate) const RENAMED: [(&str, &str); 1] = [("media-types", "media_types")];

/// Replaces old names in the settings of a matrix, and in those of its rules.
pub(super) fn rename(root: &mut Node, warnings: &mut Diagnostics) {
    let NodeKind::Map(entries) = &mut root.kind else { return };
    for entry in entries {
        if matches!(&*entry.key, "include" | "overrides" | "include+" | "overrides+") {
            if let NodeKind::List(rules) = &mut entry.value.kind {
                rules.iter_mut().for_each(|rule| rename(rule, warnings));
            }
            continue;
        }
        let Some((old, new)) = RENAMED.iter().find(|(old, _)| *old == entry.key) else { continue };
        let finding = Diagnostic::warning(format!("the key `{old}` is deprecated"));
        let finding = finding.rule("deprecated").at(&entry.key_span, "");
        warnings.push(finding.help(format!("write `{new}`: the value stays the same")));
        (*new).clone_into(&mut entry.key);
    }
}
