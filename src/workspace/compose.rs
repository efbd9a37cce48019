//! The Compose files that `lint` checks: those found by name, and the files that they include.

use std::collections::{HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;

use super::text::{inside, text};
use crate::error::{Diagnostic, SourceFile, Span, why};
use crate::input::parent;
use crate::lint::{Finding, Findings, Taken};
use crate::template::Template;

/// How many levels of directories below the matrix are searched.
const DEEPEST: usize = 3;
/// Maximum number of files and directories in the search. A larger repository mostly contains data.
const MOST_ENTRIES: usize = 50_000;
const MOST_FILES: usize = 100;

/// A file to check.
struct Wanted {
    path: PathBuf,
    /// Where another file includes it.
    by: Option<Span>,
    /// Whether it was found by name.
    by_name: bool,
}

/// Adds the findings in the Compose files `named`, or in those found in `folder`, the directory of the
/// matrix. `templates` are skipped, because the files rendered from them are checked.
pub(crate) fn lint(
    folder: &Path,
    named: &[PathBuf],
    templates: &HashSet<PathBuf>,
    findings: &mut Findings,
) {
    let mut waiting: VecDeque<Wanted> = match named {
        [] => found(folder, findings)
            .into_iter()
            .filter(|path| !templates.contains(path))
            .map(|path| Wanted { path, by: None, by_name: true })
            .collect(),
        named => {
            let wanted = |path: &PathBuf| Wanted { path: path.clone(), by: None, by_name: false };
            named.iter().map(wanted).collect()
        }
    };
    let roots: Vec<&Path> = named.iter().map(|path| parent(path)).chain([folder]).collect();
    let mut seen = HashSet::new();
    while let Some(wanted) = waiting.pop_front() {
        // A file with several names is checked once, under the first name.
        let real = wanted.path.canonicalize().unwrap_or_else(|_| wanted.path.clone());
        if !seen.insert(real) {
            continue;
        }
        if seen.len() > MOST_FILES {
            let message = format!("there are more than {MOST_FILES} Compose files");
            return not_linted(findings, message, wanted.by.as_ref());
        }
        let file = match text(&wanted.path) {
            Ok(file) => file,
            Err(error) => {
                let message = format!("{} cannot be read", wanted.path.display());
                let why = why(&error);
                let error = match &wanted.by {
                    Some(span) => Diagnostic::error(message).at(span, why),
                    None => Diagnostic::error(format!("{message}: {why}")),
                };
                findings.extend(&error.into());
                continue;
            }
        };
        if wanted.by_name && is_template(&file) {
            let message = format!("{} is a template: lint the rendered file instead", file.name());
            not_linted(findings, message, Some(&file.span(0..0)));
            continue;
        }
        for taken in findings.of_compose(&file) {
            match followed(&wanted.path, &taken, &roots) {
                Ok(path) => {
                    waiting.push_back(Wanted { path, by: Some(taken.span), by_name: false });
                }
                Err(why) => not_linted(findings, why, Some(&taken.span)),
            }
        }
    }
}

fn not_linted(findings: &mut Findings, message: impl Into<String>, span: Option<&Span>) {
    let remark = Diagnostic::remark(message);
    let remark = span.iter().fold(remark, |remark, span| remark.at(span, ""));
    findings.add(Finding::new("not-linted", remark), None);
}

/// The Compose files in a directory and below it, except those that Git ignores.
fn found(folder: &Path, findings: &mut Findings) -> Vec<PathBuf> {
    let mut walk = WalkBuilder::new(folder);
    walk.max_depth(Some(DEEPEST + 1)).hidden(false).ignore(false).require_git(false);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    let mut paths = Vec::new();
    // Unreadable directories are skipped.
    for (count, entry) in walk.build().flatten().enumerate() {
        if count >= MOST_ENTRIES {
            let message = format!(
                "the search for Compose files stopped after {MOST_ENTRIES} files: name others with --compose"
            );
            not_linted(findings, message, None);
            break;
        }
        let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_str().is_some_and(is_compose) {
            let path = entry.into_path();
            paths.push(path.strip_prefix("./").map(Path::to_owned).unwrap_or(path));
        }
    }
    paths.sort_by_key(|path| (path.components().count(), path.clone()));
    paths
}

/// `compose.yaml`, `docker-compose.override.yml`, `docker-compose-dev.yml`.
fn is_compose(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml")) else {
        return false;
    };
    let rest = stem.strip_prefix("docker-").unwrap_or(stem).strip_prefix("compose");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

fn is_template(file: &SourceFile) -> bool {
    !Template::file(file.clone()).is_ok_and(|template| template.is_literal())
}

/// The path of a file that another one includes, or why it is not checked.
fn followed(by: &Path, taken: &Taken, roots: &[&Path]) -> Result<PathBuf, String> {
    let path = &taken.path;
    if path.contains(['$', '\0']) {
        return Err(format!("`{path}` depends on a variable and is not checked"));
    }
    if path.contains("://") || path.starts_with("oci:") || path.starts_with("git@") {
        return Err(format!("`{path}` is remote and is not checked"));
    }
    let path = cleaned(&parent(by).join(path));
    let inside = |root: &&Path| inside(&path, root, "").is_ok();
    // A missing file is reported when it is read.
    match path.exists() && !roots.iter().any(inside) {
        true => Err(format!(
            "{} is outside the directory of the matrix and is not checked",
            path.display()
        )),
        false => Ok(path),
    }
}

/// Removes `.` and `..` from a path without following links, as Compose does.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) =>
            {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::is_compose;

    #[test]
    fn compose_files_are_known_by_their_names() {
        for name in [
            "docker-compose.yml",
            "compose.yaml",
            "compose.override.yml",
            "docker-compose.prod.yaml",
            "docker-compose-dev.yml",
        ] {
            assert!(is_compose(name), "{name}");
        }
        for name in ["composer.yml", "my-compose.yml", "docker-compose.yml.j2", "compose", ".yml"] {
            assert!(!is_compose(name), "{name}");
        }
    }
}
