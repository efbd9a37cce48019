//! Axes that change the name of an image and nothing in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::read::{File, Files};
use super::subject::Subject;
use crate::dockerfile::{
    Evaluated, Expander, Instruction, InstructionKind, Source, VariableScope, is_predefined,
};
use crate::error::{Diagnostic, Diagnostics, SourceFile};
use crate::image::short_name;
use crate::input::{NamedContext, SecretSource};
use crate::matrix::Cell;
use crate::plan::{BuildRequest, Recipe};
use crate::template::Rendered;

/// Dockerfiles that are parsed in full for the comparison. If there are more, comments and labels
/// count as differences.
const MAX_PARSED: usize = 2_000;

/// Warns once about each axis without a difference between two cells.
pub(super) fn find<'r>(subject: Subject<'r>, files: &mut Files<'r>, found: &mut Diagnostics) {
    if subject.cells.len() < 2 {
        return;
    }
    let texts: HashSet<&Rendered> =
        subject.requests.iter().map(|request| &*request.recipe.dockerfile).collect();
    let reads = texts.len() <= MAX_PARSED;
    let mut known: HashMap<_, u64> = HashMap::new();
    // Cells by their build.
    let mut same: HashMap<Build<'_>, Vec<usize>> = HashMap::new();
    for (number, request) in subject.requests.iter().enumerate() {
        let args: BTreeMap<&str, &str> =
            request.recipe.inputs.args.iter().map(|(name, value)| (&**name, &**value)).collect();
        let contexts: Vec<_> =
            request.recipe.inputs.contexts.iter().map(|(n, one)| (n, described(one))).collect();
        let bases: Vec<_> =
            request.recipe.inputs.bases.iter().map(|(n, one)| (n, one.to_string())).collect();
        let text = &*request.recipe.dockerfile;
        let (content, used) = match reads {
            true => {
                let file = files.of(&request.recipe);
                let key =
                    (text, request.recipe.inputs.target.as_deref(), args.clone(), contexts, bases);
                let content = *known.entry(key).or_insert_with(|| content(&file, &request.recipe));
                (content, file.is_foreign_to(&request.recipe))
            }
            false => (hash(&(text, &args, &request.recipe.inputs.target, contexts, bases)), true),
        };
        let build = Build::of(request, content, used);
        same.entry(build).or_default().push(number);
    }
    let mut axes: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = same.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    for group in groups {
        for (axis, pair) in differing(&group, subject.cells) {
            axes.entry(axis).or_insert(pair);
        }
    }
    for (axis, (one, other)) in axes {
        found.push(warning(subject, axis, &subject.cells[one], &subject.cells[other]));
    }
}

fn warning(subject: Subject<'_>, axis: usize, one: &Cell, other: &Cell) -> Diagnostic {
    let (name, first) = &one.axes[axis];
    let second = &other.axes[axis].1;
    let repository = |cell: &Cell| cell.references.first().map(|one| one.repository.clone());
    let (names, label) = match repository(one) == repository(other) {
        true => ("tags", "only the tag differs"),
        false => ("names", "only the name differs"),
    };
    let message = format!("`{first}` and `{second}` are the same image with two {names}");
    let template = &one.dockerfile;
    let help = format!(
        "use `<%{name}%>` in {template} or in `args`, or give one cell both {names} under `tags`"
    );
    let warning = Diagnostic::warning(message).rule("same-image");
    let warning = match subject.matrix.axis(name) {
        Some(axis) => warning.at(&axis.key_span, label),
        None => warning,
    };
    warning
        .note(format!(
            "the cells {} and {} have the same {template}, context, arguments and settings",
            one.name, other.name
        ))
        .help(help)
}

/// The axes by which cells of one build differ, each with the first two cells that differ only in
/// it, or in it first if there are no such cells.
fn differing(group: &[usize], cells: &[Cell]) -> Vec<(usize, (usize, usize))> {
    let count = cells[group[0]].axes.len();
    let mut found = Vec::new();
    for axis in 0..count {
        let mut first: HashMap<Vec<&str>, usize> = HashMap::new();
        for number in group {
            let others = cells[*number].axes.iter().enumerate();
            let others: Vec<&str> =
                others.filter(|(at, _)| *at != axis).map(|(_, (_, value))| &**value).collect();
            let before = *first.entry(others).or_insert(*number);
            if before != *number {
                found.push((axis, (before, *number)));
                break;
            }
        }
    }
    if found.is_empty() {
        let (one, other) = (group[0], group[1]);
        let differs = |axis: &usize| cells[one].axes[*axis] != cells[other].axes[*axis];
        found.extend((0..count).find(differs).map(|axis| (axis, (one, other))));
    }
    found
}

/// Everything that determines an image. Labels, annotations and tests do not.
#[derive(PartialEq, Eq, Hash)]
struct Build<'r> {
    content: u64,
    /// One image in several registries is intended.
    registries: Vec<&'r str>,
    /// With an unknown frontend, every line counts.
    text: Option<&'r Rendered>,
    dockerignore: Option<&'r str>,
    context: &'r std::path::Path,
    platforms: &'r [crate::image::Platform],
    network: Option<crate::input::Network>,
    run: &'r crate::input::RunSettings,
    media_types: crate::input::MediaTypes,
    secrets: Vec<(&'r str, &'r SecretSource)>,
    ssh: Vec<(&'r str, &'r Vec<std::path::PathBuf>)>,
}

impl<'r> Build<'r> {
    fn of(request: &'r BuildRequest, content: u64, foreign: bool) -> Self {
        let recipe = &request.recipe;
        let mut secrets: Vec<_> =
            recipe.inputs.secrets.iter().map(|(id, one)| (&**id, &one.source)).collect();
        let mut ssh: Vec<_> = recipe.inputs.ssh.iter().map(|(id, one)| (&**id, one)).collect();
        let mut registries: Vec<&str> = request
            .delivery
            .references
            .iter()
            .map(|reference| reference.repository.host())
            .collect();
        secrets.sort_unstable();
        ssh.sort_unstable();
        registries.sort_unstable();
        registries.dedup();
        Self {
            content,
            registries,
            text: foreign.then_some(&*recipe.dockerfile),
            dockerignore: recipe.dockerignore.as_ref().map(SourceFile::text),
            context: &recipe.context,
            platforms: &recipe.platforms,
            network: recipe.inputs.network,
            run: &recipe.inputs.run,
            media_types: recipe.media_types,
            secrets,
            ssh,
        }
    }
}

/// A hash of the build of a Dockerfile: the instructions of the required stages without labels, and
/// the arguments, contexts and bases that they use.
fn content(file: &File, recipe: &Recipe) -> u64 {
    let evaluated = file.evaluated(recipe, recipe.platforms.first());
    let mut state = DefaultHasher::new();
    let starts: Vec<u32> = evaluated.stages.iter().map(|stage| stage.line).collect();
    let stage_of = |line: u32| starts.partition_point(|start| *start <= line).checked_sub(1);
    let is_built = |one: &&Instruction| match stage_of(one.first) {
        Some(stage) => evaluated.target.is_none() || evaluated.stages[stage].is_reachable,
        None => true,
    };
    for one in file.parsed.instructions.iter().filter(is_built) {
        if matches!(one.kind, InstructionKind::Label(_) | InstructionKind::Maintainer(_)) {
            continue;
        }
        one.keyword.hash(&mut state);
        one.arguments.hash(&mut state);
        for flag in &one.flags {
            (&flag.name, &flag.value).hash(&mut state);
        }
        for heredoc in &one.heredocs {
            (&heredoc.name, &heredoc.content).hash(&mut state);
        }
    }
    for (name, value) in arguments(file, recipe, &evaluated) {
        (name, value).hash(&mut state);
    }
    for (name, what) in replacements(recipe, &evaluated) {
        (name, what).hash(&mut state);
    }
    state.finish()
}

/// The arguments that can affect the build.
fn arguments<'r>(
    file: &File,
    recipe: &'r Recipe,
    evaluated: &Evaluated,
) -> BTreeMap<&'r str, &'r str> {
    let declarations = file.parsed.declarations();
    let uses = file.parsed.variable_uses();
    let runs: HashSet<usize> = evaluated
        .stages
        .iter()
        .enumerate()
        .filter(|(_, stage)| stage.is_reachable)
        .map(|(number, _)| number)
        .collect();
    let has_run = |stage: usize, after: u32| {
        let start = evaluated.stages[stage].line;
        let end = evaluated.stages.get(stage + 1).map_or(u32::MAX, |next| next.line);
        let runs = file
            .parsed
            .instructions
            .iter()
            .filter(|one| matches!(one.kind, InstructionKind::Run(_)));
        runs.into_iter().any(|run| (start..end).contains(&run.first) && run.first > after)
    };
    let is_used = |name: &str| {
        if is_predefined(name) {
            return true;
        }
        let of_label = |line: u32| {
            let at = file.parsed.instructions.iter().find(|one| one.first == line);
            at.is_some_and(|one| {
                matches!(one.kind, InstructionKind::Label(_) | InstructionKind::Maintainer(_))
            })
        };
        let named = declarations.iter().filter(|one| !one.is_env && one.name == name);
        named.into_iter().any(|one| match one.scope {
            // Steps see it in their environment.
            VariableScope::Stage(stage) if runs.contains(&stage) => {
                has_run(stage, one.line)
                    || uses.iter().any(|used| {
                        used.name == name
                            && used.by == Expander::Builder
                            && matches!(used.scope, VariableScope::Stage(_) | VariableScope::Trigger(_))
                            && !of_label(used.line)
                    })
                    // Stages that are based on this one inherit it.
                    || evaluated.stages.iter().any(|other| other.base == Source::Stage(stage))
            }
            VariableScope::Stage(_) => false,
            VariableScope::Global => {
                uses.iter().any(|used| used.name == name && used.scope == VariableScope::Global)
            }
            VariableScope::Trigger(_) => true,
        })
    };
    let given = recipe.inputs.args.iter().filter(|(name, _)| is_used(name));
    given.map(|(name, value)| (&**name, &**value)).collect()
}

/// The replacements of the names that the stages use.
fn replacements(recipe: &Recipe, evaluated: &Evaluated) -> BTreeMap<String, String> {
    let uses = evaluated.stages.iter().filter(|stage| stage.is_reachable);
    let uses = uses.flat_map(|stage| &stage.uses);
    let mut names = HashSet::new();
    let mut all = false;
    for used in uses {
        match &used.source {
            Source::Named(name) => drop(names.insert(short_name(name))),
            Source::Unknown(_) => all = true,
            Source::Stage(_) | Source::Scratch => {}
        }
    }
    let is_used = |name: &str| all || names.contains(&short_name(name));
    let contexts = recipe.inputs.contexts.iter().filter(|(name, _)| is_used(name));
    let contexts = contexts.map(|(name, one)| (name.clone(), described(one)));
    let bases = recipe.inputs.bases.iter().filter(|(name, _)| is_used(name));
    bases.map(|(name, image)| (name.clone(), image.to_string())).chain(contexts).collect()
}

fn described(context: &NamedContext) -> String {
    match context {
        NamedContext::Image(image) => format!("image {image}"),
        NamedContext::Folder(folder) => format!("directory {}", folder.display()),
        NamedContext::Layout(layout) => format!("layout {layout}"),
        NamedContext::Url(url) => format!("url {url}"),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut state = DefaultHasher::new();
    value.hash(&mut state);
    state.finish()
}
