//! The files of a plan: templates, ignore files and scripts.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::needed::read_all;
use super::needs::{Need, missing_file, refused};
use super::text::{bytes_text, inside, template_text};
use crate::context::patterns::first_bad_line;
use crate::error::{Diagnostic, Diagnostics, Error, SourceFile, Span, why};
use crate::grants::Grant;
use crate::input::Root;
use crate::matrix::in_context;
use crate::plan::{FileKind, Needed, PlanFiles};

/// The directory of `files` and scripts.
const BESIDE: &str = "directory of matrix.yaml";

/// Where templates may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Templates {
    /// Those of Dockerfiles: anywhere in the repository, and elsewhere with a grant.
    Dockerfiles,
    /// Those of `files`: in the directory of matrix.yaml.
    Files,
}

/// Reads all needed files. All unreadable files are reported together.
pub(crate) fn plan_files(
    root: &Root,
    access: &Access,
    templates: Templates,
    needed: impl Fn(&PlanFiles) -> Vec<Needed>,
) -> Result<PlanFiles, Error> {
    let mut files = PlanFiles::default();
    let needed = |files: &PlanFiles| {
        let needed = needed(files);
        let missing = needed.iter().filter_map(|file| missing(file, root, access, templates));
        refused(&missing.collect::<Vec<Need>>())?;
        Ok(needed)
    };
    read_all(&mut files, needed, |files, file| {
        let path = present(root.join(&file.path), file.kind, templates);
        let found = match file.kind {
            FileKind::Template | FileKind::Verbatim => {
                Some(template(&path, &file, root, templates)?)
            }
            FileKind::Script => Some(script(&path, &file, root)?),
            FileKind::IgnoreFile if !path.is_file() => None,
            FileKind::IgnoreFile | FileKind::GivenIgnoreFile => Some(ignore_file(&path, &file)?),
        };
        files.insert(&file, found)
    })?;
    Ok(files)
}

/// The missing grant for a file. Without it, do not even reveal whether a template exists.
fn missing(file: &Needed, root: &Root, access: &Access, templates: Templates) -> Option<Need> {
    let named = root.join(&file.path);
    let used = present(named.clone(), file.kind, templates);
    let what = match file.kind {
        FileKind::Template if templates == Templates::Dockerfiles => "the template",
        FileKind::Verbatim if templates == Templates::Dockerfiles => "the Dockerfile",
        FileKind::IgnoreFile if used.is_file() => "the ignore file",
        FileKind::GivenIgnoreFile => "the ignore file",
        _ => return None,
    };
    // The name in the matrix first: which file is used there shows which one exists.
    let lacking = |path: PathBuf| Some((access.lacks_read(&path)?, path));
    let (grant, path) = lacking(named).or_else(|| lacking(used))?;
    let message = match &grant {
        Grant::Read(found) if *found != path => {
            format!("{what} {} is a link that leads out of the repository", path.display())
        }
        _ => format!("{what} is outside the repository"),
    };
    Some(missing_file(grant, file.span.clone(), message))
}

/// The file that is read for `path`: `dockerfile` where there is no `Dockerfile`, as in
/// `docker buildx build`. A link counts as a file, so that its target is checked like any other.
fn present(path: PathBuf, kind: FileKind, templates: Templates) -> PathBuf {
    let end = match (kind, path.file_name().and_then(OsStr::to_str)) {
        (FileKind::Template | FileKind::Verbatim, Some("Dockerfile")) => "",
        (FileKind::IgnoreFile, Some("Dockerfile.dockerignore")) => ".dockerignore",
        _ => return path,
    };
    let found = |name| path.with_file_name(name).symlink_metadata();
    let is_missing = found("Dockerfile").is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    let is_used = templates == Templates::Dockerfiles
        && is_missing
        && found("dockerfile").is_ok_and(|found| !found.is_dir());
    if is_used { path.with_file_name(format!("dockerfile{end}")) } else { path }
}

fn template(
    path: &Path,
    file: &Needed,
    root: &Root,
    templates: Templates,
) -> Result<SourceFile, Diagnostics> {
    if let Some((context, span)) = &file.context {
        directory(context, span, root)?;
    }
    let allowed = match templates {
        Templates::Dockerfiles => Ok(()),
        Templates::Files => inside(path, root, BESIDE),
    };
    allowed.and_then(|()| template_text(path)).map_err(|error| {
        let what = match (templates, file.kind) {
            (Templates::Files, FileKind::Verbatim) => "file",
            _ => "template",
        };
        let message = format!("the {what} {} cannot be read", path.display());
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        let similar = is_missing.then(|| similar(path)).flatten();
        let Some(span) = &file.span else {
            let help = match similar {
                Some(name) => format!("the directory contains {name}: add `dockerfile: {name}`"),
                None => "name the template with `dockerfile`, and its directory with `context`"
                    .to_owned(),
            };
            return Diagnostic::error(format!("{message}: {}", why(&error))).help(help).into();
        };
        let finding = Diagnostic::error(message).at(span, why(&error));
        finding.help(help(file, similar, root)).into()
    })
}

/// Whether the matrix does not name this template. The default has no place, or that of its context.
fn is_default(file: &Needed) -> bool {
    let context = file.context.as_ref().map(|(_, context)| context);
    file.span.is_none() || file.span.as_ref() == context
}

/// The name of a file beside a missing Dockerfile that may be meant.
fn similar(path: &Path) -> Option<String> {
    let is_dockerfile = |name: &str| {
        let name = name.to_ascii_lowercase();
        (name.contains("dockerfile") || name.contains("containerfile")) && !name.ends_with("ignore")
    };
    path.file_name().and_then(OsStr::to_str).filter(|name| is_dockerfile(name))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = directory.unwrap_or(Path::new(".")).read_dir().ok()?;
    let files = entries.filter_map(Result::ok).filter(|entry| entry.path().is_file());
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_dockerfile(name)).min()
}

/// What the path of a template is relative to, and which file beside it may be meant.
fn help(file: &Needed, similar: Option<String>, root: &Root) -> String {
    if is_default(file) {
        if let Some(name) = similar {
            return format!("the directory contains {name}: add `dockerfile: {name}`");
        }
        return "the default is `Dockerfile` in the context directory; name another file with \
                `dockerfile`"
            .to_owned();
    }
    if file.path.starts_with('/') && !file.folder.starts_with('/') {
        return "write the path of an existing file".to_owned();
    }
    let rule = format!("the path is relative to the {}, `{}`", file.place, file.folder);
    let beside = |(context, _): &(String, Span)| from_context(context, &file.path, root);
    match (file.context.as_ref().and_then(beside), similar) {
        (Some(path), _) => format!("{rule}: for the file beside matrix.yaml, write `{path}`"),
        (None, Some(name)) => format!("{rule}; its directory contains {name}"),
        (None, None) => rule,
    }
}

/// The path of a template from its context, if it was written relative to the directory of
/// matrix.yaml, as for `docker build --file`.
fn from_context(context: &str, path: &str, root: &Root) -> Option<String> {
    let context = in_context(".", context);
    let name = path.strip_prefix(&context)?.strip_prefix('/')?;
    let is_below = !context.starts_with('/') && !context.starts_with("..");
    let found = is_below && root.join(name).is_file();
    found.then(|| "../".repeat(context.split('/').count()) + name)
}

/// Fails if the build context is not a directory.
fn directory(context: &str, span: &Span, root: &Root) -> Result<(), Diagnostics> {
    let path = root.join(context);
    let (found, help) = match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => (
            "it is not a directory".to_owned(),
            "a context is a directory: unpack an archive first, and name a Dockerfile with `dockerfile`",
        ),
        Err(error) if context.starts_with("github.com/") => (
            why(&error),
            "a context is a directory; name a Git repository under `contexts`: \
             `contexts: { src: https://… }`, and use it with `COPY --from=src`",
        ),
        Err(error) => (why(&error), "the path is relative to the directory of matrix.yaml"),
    };
    let message = format!("the build context {} cannot be read", path.display());
    Err(Diagnostic::error(message).at(span, found).help(help).into())
}

fn ignore_file(path: &Path, file: &Needed) -> Result<SourceFile, Diagnostics> {
    let text = template_text(path).map_err(|error| {
        let message = format!("the ignore file {} cannot be read", path.display());
        let Some(span) = &file.span else {
            return Diagnostic::error(format!("{message}: {}", why(&error))).into();
        };
        let finding = Diagnostic::error(message).at(span, why(&error));
        Diagnostics::from(finding.help("the path is relative to the directory of matrix.yaml"))
    })?;
    match first_bad_line(&text) {
        Some((line, error)) => Err(Diagnostic::error(error.to_string()).at(&line, "").into()),
        None => Ok(text),
    }
}

fn script(path: &Path, file: &Needed, root: &Root) -> Result<SourceFile, Diagnostics> {
    let allowed = inside(path, root, "directory of the matrix");
    allowed.and_then(|()| bytes_text(path)).map_err(|error| {
        let message = format!("the script {} cannot be read", path.display());
        let help = "the path is relative to the directory of the matrix and must be inside it";
        let finding = Diagnostic::error(message).help(help);
        file.span.iter().fold(finding, |finding, span| finding.at(span, why(&error))).into()
    })
}
