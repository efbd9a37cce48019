//! Names that nothing uses.
//!
//! Named contexts: <https://github.com/moby/buildkit/blob/master/frontend/dockerui/namedcontext.go>

use std::collections::HashSet;

use indexmap::IndexMap;

use super::groups::{self, Group};
use super::read::Files;
use super::subject::Subject;
use crate::dockerfile::{InstructionKind, Mounted, PLATFORM_ARGS, Source, is_predefined};
use crate::error::{Diagnostic, Diagnostics, Span, listed};
use crate::image::short_name;
use crate::input::NamedContext;
use crate::matrix::{DeclaredKind, Overrides};
use crate::plan::Recipe;

/// Secrets that BuildKit itself uses to fetch Git repositories and files; their names can end with
/// the host.
///
/// Source: <https://docs.docker.com/build/building/secrets/#git-authentication-for-remote-contexts>
const FETCH_SECRETS: [&str; 4] =
    ["GIT_AUTH_TOKEN", "GIT_AUTH_HEADER", "HTTP_AUTH_TOKEN_", "HTTP_AUTH_HEADER_"];

/// The names that Dockerfiles use.
#[derive(Default)]
struct Used {
    /// Images and contexts, normalised like BuildKit does for comparison.
    sources: HashSet<String>,
    args: HashSet<String>,
    secrets: HashSet<String>,
    agents: HashSet<String>,
    /// A Dockerfile may use any name of this kind.
    all: HashSet<DeclaredKind>,
    /// Names that a cell has and its own Dockerfile uses.
    fitting: HashSet<(DeclaredKind, String)>,
}

/// Warns about each name of the matrix and of flags that nothing uses.
pub(super) fn find<'r>(
    subject: Subject<'r>,
    groups: &[Group<'r>],
    files: &mut Files<'r>,
    found: &mut Diagnostics,
) {
    let flags = subject.cells.first().map(|cell| of_flags(cell.overrides())).unwrap_or_default();
    let declared: Vec<_> = subject.matrix.declared().collect();
    if declared.is_empty() && flags.is_empty() {
        return;
    }
    let names = declared.iter().map(|one| (one.kind, one.name.as_str()));
    let flagged = flags.iter().map(|(kind, name)| (*kind, name.as_str()));
    let wanted: Vec<(DeclaredKind, &str)> = names.clone().chain(flagged.clone()).collect();
    let mut used = Used::default();
    if used.add(groups, files, &wanted) {
        return;
    }
    for (kind, name) in flagged.filter(|flag| !names.clone().any(|one| one == *flag)) {
        if !used.has(kind, name) {
            found.push(used.warning(kind, name, None));
        }
    }
    let mut open = declared;
    open.retain(|one| !used.has(one.kind, &one.name));
    if let (Some(whole), false) = (subject.whole, open.is_empty()) {
        // A selection alone is not enough to decide this.
        let Some(requests) = whole() else { return };
        used.add(&groups::of(&requests), &mut Files::default(), &[]);
        open.retain(|one| !used.has(one.kind, &one.name));
    }
    for one in open {
        found.push(used.warning(one.kind, &one.name, Some(&one.span)));
    }
}

/// The names that flags define.
fn of_flags(flags: &Overrides) -> Vec<(DeclaredKind, String)> {
    fn names<T>(map: &IndexMap<String, T>) -> impl Iterator<Item = &str> {
        map.keys().map(String::as_str)
    }
    let all: [(DeclaredKind, Vec<&str>); 5] = [
        (DeclaredKind::Arg, flags.inputs.args.keys().map(|name| &**name).collect()),
        (DeclaredKind::Base, names(&flags.inputs.bases).collect()),
        (DeclaredKind::Context, names(&flags.inputs.contexts).collect()),
        (DeclaredKind::Secret, names(&flags.inputs.secrets).collect()),
        (DeclaredKind::Ssh, names(&flags.inputs.ssh).collect()),
    ];
    let pairs = all.into_iter().flat_map(|(kind, names)| names.into_iter().map(move |n| (kind, n)));
    pairs.map(|(kind, name)| (kind, name.to_owned())).collect()
}

impl Used {
    /// Adds the names that the Dockerfiles of these requests use. Ends early, and returns true, as
    /// soon as it covers all of `wanted`.
    fn add<'r>(
        &mut self,
        groups: &[Group<'r>],
        files: &mut Files<'r>,
        wanted: &[(DeclaredKind, &str)],
    ) -> bool {
        let mut open = wanted.to_vec();
        for group in groups {
            let recipe = &group.first().recipe;
            self.merge(Used::of(recipe, files), recipe);
            open.retain(|(kind, name)| !self.has(*kind, name));
            if open.is_empty() && !wanted.is_empty() {
                return true;
            }
        }
        false
    }

    fn of<'r>(recipe: &'r Recipe, files: &mut Files<'r>) -> Self {
        let mut used = Self::default();
        used.add_one(recipe, files);
        used
    }

    /// Adds the names that one Dockerfile uses, for a cell that defines names.
    fn merge(&mut self, own: Self, recipe: &Recipe) {
        let given = [
            (DeclaredKind::Arg, recipe.inputs.args.keys().map(|name| &**name).collect::<Vec<_>>()),
            (DeclaredKind::Base, recipe.inputs.bases.keys().map(String::as_str).collect()),
            (DeclaredKind::Context, recipe.inputs.contexts.keys().map(String::as_str).collect()),
            (DeclaredKind::Secret, recipe.inputs.secrets.keys().map(String::as_str).collect()),
            (DeclaredKind::Ssh, recipe.inputs.ssh.keys().map(String::as_str).collect()),
        ];
        for (kind, names) in given {
            let names = names.into_iter().filter(|name| own.uses(kind, name));
            self.fitting.extend(names.map(|name| (kind, name.to_owned())));
        }
        self.sources.extend(own.sources);
        self.args.extend(own.args);
        self.secrets.extend(own.secrets);
        self.agents.extend(own.agents);
        self.all.extend(own.all);
    }

    fn add_one<'r>(&mut self, recipe: &'r Recipe, files: &mut Files<'r>) {
        let file = files.of(recipe);
        if file.is_foreign_to(recipe) {
            use DeclaredKind::{Arg, Base, Context, Secret, Ssh};
            self.all.extend([Arg, Base, Context, Secret, Ssh]);
            return;
        }
        let remote =
            |context: &NamedContext| matches!(context, NamedContext::Url(url) if is_ssh(url));
        if recipe.inputs.contexts.values().any(remote) {
            self.agents.insert("default".to_owned());
        }
        let declarations = file.parsed.declarations().into_iter();
        self.args.extend(declarations.filter(|one| !one.is_env).map(|one| one.name));
        if file.parsed.instructions.iter().any(|one| match &one.kind {
            InstructionKind::Copy(copy) => copy.sources.iter().any(|source| is_ssh(source)),
            _ => false,
        }) {
            self.agents.insert("default".to_owned());
        }
        for platform in &recipe.platforms {
            let evaluated = file.evaluated(recipe, Some(platform));
            for stage in &evaluated.stages {
                for used in &stage.uses {
                    match &used.source {
                        Source::Named(name) => drop(self.sources.insert(short_name(name))),
                        Source::Unknown(_) => {
                            self.all.extend([DeclaredKind::Base, DeclaredKind::Context]);
                        }
                        Source::Stage(_) | Source::Scratch => {}
                    }
                }
                for mount in &stage.mounts {
                    self.mount(mount);
                }
            }
        }
    }

    fn mount(&mut self, mount: &Mounted) {
        for (kind, of, known) in [
            ("secret", DeclaredKind::Secret, &mut self.secrets),
            ("ssh", DeclaredKind::Ssh, &mut self.agents),
        ] {
            let is_open = mount.kind.known().is_none();
            match mount.id.as_ref().map(|id| id.known()) {
                _ if !mount.is(kind) && !is_open => {}
                Some(Some(id)) if !is_open => drop(known.insert(id.to_owned())),
                _ => drop(self.all.insert(of)),
            }
        }
    }

    /// Whether a cell that defines the name uses it.
    fn has(&self, kind: DeclaredKind, name: &str) -> bool {
        self.fitting.contains(&(kind, name.to_owned()))
    }

    fn uses(&self, kind: DeclaredKind, name: &str) -> bool {
        self.all.contains(&kind)
            || match kind {
                DeclaredKind::Base | DeclaredKind::Context => {
                    self.sources.contains(&short_name(name))
                }
                DeclaredKind::Arg => {
                    self.args.contains(name) || is_predefined(name) || PLATFORM_ARGS.contains(&name)
                }
                DeclaredKind::Secret => {
                    self.secrets.contains(name)
                        || FETCH_SECRETS.iter().any(|known| name.starts_with(known))
                }
                DeclaredKind::Ssh => self.agents.contains(name),
            }
    }

    fn warning(&self, kind: DeclaredKind, name: &str, place: Option<&Span>) -> Diagnostic {
        let (rule, what, flag, names) = match kind {
            DeclaredKind::Base => ("unused-base", "base", "--base", &self.sources),
            DeclaredKind::Context => {
                ("unused-context", "context", "--build-context", &self.sources)
            }
            DeclaredKind::Arg => ("unused-build-arg", "build argument", "--build-arg", &self.args),
            DeclaredKind::Secret => ("unused-secret", "secret", "--secret", &self.secrets),
            DeclaredKind::Ssh => ("unused-ssh", "SSH agent", "--ssh", &self.agents),
        };
        let is_elsewhere = self.uses(kind, name);
        let message = match kind {
            _ if is_elsewhere => format!("the cells with the {what} `{name}` do not use it"),
            DeclaredKind::Base | DeclaredKind::Context => {
                format!("no Dockerfile uses the {what} `{name}`")
            }
            DeclaredKind::Arg => format!("no Dockerfile declares the {what} `{name}`"),
            DeclaredKind::Secret | DeclaredKind::Ssh => {
                format!("no step uses the {what} `{name}`")
            }
        };
        let warning = Diagnostic::warning(message).rule(rule);
        let warning = match place {
            Some(span) => warning.at(span, ""),
            None => warning.note(format!("it comes from {flag}, and no selected cell uses it")),
        };
        if is_elsewhere {
            return warning.help("move it to the cells whose Dockerfile uses it");
        }
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        let short = short_name(name);
        let pinned = names
            .iter()
            .find(|one| one.strip_prefix(&short).is_some_and(|rest| rest.starts_with('@')));
        let warning = match (kind, pinned) {
            (DeclaredKind::Base | DeclaredKind::Context, Some(pinned)) => {
                return warning
                    .note(format!(
                        "the Dockerfile uses `{pinned}`, and a name with a digest does not match one without"
                    ))
                    .help(format!("write the digest here, too: `{pinned}`"));
            }
            _ if names.is_empty() && place.is_none() => {
                let id = if kind == DeclaredKind::Secret { "id=" } else { "" };
                warning.help(format!("remove {flag} {id}{name}"))
            }
            _ if names.is_empty() => warning.help("remove it"),
            (DeclaredKind::Base | DeclaredKind::Context, None) => warning
                .help(format!("images and contexts of the Dockerfiles: {}", listed(names.clone()))),
            (DeclaredKind::Arg, _) => warning.help(format!(
                "declare it with `ARG {name}`; declared arguments: {}",
                listed(names.clone())
            )),
            _ => warning.help(format!("the steps use: {}", listed(names.clone()))),
        };
        warning.help_nearest(name, names)
    }
}

/// Whether BuildKit needs an SSH agent to fetch from this URL.
fn is_ssh(source: &str) -> bool {
    source.starts_with("git@") || source.starts_with("ssh://")
}
