//! Secrets and SSH agents that steps ask for, and that their cells do not have.
//!
//! BuildKit runs such a step without the file, unless it says `required=true`.

use indexmap::{IndexMap, IndexSet};

use super::groups::Group;
use super::read::{File, Files};
use super::{Subject, some_of};
use crate::error::{Diagnostic, Diagnostics, Span, listed};
use crate::plan::BuildRequest;

/// What a step asks for.
struct Asked {
    line: u32,
    is_ssh: bool,
    id: String,
    is_required: bool,
}

/// Where something is missing.
#[derive(PartialEq, Eq, Hash)]
struct Gap {
    place: Span,
    is_ssh: bool,
    id: String,
}

/// The cells that have a gap.
#[derive(Default)]
struct Cells<'r> {
    is_required: bool,
    names: Vec<&'r str>,
    /// The ids that they have.
    given: IndexSet<&'r str>,
}

/// A warning for each step that asks for what its cell does not have.
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
        let file = files.of(request);
        if file.is_foreign_to(request) {
            continue;
        }
        for Asked { line, is_ssh, id, is_required } in asked(&file, request) {
            let given: Vec<&str> = match is_ssh {
                true => request.inputs.ssh.keys().map(String::as_str).collect(),
                false => request.inputs.secrets.keys().map(String::as_str).collect(),
            };
            if given.contains(&id.as_str()) {
                continue;
            }
            if let Some(place) = subject.sources.line(&request.dockerfile, line) {
                let cells = gaps.entry(Gap { place, is_ssh, id }).or_default();
                cells.is_required |= is_required;
                cells.names.extend(group.requests.iter().map(|one| &*one.cell));
                cells.given.extend(given);
            }
        }
    }
    for (gap, cells) in gaps {
        found.push(gap.told(&cells, subject.requests.len()));
    }
}

fn asked(file: &File, request: &BuildRequest) -> Vec<Asked> {
    let evaluated = file.evaluated(request, request.platforms.first());
    let reached = evaluated.stages.iter().filter(|stage| stage.is_reachable);
    let mounts = reached.flat_map(|stage| &stage.mounts);
    let mounts = mounts.filter(|mount| mount.is("secret") || mount.is("ssh"));
    let asked = mounts.filter_map(|mount| {
        let id = mount.id.as_ref()?.known()?.to_owned();
        let is_ssh = mount.is("ssh");
        Some(Asked { line: mount.line, is_ssh, id, is_required: mount.is_required })
    });
    asked.collect()
}

impl Gap {
    fn told(&self, cells: &Cells<'_>, all: usize) -> Diagnostic {
        let (rule, what, key, flag) = match self.is_ssh {
            true => ("missing-ssh", "SSH agent", "ssh", "--ssh"),
            false => ("missing-secret", "secret", "secrets", "--secret"),
        };
        let message = format!("this step asks for the {what} `{}`, but none is given", self.id);
        let effect = match (cells.is_required, self.is_ssh) {
            (true, _) => "the build fails at this step",
            (false, true) => "the step runs without an agent",
            (false, false) => "the step runs without the secret",
        };
        let mut told = Diagnostic::warning(message).rule(rule).at(&self.place, "").note(effect);
        if cells.names.len() < all {
            told = told.note(format!("this concerns {}", some_of(cells.names.iter().copied())));
        }
        let given = || cells.given.iter().copied();
        let help = match cells.given.is_empty() {
            true => format!("add it to `{key}` in the matrix, or give it with {flag}"),
            false => format!("the ids that are given: {}", listed(given())),
        };
        told.help(help).help_nearest(&self.id, given())
    }
}
