//! Errors that flags cause: they point at the flags.

use super::model::Matrix;
use super::selection::{Overrides, Pick, Selection};
use crate::error::{COMMAND_LINE, Diagnostics, SourceFile, Span};

impl Matrix {
    /// Points at the flags if there are no `errors` without them.
    pub fn blame(
        &self,
        selection: &Selection,
        overrides: &Overrides,
        errors: Diagnostics,
    ) -> Diagnostics {
        let none = Overrides::default();
        let is_fine = |selection: &Selection, overrides: &Overrides| {
            self.select(selection, overrides).is_ok_and(|selected| selected.expand().is_ok())
        };
        let bare = Selection { unnamed: selection.unnamed, ..Selection::default() };
        if !is_fine(&bare, &none) {
            return errors;
        }
        let unchanged = Selection { add: Vec::new(), ..selection.clone() };
        let flags = match is_fine(&unchanged, &none) {
            true => changing(selection, overrides),
            false => None,
        };
        match flags.or_else(|| selecting(selection)) {
            Some(flags) => errors.caused_at(&flags),
            None => errors,
        }
    }
}

/// The flags that select cells of the matrix; `None` if there are none.
fn selecting(selection: &Selection) -> Option<Span> {
    let only = selection.only.iter().map(|pick| shown("--only", pick));
    let skip = selection.skip.iter().map(|pick| shown("--skip", pick));
    place(only.chain(skip).collect())
}

/// The flags and variables that change values of the matrix; `None` if there are none.
pub(crate) fn changing(selection: &Selection, overrides: &Overrides) -> Option<Span> {
    let mut flags: Vec<String> = selection.add.iter().map(|pick| shown("--add", pick)).collect();
    flags.extend(overrides.vars.iter().map(|(name, value)| format!("--var {name}={value}")));
    let given = |flag: &str, variable: &str, value: String| match overrides
        .environment
        .iter()
        .any(|known| known == variable)
    {
        true => format!("{variable}={value}"),
        false => format!("{flag} {value}"),
    };
    if !overrides.tag_prefix.is_empty() {
        flags.push(given("--tag-prefix", "ONEBUILD_TAG_PREFIX", overrides.tag_prefix.clone()));
    }
    if !overrides.images.is_empty() {
        let images: Vec<String> = overrides.images.iter().map(|image| image.familiar()).collect();
        flags.push(given("--image", "ONEBUILD_IMAGE", images.join(",")));
    }
    if !overrides.platforms.is_empty() {
        let platforms: Vec<String> = overrides.platforms.iter().map(ToString::to_string).collect();
        flags.push(given("--platform", "ONEBUILD_PLATFORM", platforms.join(",")));
    }
    flags.extend(overrides.inputs.target.iter().map(|target| format!("--target {target}")));
    place(flags)
}

fn shown(flag: &str, pick: &Pick) -> String {
    format!("{flag} {}={}", pick.axis, pick.values.join(","))
}

/// The flags as one line of a file.
fn place(flags: Vec<String>) -> Option<Span> {
    let escaped = |c: char| match c.is_control() {
        true => c.escape_default().collect(),
        false => c.to_string(),
    };
    let line: String = flags.join(" ").chars().map(escaped).collect();
    let file = SourceFile::new(COMMAND_LINE, line);
    (!flags.is_empty()).then(|| file.span(0..file.text().len()))
}
