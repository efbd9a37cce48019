//! The images that a Dockerfile builds on.

use std::collections::HashMap;

use super::dockerfile::{instructions, words};
use crate::image::Reference;
use crate::plan::BuildRequest;

/// An image from elsewhere, and the line that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub line: u32,
    /// As it is written, its arguments filled in.
    pub written: String,
    /// What is really taken: another one where the matrix says so.
    pub image: Reference,
}

/// The images of `FROM` and `COPY --from`. One that depends on what only BuildKit knows is left
/// out.
pub(super) fn bases(request: &BuildRequest) -> Vec<Base> {
    let mut stages: Vec<String> = Vec::new();
    let mut args: HashMap<String, String> = HashMap::new();
    let mut found = Vec::new();
    let mut count = 0_usize;
    for instruction in instructions(&request.dockerfile.text) {
        let name = match instruction.word.as_str() {
            // Only those before the first stage can be used by FROM.
            "ARG" if count == 0 => {
                for word in instruction.rest.split_whitespace() {
                    let (name, default) = word.split_once('=').unwrap_or((word, ""));
                    let default = default.trim_matches(['"', '\'']).to_owned();
                    let value = request.args.get(name).cloned().unwrap_or(default);
                    args.insert(name.to_owned(), value);
                }
                continue;
            }
            "FROM" => {
                let (words, _) = words(&instruction.rest, "");
                let Some(name) = words.first().copied() else { continue };
                count += 1;
                let is_stage = stages.iter().any(|stage| stage.eq_ignore_ascii_case(name));
                if let [_, as_word, stage, ..] = words.as_slice()
                    && as_word.eq_ignore_ascii_case("as")
                {
                    stages.push((*stage).to_owned());
                }
                if is_stage {
                    continue;
                }
                filled(name, &args)
            }
            "COPY" => match words(&instruction.rest, "from").1 {
                Some(name) if name.parse::<usize>().is_err() => Some(name.to_owned()),
                _ => continue,
            },
            _ => continue,
        };
        let Some(written) = name else { continue };
        let is_stage = stages.iter().any(|stage| stage.eq_ignore_ascii_case(&written));
        if written == "scratch" || is_stage || written.contains('$') {
            continue;
        }
        if let Some(image) = taken(request, &written) {
            found.push(Base { line: instruction.line, written, image });
        }
    }
    found
}

/// What BuildKit takes for an image of this name; none for a folder, a URL, or no name at all.
fn taken(request: &BuildRequest, written: &str) -> Option<Reference> {
    let reference = written.parse::<Reference>().ok()?;
    let same =
        |name: &str| name.parse::<Reference>().is_ok_and(|name| name.short() == reference.short());
    if let Some((_, base)) = request.bases.iter().find(|(name, _)| same(name)) {
        return Some(base.clone());
    }
    match request.contexts.iter().find(|(name, _)| same(name)) {
        Some((_, crate::plan::NamedContext::Image(image))) => Some(image.clone()),
        Some(_) => None,
        None => Some(reference),
    }
}

/// `text` with its `$NAME`, `${NAME}` and `${NAME:-default}`; none where a name is unknown.
pub(super) fn filled(text: &str, args: &HashMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text.trim_matches(['"', '\'']);
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        let value = |name: &str| args.get(name).filter(|value| !value.is_empty()).cloned();
        if let Some(braced) = after.strip_prefix('{') {
            let (inner, left) = braced.split_once('}')?;
            out += &match inner.split_once(":-") {
                Some((name, default)) => value(name).unwrap_or_else(|| default.to_owned()),
                None => value(inner)?,
            };
            rest = left;
        } else {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            out += &value(&after[..end])?;
            rest = &after[end..];
        }
    }
    Some(out + rest)
}
