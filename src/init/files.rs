//! Finds the Dockerfiles that a path with variables names.

use indexmap::IndexMap;

use super::makefile::Makefile;
use super::part::{Part, Text, extend, is_word, push_text, source};

/// A file and the values of the variables in its path.
pub(super) type Match = IndexMap<String, String>;

/// A path of the Makefile without `./` and `/` around it. Variables that can select a file stay variables.
pub(super) fn path(makefile: &Makefile, text: &[Part]) -> Text {
    let mut open = Text::new();
    opened(makefile, text, 10, &mut open);
    let mut text = open;
    if let Some(Part::Text(first)) = text.first_mut() {
        while let Some(rest) = first.strip_prefix("./") {
            *first = rest.trim_start_matches('/').to_owned();
        }
    }
    if let Some(Part::Text(last)) = text.last_mut() {
        *last = last.trim_end_matches('/').to_owned();
    }
    text.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    if text.is_empty() { vec![Part::Text(".".to_owned())] } else { text }
}

fn opened(makefile: &Makefile, text: &[Part], depth: usize, out: &mut Text) {
    for part in text {
        let Part::Variable(name, _) = part else {
            extend(out, std::slice::from_ref(part));
            continue;
        };
        if ["CURDIR", "PWD"].contains(&name.as_str()) {
            push_text(out, ".");
            continue;
        }
        let value = makefile.make.variables.get(name).map(|(value, _)| value);
        let is_fixed = ["DIR", "FILE", "CONTEXT", "PATH", "ROOT"]
            .iter()
            .any(|end| name.to_ascii_uppercase().ends_with(end));
        match (value, makefile.make.constant(std::slice::from_ref(part))) {
            _ if makefile.loops.contains_key(name) => out.push(part.clone()),
            (Some(value), None) if depth > 0 && out.len() < 100 => {
                opened(makefile, value, depth - 1, out)
            }
            (Some(value), Some(_))
                if depth > 0 && value.iter().any(|part| matches!(part, Part::Variable(..))) =>
            {
                opened(makefile, value, depth - 1, out);
            }
            (_, Some(value)) if is_fixed => push_text(out, &value),
            _ => out.push(part.clone()),
        }
    }
}

/// The values of the variables for which the path is one of the files.
pub(super) fn matches<'f>(path: &[Part], files: impl Iterator<Item = &'f String>) -> Vec<Match> {
    // Each variable multiplies the ways to split a path.
    let variables = path.iter().filter(|part| matches!(part, Part::Variable(..))).count();
    if variables > 3 || path.len() > 20 {
        return Vec::new();
    }
    files.take(1000).filter_map(|file| bound(path, file, Match::new())).collect()
}

fn bound(path: &[Part], file: &str, values: Match) -> Option<Match> {
    match path {
        [] => file.is_empty().then_some(values),
        [Part::Text(text), rest @ ..] => bound(rest, file.strip_prefix(text.as_str())?, values),
        [Part::Variable(name, _), rest @ ..] => {
            if let Some(value) = values.get(name) {
                let file = file.strip_prefix(value.as_str())?;
                return bound(rest, file, values);
            }
            let ends = file.char_indices().skip(1).map(|(at, _)| at).chain([file.len()]);
            ends.take(60).take_while(|end| !file[..*end].contains('/')).find_map(|end| {
                let mut values = values.clone();
                values.insert(name.clone(), file[..end].to_owned());
                bound(rest, &file[end..], values)
            })
        }
        _ => None,
    }
}

/// A file's path relative to a context, both relative to the same directory.
pub(super) fn relative(file: &[Part], context: &[Part]) -> Text {
    let (name, directory) = (source(file), source(context));
    if directory == "." {
        return file.to_vec();
    }
    if let Some(rest) = name.strip_prefix(&directory).and_then(|rest| rest.strip_prefix('/'))
        && !rest.contains('$')
    {
        return vec![Part::Text(rest.to_owned())];
    }
    let mut out = Text::new();
    push_text(&mut out, &"../".repeat(directory.split('/').count()));
    extend(&mut out, file);
    out
}

/// A text with a variable in place of each occurrence of a word.
pub(super) fn generalized(text: &[Part], word: &str, variable: &str) -> Text {
    let mut out = Text::new();
    for part in text {
        let Part::Text(text) = part else {
            extend(&mut out, std::slice::from_ref(part));
            continue;
        };
        let mut rest = text.as_str();
        let mut from = 0;
        while let Some(at) = rest[from..].find(word).map(|at| at + from) {
            let end = at + word.len();
            let alone = |text: &str| !is_word(text);
            let before =
                rest[..at].chars().next_back().is_none_or(|c| alone(c.encode_utf8(&mut [0; 4])));
            let after =
                rest[end..].chars().next().is_none_or(|c| alone(c.encode_utf8(&mut [0; 4])));
            if before && after {
                push_text(&mut out, &rest[..at]);
                out.push(Part::Variable(variable.to_owned(), 0));
                rest = &rest[end..];
                from = 0;
            } else {
                from = end;
            }
        }
        push_text(&mut out, rest);
    }
    out
}
