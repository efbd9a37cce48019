//! Secrets and SSH agents that steps need, but that their cells do not have.
//!
//! BuildKit runs such a step without the file, unless it has `required=true`.

use indexmap::{IndexMap, IndexSet};

use super::groups::Group;
use super::read::{File, Files};
use super::subject::{Subject, some_of};
use crate::error::{Diagnostic, Diagnostics, Span, listed};
use crate::plan::BuildRequest;

/// A secret or agent that a step needs.
struct Needed {
    line: u32,
    is_ssh: bool,
    id: String,
    is_required: bool,
}

/// The place at which something is missing.
#[derive(PartialEq, Eq, Hash)]
struct Gap {
    place: Span,
    is_ssh: bool,
    id: String,
}

/// The cells with a gap.
#[derive(Default)]
struct Cells<'r> {
    is_required: bool,
    names: Vec<&'r str>,
    /// The ids that they have.
    given: IndexSet<&'r str>,
}

/// Warns about each step that needs something that its cell does not have.
pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    let mut gaps: IndexMap<Gap, Cells<'r>> = IndexMap::new();
    for group in groups {
        let request = group.first();
        if !group.may_mount("secret") && !group.may_mount("ssh") {
            continue;
        }
        let file = files.of(&request.recipe);
        if file.is_foreign_to(&request.recipe) {
            continue;
        }
        for Needed { line, is_ssh, id, is_required } in needed(&file, request) {
            let given: Vec<&str> = match is_ssh {
                true => request.recipe.inputs.ssh.keys().map(String::as_str).collect(),
                false => request.recipe.inputs.secrets.keys().map(String::as_str).collect(),
            };
            if given.contains(&id.as_str()) {
                continue;
            }
            if let Some(place) = subject.sources.line(&request.recipe.dockerfile, line) {
                let cells = gaps.entry(Gap { place, is_ssh, id }).or_default();
                cells.is_required |= is_required;
                cells.names.extend(group.requests.iter().map(|one| &*one.cell));
                cells.given.extend(given);
            }
        }
    }
    for (gap, cells) in gaps {
        found.push(gap.warning(&cells, subject.requests.len()));
    }
}

fn needed(file: &File, request: &BuildRequest) -> Vec<Needed> {
    let evaluated = file.evaluated(&request.recipe, request.recipe.platforms.first());
    let reached = evaluated.stages.iter().filter(|stage| stage.is_reachable);
    let mounts = reached.flat_map(|stage| &stage.mounts);
    let mounts = mounts.filter(|mount| mount.is("secret") || mount.is("ssh"));
    let needed = mounts.filter_map(|mount| {
        let id = mount.id.as_ref()?.known()?.to_owned();
        let is_ssh = mount.is("ssh");
        Some(Needed { line: mount.line, is_ssh, id, is_required: mount.is_required })
    });
    needed.collect()
}

impl Gap {
    fn warning(&self, cells: &Cells<'_>, all: usize) -> Diagnostic {
        let (rule, what, key, flag) = match self.is_ssh {
            true => ("missing-ssh", "SSH agent", "ssh", "--ssh"),
            false => ("missing-secret", "secret", "secrets", "--secret"),
        };
        let message =
            format!("this step needs the {what} `{}`, but the cell does not define it", self.id);
        let effect = match (cells.is_required, self.is_ssh) {
            (true, _) => "the build fails at this step",
            (false, true) => "the step runs without an agent",
            (false, false) => "the step runs without the secret",
        };
        let mut warning = Diagnostic::warning(message).rule(rule).at(&self.place, "").note(effect);
        if cells.names.len() < all {
            warning =
                warning.note(format!("affected cells: {}", some_of(cells.names.iter().copied())));
        }
        let given = || cells.given.iter().copied();
        let help = match cells.given.is_empty() {
            true => format!("add it to `{key}` in the matrix, or pass it with {flag}"),
            false => format!("known ids: {}", listed(given())),
        };
        warning.help(help).help_nearest(&self.id, given())
    }
}
