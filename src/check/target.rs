//! A `target` that no stage of the Dockerfile has. BuildKit would refuse it.

use indexmap::IndexMap;

use super::groups::{self, Group};
use super::read::Files;
use super::subject::{Subject, some_of};
use crate::error::{COMMAND_LINE, Diagnostic, Diagnostics, SourceFile, Span, listed};
use crate::matrix::{Cell, Origin, Source};

/// The cells with one wrong target, and the names of the stages that their Dockerfiles have.
#[derive(Default)]
struct Wrong<'r> {
    cells: Vec<&'r str>,
    stages: Vec<String>,
}

/// The errors in the targets of a plan.
pub(crate) fn wrong_targets(subject: Subject<'_>) -> Diagnostics {
    let mut found = Diagnostics::default();
    if subject.requests.iter().all(|request| request.recipe.inputs.target.is_none()) {
        return found;
    }
    let mut files = Files::default();
    let mut all: IndexMap<(Option<Span>, String, String), Wrong<'_>> = IndexMap::new();
    for group in groups::of(subject.requests) {
        add(&mut all, subject, &group, &mut files);
    }
    for ((place, target, template), wrong) in all {
        let has_names = !wrong.stages.is_empty();
        let stages = || wrong.stages.iter().map(String::as_str);
        let mut error = Diagnostic::error(format!("{template} has no stage `{target}`"));
        error = match &place {
            Some(place) => error.at(place, ""),
            None => {
                let flag = SourceFile::new(COMMAND_LINE, format!("--target {target}"));
                error.at(&flag.span(0..flag.text().len()), "")
            }
        };
        if wrong.cells.len() < subject.requests.len() {
            error = error.note(format!("affected cells: {}", some_of(wrong.cells.iter().copied())));
        }
        found.push(match has_names {
            true => error
                .note(format!("its stages: {}", listed(stages())))
                .help_nearest(&target, stages()),
            false => error.help(format!("name one there: `FROM … AS {target}`")),
        });
    }
    found
}

fn add<'r>(
    all: &mut IndexMap<(Option<Span>, String, String), Wrong<'r>>,
    subject: Subject<'r>,
    group: &Group<'r>,
    files: &mut Files<'r>,
) {
    let request = group.first();
    let recipe = &request.recipe;
    let Some(target) = recipe.inputs.target.as_deref() else { return };
    let file = files.of(recipe);
    if file.is_foreign_to(recipe) {
        return;
    }
    let evaluated = file.evaluated(recipe, recipe.platforms.first());
    // BuildKit has another error for a file without stages.
    if evaluated.target.is_some() || evaluated.stages.is_empty() {
        return;
    }
    let origin = recipe.dockerfile.origin(evaluated.stages[0].line);
    let template = origin.map_or_else(|| "the Dockerfile".to_owned(), |one| one.file.to_string());
    let stages = evaluated.stages.into_iter().filter_map(|stage| stage.name);
    let stages: Vec<String> = stages.collect();
    for request in &group.requests {
        let cell = subject.cells.iter().find(|cell| *cell.name == *request.cell);
        let key = (cell.and_then(place), target.to_owned(), template.clone());
        let wrong = all.entry(key).or_default();
        wrong.cells.push(&request.cell);
        let new = stages.iter().filter(|stage| !wrong.stages.contains(stage)).cloned();
        let new: Vec<String> = new.collect();
        wrong.stages.extend(new);
    }
}

/// Where the matrix sets the target of a cell; `None` for a flag.
fn place(cell: &Cell) -> Option<Span> {
    cell.origins().into_iter().find_map(|origin| match origin {
        Origin { key, source: Source::File(span), .. } if key == "target" => Some(span),
        _ => None,
    })
}
