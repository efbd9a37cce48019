//! `onebuild init`: creates a matrix.yaml from the files in a directory.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::prepare;
use crate::config::{CellChoice, InitConfig};
use crate::error::{Error, ErrorKind, visible, why};
use crate::init::{Found, draft};
use crate::matrix::Matrix;
use crate::run::terminal;
use crate::text::counted;
use crate::workspace::needs::Purpose;
use crate::workspace::targets;
use crate::workspace::text::{bytes_text, text};
use crate::workspace::write::put;

/// The names of Compose files; docker prefers them in this order.
const COMPOSE: &[&str] =
    &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Directories with the Dockerfiles of others.
const FOREIGN: &[&str] = &["node_modules", "vendor", "third_party"];

/// How far below the directory Dockerfiles are found.
const DEPTH: usize = 3;

/// More files than this are not read.
const MOST_FILES: usize = 10_000;

/// Files of other programs that may build images.
const OTHERS: &[&str] =
    &[".gitlab-ci.yml", "Jenkinsfile", "Justfile", "Taskfile.yml", "Taskfile.yaml", "justfile"];

/// What a file contains that builds images.
const BUILDERS: &[&str] = &[
    "docker build",
    "docker buildx",
    "docker image build",
    "docker/bake-action",
    "docker/build-push-action",
    "podman build",
    "buildah bud",
    "buildah build",
    "nerdctl build",
];

const MAKEFILES: &[&str] = &["GNUmakefile", "makefile", "Makefile"];

pub(super) fn run(config: &InitConfig) -> Result<ExitCode, Error> {
    let folder = &config.directory;
    let draft = draft(&found(folder)?);
    let paths: Vec<_> = draft.files.iter().map(|(path, _)| folder.join(path)).collect();
    // Write all files or none: a matrix without its template is useless.
    if let Some(path) = paths.iter().find(|path| !config.force && path.symlink_metadata().is_ok()) {
        let message = format!("{} already exists; nothing was written", path.display());
        return Err(Error::new(ErrorKind::Usage, message).help("--force overwrites it"));
    }
    // Both names in one directory are an error of every other command.
    let other = folder.join("matrix.yml");
    if other.symlink_metadata().is_ok() {
        let message = format!("{} already exists; nothing was written", other.display());
        let help = "rename it to matrix.yaml, which --force overwrites, or use another directory";
        return Err(Error::new(ErrorKind::Usage, message).help(help));
    }
    paths.iter().try_for_each(|path| targets::check_flag(path))?;
    for (path, (_, text)) in paths.iter().zip(&draft.files) {
        put(path, text)?;
        terminal::stderr(&format!("wrote {}\n", path.display()));
    }
    for note in &draft.notes {
        terminal::stderr(&format!("note: {}\n", visible(note)));
    }
    let lines: Vec<String> = draft.unfinished.iter().map(usize::to_string).collect();
    match lines.as_slice() {
        [] => {}
        [line] => {
            terminal::stderr(&format!("finish line {line} of {} by hand\n", paths[0].display()))
        }
        lines => {
            terminal::stderr(&format!(
                "finish lines {} of {} by hand\n",
                lines.join(", "),
                paths[0].display()
            ));
        }
    }
    let cells = planned(&paths[0])?;
    let file = match folder == Path::new(".") {
        true => String::new(),
        false => format!(" --file {}", paths[0].display()),
    };
    let (command, them) = if cells == 1 { ("build", "it") } else { ("matrix", "them") };
    terminal::stderr(&format!(
        "{}: `onebuild plan{file}` shows {them}, `onebuild {command}{file}` builds {them}\n",
        counted(cells, "cell"),
    ));
    Ok(ExitCode::SUCCESS)
}

/// The number of cells of the new matrix. Shows its warnings.
fn planned(path: &Path) -> Result<usize, Error> {
    let unreadable = |error: io::Error| {
        let message = format!("{} cannot be read: {}", path.display(), why(&error));
        Error::new(ErrorKind::Environment, message)
    };
    let matrix = Matrix::parse(text(path).map_err(unreadable)?)?;
    let choice = CellChoice::all_of(path);
    let prepared = prepare::prepared(&matrix, &choice, &Default::default(), Purpose::Plan)?;
    Ok(prepared.cells.len())
}

fn found(folder: &Path) -> Result<Found, Error> {
    let failed = |path: &Path, error: &io::Error| {
        let message = format!("{} cannot be read: {}", path.display(), why(error));
        Error::new(ErrorKind::Environment, message)
    };
    // A missing file is skipped; an unreadable one is an error.
    let read = |path: &Path| match bytes_text(path) {
        Ok(file) => Ok(Some(file.text().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    };
    let mut found = Found::default();
    for name in MAKEFILES {
        if found.makefile.is_none() {
            found.makefile = read(&folder.join(name))?;
        }
    }
    for name in COMPOSE {
        if found.compose.is_none() {
            found.compose = read(&folder.join(name))?.map(|text| ((*name).to_owned(), text));
        }
    }
    let mut waiting = vec![String::new()];
    let mut seen = 0;
    while let Some(directory) = waiting.pop() {
        let names = match names(&folder.join(&directory)) {
            Ok(names) => names,
            Err(error) if directory.is_empty() => return Err(failed(folder, &error)),
            // A directory that cannot be listed has no Dockerfile for us.
            Err(_) => continue,
        };
        for name in names {
            seen += 1;
            let path = format!("{directory}{name}");
            let is_directory =
                folder.join(&path).symlink_metadata().is_ok_and(|file| file.is_dir());
            if is_directory
                && directory.matches('/').count() < DEPTH
                && !FOREIGN.contains(&name.as_str())
            {
                waiting.push(format!("{path}/"));
                found.directories.push(path);
            } else if is_bake(&name)
                || name.ends_with(".sh")
                    && path.matches('/').count() < 2
                    && builds(&folder.join(&path))
            {
                found.unread.push(path);
            } else if is_dockerfile(&name) && folder.join(&path).is_file() {
                match read(&folder.join(&path)) {
                    Ok(text) => found.files.extend(text.map(|text| (path, text))),
                    // Far below, it can be a broken one for a test.
                    Err(_) if path.matches('/').count() > 1 => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if seen > MOST_FILES {
            break;
        }
    }
    found.files.sort();
    let workflows = ".github/workflows";
    let names = names(&folder.join(workflows)).unwrap_or_default().into_iter();
    let names = names.filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"));
    let others = names.map(|name| format!("{workflows}/{name}"));
    let others = others.chain(OTHERS.iter().map(|name| (*name).to_owned()));
    found.unread.extend(others.filter(|path| builds(&folder.join(path))));
    found.unread.sort();
    Ok(found)
}

/// The names in a directory in order, without hidden ones.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)?.take(MOST_FILES) {
        names.extend(entry?.file_name().into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}

/// `docker-bake.hcl`, `docker-bake.override.json`.
fn is_bake(name: &str) -> bool {
    name.starts_with("docker-bake.") && (name.ends_with(".hcl") || name.ends_with(".json"))
}

/// Whether a file runs a builder of images. One that cannot be read does not.
fn builds(path: &Path) -> bool {
    let file = path.is_file().then(|| bytes_text(path).ok()).flatten();
    file.is_some_and(|file| BUILDERS.iter().any(|word| file.text().contains(word)))
}

/// `Dockerfile`, `Containerfile`, `Dockerfile.alpine` and `alpine.Dockerfile`.
fn is_dockerfile(name: &str) -> bool {
    let rest = ["Dockerfile", "dockerfile", "Containerfile"]
        .iter()
        .find_map(|known| name.strip_prefix(known).or_else(|| name.strip_suffix(known)));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.ends_with('.'))
        && !name.ends_with(".dockerignore")
}
