//! Mistakes that BuildKit reports without a place: a pattern of an ignore file, an instruction that
//! copies what no image can contain, and bytes that are not UTF-8 where BuildKit does not accept them.

use std::path::Path;

use crate::context::patterns::{PatternError, clean, first_bad_line};
use crate::dockerfile::{Instruction, InstructionKind};
use crate::error::{SourceFile, Span};
use crate::failure::Kind;
use crate::outcome::{Failure, Place};
use crate::plan::{BuildRequest, Recipe};
use crate::regular;
use crate::text::has_escapes;

use super::failure::place;

/// An ignore file is read up to this size, in bytes.
const LARGEST: usize = 1 << 20;

/// Adds the place of its cause to a failure that has none.
pub(crate) fn placed(failure: Failure, message: &str, request: &BuildRequest) -> Failure {
    if failure.place.is_some() {
        return failure;
    }
    if let Some((span, error)) = bad_pattern(message, &request.recipe) {
        let (line, _) = span.line_column();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let (file, text) = (span.file.name().to_string(), span.text().to_owned());
        let place = Some(Place { file, line, text });
        return Failure { kind: Kind::Context, message: error.to_string(), place, ..failure };
    }
    if message.contains("invalid UTF-8") {
        let help = "BuildKit accepts only UTF-8 in this instruction: save the file as UTF-8";
        return match foreign_bytes(&request.recipe) {
            Some(line) => Failure {
                kind: Kind::Dockerfile,
                place: place(request, line),
                help: Some(help.to_owned()),
                ..failure
            },
            None => failure,
        };
    }
    match special_file(message).and_then(|path| copies(path, &request.recipe)) {
        Some(line) => Failure { kind: Kind::Context, place: place(request, line), ..failure },
        None => failure,
    }
}

/// The line of the ignore file that `message` is about, and what is wrong with it.
pub(crate) fn bad_pattern(message: &str, recipe: &Recipe) -> Option<(Span, PatternError)> {
    const SAID: [&str; 3] = ["bad pattern", "syntax error in pattern", "illegal exclusion pattern"];
    SAID.iter().any(|said| message.contains(said)).then(|| wrong_pattern(recipe))?
}

/// The first line of the ignore file of `recipe` that is no pattern, and what is wrong with it.
pub(crate) fn wrong_pattern(recipe: &Recipe) -> Option<(Span, PatternError)> {
    let file = match &recipe.dockerignore {
        Some(file) => file.clone(),
        None => {
            let path = recipe.context.join(".dockerignore");
            let bytes = regular::read(&path, LARGEST).ok()??;
            SourceFile::new(shown(&path), String::from_utf8_lossy(&bytes))
        }
    };
    first_bad_line(&file)
}

/// The first line of the instruction with bytes that are not UTF-8, from 1. In what only describes the
/// image, BuildKit replaces them.
fn foreign_bytes(recipe: &Recipe) -> Option<u32> {
    use InstructionKind::{Cmd, Entrypoint, Healthcheck, Label, Maintainer};
    let file = recipe.instructions();
    let has = |one: &&Instruction| {
        has_escapes(&one.arguments)
            || one.heredocs.iter().any(|heredoc| has_escapes(&heredoc.content))
    };
    let describes = |one: &&Instruction| {
        matches!(one.kind, Label(_) | Cmd(_) | Entrypoint(_) | Healthcheck(_) | Maintainer(_))
    };
    file.instructions.iter().filter(has).find(|one| !describes(one)).map(|one| one.first)
}

/// The path of the file in the error for one that no image can contain.
fn special_file(message: &str) -> Option<&str> {
    let (before, _) = message.split_once(", which no image can contain; do not copy it")?;
    before.rsplit_once(": it is ").map(|(path, _)| path)
}

/// The path as the user would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// The line of the instruction that names the file at `path`, from 1.
fn copies(path: &str, recipe: &Recipe) -> Option<u32> {
    let file = recipe.instructions();
    let named: Vec<_> = file
        .instructions
        .iter()
        .flat_map(|one| sources(one).into_iter().map(|source| (one.first, source)))
        .collect();
    let is = |source: &str| path.ends_with(&clean(&format!("/{source}")));
    if let Some((line, _)) = named.iter().find(|(_, source)| is(source)) {
        return Some(*line);
    }
    // With a variable, it may be another file: only if nothing else can be meant.
    let mut open = named.iter().filter(|(_, source)| source.contains('$'));
    open.next().filter(|_| open.next().is_none()).map(|(line, _)| *line)
}

/// What an instruction takes from contexts.
fn sources(instruction: &Instruction) -> Vec<&str> {
    match &instruction.kind {
        InstructionKind::Copy(copy) => copy.sources.iter().map(String::as_str).collect(),
        InstructionKind::Run(run) => {
            run.mounts.iter().filter_map(|mount| mount.source.as_deref()).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::samples::request;
    use crate::template::Rendered;

    fn of(dockerfile: &str) -> BuildRequest {
        let mut request = request();
        request.recipe.dockerfile = Rendered::verbatim("t/Dockerfile", dockerfile).into();
        request
    }

    fn found(message: &str, request: &BuildRequest) -> String {
        let failure = placed(Failure::default(), message, request);
        failure.place.map_or_else(String::new, |place| {
            let Place { file, line, text } = place;
            format!("{file}:{line}: {text}")
        })
    }

    #[test]
    fn an_instruction_with_bytes_that_are_not_utf8_is_the_place() {
        let said = "failed to marshal LLB definition: string field contains invalid UTF-8";
        let text =
            crate::text::escaped(b"# \xe9\nFROM a\n# \xe9\nLABEL a=\xe9\nRUN \xe9\n".to_vec());
        let request = of(&text);
        assert!(found(said, &request).starts_with("t/Dockerfile:5: RUN "));
        let text = crate::text::escaped(b"FROM a\nRUN <<E\n\xe9\nE\n".to_vec());
        assert_eq!(found(said, &of(&text)), "t/Dockerfile:2: RUN <<E");
        assert_eq!(found(said, &of("FROM a\n")), "");
    }

    #[test]
    fn the_instruction_that_names_a_socket_is_the_place() {
        let said =
            "/p/context/run/a.sock: it is a socket, which no image can contain; do not copy it";
        for (dockerfile, wanted) in [
            ("FROM a\nCOPY . /\nCOPY x run/a.sock /\n", "t/Dockerfile:3: COPY x run/a.sock /"),
            (
                "FROM a\nADD [\"./run//a.sock\", \"/\"]\n",
                "t/Dockerfile:2: ADD [\"./run//a.sock\", \"/\"]",
            ),
            ("FROM a\nARG D\nCOPY $D/a.sock /\n", "t/Dockerfile:3: COPY $D/a.sock /"),
            (
                "FROM a\nRUN --mount=source=run/a.sock,target=/s true\n",
                "t/Dockerfile:2: RUN --mount=source=run/a.sock,target=/s true",
            ),
            ("FROM a\nARG D E\nCOPY $D /\nCOPY $E /\n", ""),
            ("FROM a\nCOPY other.sock /\n", ""),
        ] {
            assert_eq!(found(said, &of(dockerfile)), wanted);
        }
        assert_eq!(found("something else", &of("FROM a\nCOPY run/a.sock /\n")), "");
    }

    #[test]
    fn a_bad_pattern_has_a_place_in_its_ignore_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = of("FROM a\n");
        request.recipe.context = folder.path().to_owned();
        let said = "error from sender: what to exclude: bad pattern `[a-`: missing `]`";
        assert_eq!(found(said, &request), "");
        let path = folder.path().join(".dockerignore");
        std::fs::write(&path, "# [a-\n\n*.log\n ![a-\n[b-\n").unwrap();
        assert_eq!(found(said, &request), format!("{}:4:  ![a-", path.display()));
        std::fs::write(&path, "*.log\n! \n").unwrap();
        let said = "illegal exclusion pattern: \"!\"";
        assert_eq!(found(said, &request), format!("{}:2: ! ", path.display()));
        let given = SourceFile::new("t/Dockerfile.dockerignore", "x\n[a-\n");
        request.recipe.dockerignore = Some(given);
        let said = "failed to solve: syntax error in pattern";
        assert_eq!(found(said, &request), "t/Dockerfile.dockerignore:2: [a-");
    }
}
