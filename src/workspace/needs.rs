//! The access that the cells of a run need outside their repository and the build sandbox, and whether it
//! is granted.
//!
//! Each command requires the grants that it uses itself: a plan reads build contexts, `lint` also opens
//! named contexts, and a build uses everything. Commands that do not build show the grants that a build
//! would need.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use indexmap::IndexSet;

use super::access::Access;
use crate::axis_source::{GITHUB_TOKEN, is_github_api};
use crate::error::{Diagnostic, Diagnostics, Error, ErrorKind, Span, visible};
use crate::grants::Grant;
use crate::image::Reference;
use crate::input::{Network, Root};
use crate::matrix::{Asked, AskedFor, AskedVariable, Cell, Matrix};
use crate::plan::{Beyond, BuildOptions, BuildRequest, Privileges, Sources};
use crate::run::terminal;

/// Maximum number of missing grants to show: every cell can need a file of its own.
const MOST_SHOWN: usize = 40;

/// How a command uses the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Reads the templates.
    Plan,
    /// Also sends the named contexts to the engine, but runs no steps.
    Lint,
    Build,
}

/// A grant that the matrix needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Need {
    pub(crate) grant: Grant,
    pub(crate) span: Option<Span>,
    message: String,
    /// The first purpose that needs it.
    since: Purpose,
    is_granted: bool,
}

impl Need {
    /// The message with the path, because the file may show only a placeholder or a link.
    fn text(&self) -> String {
        match &self.grant {
            Grant::Read(path) | Grant::Write(path) => {
                format!("{}: {}", self.message, path.display())
            }
            _ => self.message.clone(),
        }
    }
}

/// All grants that a run needs.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) grants: IndexSet<Need>,
    pub(crate) variables: IndexSet<AskedVariable>,
}

impl Needs {
    /// The grants that the matrix needs for `cells`. `root` is its directory.
    pub(crate) fn of(
        matrix: &Matrix,
        cells: &[Cell],
        root: &Root,
        access: &Access,
        options: &BuildOptions,
    ) -> Self {
        let mut needs = Self::default();
        let mut seen: HashSet<Asked> = HashSet::new();
        for cell in cells {
            for asked in cell.asked() {
                let is_test = matches!(asked.what, AskedFor::Privileged | AskedFor::Volume(_));
                let is_pushed = |to: &str| {
                    let to = to.parse::<Reference>().ok().map(|reference| reference.repository);
                    to.is_some_and(|to| cell.references.iter().any(|known| known.repository == to))
                };
                let is_covered = match &asked.what {
                    AskedFor::CachePush(to) => options.output.is_push() && is_pushed(to),
                    _ => is_test && options.skip_smoke,
                };
                if !is_covered && !seen.contains(&asked) {
                    needs.ask(&asked, root, access);
                    seen.insert(asked);
                }
            }
            needs.variables.extend(cell.asked_variables());
        }
        needs.variables.extend(matrix.asked_variables());
        needs.variables.extend(github_tokens(matrix));
        needs
    }

    fn ask(&mut self, asked: &Asked, root: &Root, access: &Access) {
        use Purpose::{Build, Lint, Plan};
        let span = Some(asked.span.clone());
        let mut add = |grant: Option<Grant>, since, message: String| {
            self.grants.extend(grant.map(|grant| Need {
                is_granted: access.has(&grant),
                span: span.clone(),
                grant,
                message,
                since,
            }));
        };
        let read = |path: &Path| access.to_read(&root.join(path));
        match &asked.what {
            AskedFor::Context(path) => {
                add(read(path), Plan, "the build context is outside the repository".to_owned());
            }
            AskedFor::Template(path) => {
                add(read(path), Plan, "the template is outside the repository".to_owned());
            }
            AskedFor::IgnoreFile(path) => {
                add(read(path), Plan, "the ignore file is outside the repository".to_owned());
            }
            AskedFor::NamedContext { name, path } => {
                add(read(path), Lint, format!("the context `{name}` is outside the repository"));
            }
            AskedFor::Secret { id, path } => {
                let message = format!("the secret `{id}` is a file outside the repository");
                add(read(path), Build, message);
            }
            AskedFor::Agent(id) => add(Some(Grant::Ssh), Build, forwarded(id)),
            AskedFor::Ssh { id, path } => {
                let message = format!("the SSH key `{id}` is a file outside the repository");
                add(read(path), Build, message);
                let found = fs::metadata(root.join(path));
                if found.is_ok_and(|found| found.file_type().is_socket()) {
                    add(Some(Grant::Ssh), Build, forwarded(id));
                }
            }
            AskedFor::HostNetwork => add(
                Some(Grant::NetworkHost),
                Build,
                "running all steps in the network of the engine's machine needs permission"
                    .to_owned(),
            ),
            AskedFor::CacheFrom(path) => {
                add(
                    read(path),
                    Build,
                    "reading a cache from outside the repository needs permission".to_owned(),
                );
            }
            AskedFor::CacheTo(path) => add(
                access.to_write(&root.join(path)),
                Build,
                "writing a cache outside the repository needs permission".to_owned(),
            ),
            AskedFor::CachePush(reference) => {
                let repository = reference.parse::<Reference>();
                let repository = repository
                    .map_or_else(|_| reference.clone(), |found| found.repository.familiar());
                let message =
                    format!("pushing a cache to {repository} with your login needs permission");
                add(Some(Grant::Push(repository)), Build, message);
            }
            AskedFor::Privileged => add(
                Some(Grant::SmokePrivileged),
                Build,
                "running the test in a privileged container needs permission".to_owned(),
            ),
            AskedFor::Volume(path) => {
                let message =
                    format!("mounting {path} of the engine's machine in the test needs permission");
                add(Some(Grant::SmokeVolumes(path.clone())), Build, message);
            }
        }
    }

    /// Adds the grants that steps of Dockerfiles need. `--network host` grants the host network to all steps.
    pub(crate) fn of_steps(
        &mut self,
        cells: &[Cell],
        requests: &[BuildRequest],
        sources: &Sources,
        access: &Access,
    ) {
        for (cell, request) in cells.iter().zip(requests) {
            let Privileges { network_host, insecure } = request.recipe.privileges;
            let network =
                network_host.filter(|_| cell.overrides().inputs.network != Some(Network::Host));
            for (line, grant, message) in [
                (
                    network,
                    Grant::NetworkHost,
                    "running this step in the network of the engine's machine needs permission",
                ),
                (
                    insecure,
                    Grant::SecurityInsecure,
                    "running this step without a sandbox needs permission",
                ),
            ] {
                let Some(line) = line else { continue };
                self.grants.insert(Need {
                    is_granted: access.has(&grant),
                    grant,
                    span: sources.line(&request.recipe.dockerfile, line),
                    message: message.to_owned(),
                    since: Purpose::Build,
                });
            }
        }
    }

    /// Fails if a grant is missing that `purpose` needs.
    pub(crate) fn check(&self, purpose: Purpose) -> Result<(), Error> {
        refused(self.missing(purpose))
    }

    /// Whether the grant for a directory of templates is missing.
    pub(crate) fn lacks_templates(&self) -> bool {
        self.missing(Purpose::Plan).next().is_some()
    }

    fn missing(&self, purpose: Purpose) -> impl Iterator<Item = &Need> {
        self.grants.iter().filter(move |need| !need.is_granted && need.since <= purpose)
    }

    /// Notes about the missing grants of a build, and about the environment variables that it reads.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let missing: BTreeSet<&Grant> =
            self.missing(Purpose::Build).map(|need| &need.grant).collect();
        if !missing.is_empty() {
            notes.push(format!("to build this, add {}", flags(missing)));
        }
        let variables: BTreeSet<&str> = self.variables.iter().map(|one| &*one.name).collect();
        if !variables.is_empty() {
            let names = variables.into_iter().collect::<Vec<_>>().join(", ");
            notes.push(format!("environment variables that the matrix reads: {names}"));
        }
        notes
    }

    /// The same for JSON.
    pub(crate) fn beyond(&self) -> Beyond {
        let grants: BTreeSet<&Grant> = self.grants.iter().map(|need| &need.grant).collect();
        let variables: BTreeSet<&String> = self.variables.iter().map(|one| &one.name).collect();
        Beyond {
            grants: grants.into_iter().map(ToString::to_string).collect(),
            environment: variables.into_iter().cloned().collect(),
        }
    }
}

/// The tokens that are sent to GitHub's API if the matrix names no other variable.
fn github_tokens(matrix: &Matrix) -> impl Iterator<Item = AskedVariable> {
    let sources = matrix.axis_sources().iter();
    let of_github = sources.filter(|one| one.token.is_none() && is_github_api(&one.from));
    of_github
        .map(|one| AskedVariable { name: GITHUB_TOKEN.to_owned(), span: Some(one.span.clone()) })
}

/// Shows the grants that a build would need.
pub(crate) fn tell(needs: &Needs) {
    for note in needs.notes() {
        terminal::stderr(&format!("note: {}\n", visible(&note)));
    }
}

/// The grant for a file that is read before there are cells. `message` describes the file.
pub(crate) fn missing_file(grant: Grant, span: Option<Span>, message: String) -> Need {
    Need { grant, span, message, since: Purpose::Plan, is_granted: false }
}

/// Fails with all missing grants, if there are any.
pub(crate) fn refused<'n>(missing: impl IntoIterator<Item = &'n Need>) -> Result<(), Error> {
    let mut found = Diagnostics::default();
    let mut grants = BTreeSet::new();
    for need in missing {
        if grants.insert(&need.grant) && grants.len() > MOST_SHOWN {
            continue;
        }
        let finding = Diagnostic::error(need.text());
        let finding = need.span.iter().fold(finding, |finding, span| finding.at(span, ""));
        found.push(finding.help(format!("to allow it, add {}", need.grant.flag())));
    }
    match grants.len() {
        0 => Ok(()),
        1 => Err(Error::found(ErrorKind::Usage, found)),
        many => {
            let error = Error::new(ErrorKind::Usage, format!("{many} grants are missing"));
            Err(error
                .with_findings(found)
                .help(format!("to allow all of it, add {}", flags(grants))))
        }
    }
}

fn flags(grants: BTreeSet<&Grant>) -> String {
    let more = match grants.len().saturating_sub(MOST_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more; a directory covers everything in it"),
    };
    let shown = grants.into_iter().take(MOST_SHOWN).map(Grant::flag);
    shown.collect::<Vec<_>>().join(" ") + &more
}

fn forwarded(id: &str) -> String {
    format!("forwarding the SSH agent `{id}` to the build needs permission")
}
