//! The images that a rendered Dockerfile builds on.

use std::collections::HashMap;

use super::dockerfile::{instructions, words};
use super::request::{BuildRequest, Pin};
use crate::image::Reference;
use crate::input::NamedContext;
use crate::matrix::{BaseLabels, BaseWanted};

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// An image from elsewhere, and the line that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// From 1.
    pub line: u32,
    /// As it is written, its arguments filled in: the name under which another one can take its
    /// place.
    pub written: String,
    /// What is really taken: another one where the matrix says so.
    pub image: Reference,
}

/// `FROM [--platform=PLATFORM] BASE [AS NAME]`
struct Stage {
    line: u32,
    name: Option<String>,
    /// None where it depends on what only BuildKit knows.
    base: Option<String>,
    platform: Option<String>,
}

/// The images of `FROM` and `COPY --from`, in the order of their lines. One that depends on what only
/// BuildKit knows is left out.
pub(crate) fn bases(request: &BuildRequest) -> Vec<Base> {
    let (stages, copied) = read(request);
    let from = stages.iter().enumerate().filter_map(|(number, stage)| {
        let base = stage.base.as_ref()?;
        find(&stages[..number], base).is_none().then(|| (stage.line, base.clone()))
    });
    let copied = copied.into_iter().filter(|(_, name)| find(&stages, name).is_none());
    let mut named: Vec<(u32, String)> = from.chain(copied).collect();
    named.sort_by_key(|(line, _)| *line);
    named.into_iter().filter_map(|(line, written)| taken(request, line, written)).collect()
}

/// Labels a request with its base, unless the file says another; nothing where the base depends on
/// what only BuildKit knows, or is no image at all. A digest that is not known here is left for the
/// build to find out: [`BuildRequest::pin`].
pub(super) fn label(wanted: BaseWanted, request: &mut BuildRequest) {
    let Some((base, platform)) = built_on(request) else { return };
    let image = base.image.clone();
    let mut pin = Pin { base, platform, labels: false, annotations: false };
    for (wanted, map, is_pinned) in [
        (wanted.labels, &mut request.labels, &mut pin.labels),
        (wanted.annotations, &mut request.annotations, &mut pin.annotations),
    ] {
        if wanted == BaseLabels::None {
            continue;
        }
        map.entry(NAME.to_owned()).or_insert_with(|| image.to_string());
        if wanted == BaseLabels::NameAndDigest && !map.contains_key(DIGEST) {
            match &image.digest {
                Some(digest) => drop(map.insert(DIGEST.to_owned(), digest.to_string())),
                None => *is_pinned = true,
            }
        }
    }
    if pin.labels || pin.annotations {
        request.pin = Some(pin);
    }
}

impl BuildRequest {
    /// This request, to be built on the very image that `digest` names, and labelled with it. Other
    /// stages that build on the same name get the same image.
    #[must_use]
    pub fn pinned(&self, pin: &Pin, digest: &crate::image::Digest) -> Self {
        let mut pinned = self.clone();
        let image = Reference { digest: Some(digest.clone()), ..pin.base.image.clone() };
        let other = |name: &str| !same(name, &pin.base.written);
        pinned.bases.retain(|name, _| other(name));
        pinned.contexts.retain(|name, _| other(name));
        pinned.bases.insert(pin.base.written.clone(), image);
        if pin.labels {
            pinned.labels.insert(DIGEST.to_owned(), digest.to_string());
        }
        if pin.annotations {
            pinned.annotations.insert(DIGEST.to_owned(), digest.to_string());
        }
        pinned.pin = None;
        pinned
    }
}

/// The image that the stage to be built begins with, through all stages between, and the platform
/// that it is asked for.
fn built_on(request: &BuildRequest) -> Option<(Base, Option<crate::image::Platform>)> {
    let (stages, _) = read(request);
    let mut at = match &request.target {
        Some(target) => find(&stages, target).or_else(|| target.parse().ok())?,
        None => stages.len().checked_sub(1)?,
    };
    loop {
        let stage = stages.get(at)?;
        // A stage may be replaced by an image of its name.
        let own = stage.name.as_ref().filter(|name| replaced(request, name).is_some());
        let base = own.or(stage.base.as_ref())?;
        match find(&stages[..at], base) {
            Some(earlier) if own.is_none() => at = earlier,
            _ => {
                let platform = match stage.platform.as_deref() {
                    None | Some("$TARGETPLATFORM" | "${TARGETPLATFORM}") => {
                        request.platforms.first().cloned()
                    }
                    Some(named) => named.parse().ok(),
                };
                return Some((taken(request, stage.line, base.clone())?, platform));
            }
        }
    }
}

/// The last stage of this name.
fn find(stages: &[Stage], name: &str) -> Option<usize> {
    let is = |stage: &Stage| stage.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    stages.iter().rposition(is)
}

/// The stages, and the names in `COPY --from` with their lines.
fn read(request: &BuildRequest) -> (Vec<Stage>, Vec<(u32, String)>) {
    let mut args: HashMap<String, String> = HashMap::new();
    let (mut stages, mut copied) = (Vec::new(), Vec::new());
    for instruction in instructions(&request.dockerfile.text) {
        let line = instruction.line;
        match instruction.word.as_str() {
            // Only those before the first stage can be used by FROM.
            "ARG" if stages.is_empty() => {
                for word in instruction.rest.split_whitespace() {
                    let (name, default) = word.split_once('=').unwrap_or((word, ""));
                    let given = request.args.get(name).cloned();
                    match given.or_else(|| filled(default, &args)) {
                        Some(value) => args.insert(name.to_owned(), value),
                        None => args.remove(name),
                    };
                }
            }
            "FROM" => {
                let (words, platform) = words(&instruction.rest, "platform");
                let Some(base) = words.first() else { continue };
                let name = match words.as_slice() {
                    [_, as_word, name, ..] if as_word.eq_ignore_ascii_case("as") => Some(*name),
                    _ => None,
                };
                stages.push(Stage {
                    line,
                    name: name.map(str::to_owned),
                    base: filled(base, &args),
                    platform: platform.map(str::to_owned),
                });
            }
            "COPY" => {
                // A number is that of a stage.
                let from = words(&instruction.rest, "from").1;
                let from = from.filter(|name| name.parse::<usize>().is_err());
                copied.extend(from.map(|name| (line, name.to_owned())));
            }
            _ => {}
        }
    }
    (stages, copied)
}

/// What BuildKit takes for an image of this name; none for a folder, a URL, or no name at all.
fn taken(request: &BuildRequest, line: u32, written: String) -> Option<Base> {
    if written == "scratch" || written.contains('$') {
        return None;
    }
    let image = match replaced(request, &written) {
        Some(other) => other?,
        None => written.parse().ok()?,
    };
    Some(Base { line, written, image })
}

/// What stands in for a name, if anything does, and whether that is an image. Contexts go before bases,
/// as in the request to BuildKit.
fn replaced(request: &BuildRequest, name: &str) -> Option<Option<Reference>> {
    let context = request.contexts.iter().find(|(known, _)| same(known, name));
    let context = context.map(|(_, context)| match context {
        NamedContext::Image(image) => Some(image.clone()),
        NamedContext::Folder(_) | NamedContext::Url(_) => None,
    });
    let base = || request.bases.iter().find(|(known, _)| same(known, name));
    context.or_else(|| base().map(|(_, image)| Some(image.clone())))
}

/// Whether two names mean one image: `alpine` and `docker.io/library/alpine:latest`.
fn same(one: &str, other: &str) -> bool {
    let short = |name: &str| name.parse::<Reference>().ok().map(|name| name.short());
    one == other || short(one).is_some_and(|one| short(other) == Some(one))
}

/// `text` with its `$NAME`, `${NAME}`, `${NAME-default}` and `${NAME:-default}`; none where a name is
/// unknown.
pub(crate) fn filled(text: &str, args: &HashMap<String, String>) -> Option<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text.trim_matches(['"', '\'']);
    while let Some((before, after)) = rest.split_once('$') {
        out += before;
        let value = |name: &str| args.get(name).filter(|value| !value.is_empty()).cloned();
        if let Some(braced) = after.strip_prefix('{') {
            let (inner, left) = braced.split_once('}')?;
            out += &match inner.split_once('-') {
                Some((name, default)) if name.ends_with(':') => {
                    value(name.trim_end_matches(':')).unwrap_or_else(|| default.to_owned())
                }
                Some((name, default)) if name.chars().all(is_part) => {
                    args.get(name).cloned().unwrap_or_else(|| default.to_owned())
                }
                _ => value(inner)?,
            };
            rest = left;
        } else {
            let end = after.find(|c| !is_part(c)).unwrap_or(after.len());
            out += &value(&after[..end])?;
            rest = &after[end..];
        }
    }
    Some(out + rest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indexmap::IndexMap;

    use super::*;
    use crate::template::Rendered;

    fn request(dockerfile: &str) -> BuildRequest {
        let dockerfile = Arc::new(Rendered::verbatim("t/Dockerfile", dockerfile));
        BuildRequest { dockerfile, ..BuildRequest::sample("c") }
    }

    #[test]
    fn bases_are_what_buildkit_takes_from_elsewhere() {
        let text = "ARG V=3.20 NONE\nARG \"W\"=x\nFROM --platform=$BUILDPLATFORM alpine:${V} AS Build\nFROM scratch\n\
                    FROM build\nFROM $NONE\nFROM ${NONE:-debian}:12\nFROM ubuntu AS u\nFROM mine:1\nFROM folder\n\
                    COPY --from=build a b\nCOPY --from=0 a b\nCOPY --from=docker.io/library/node:20 a b\n";
        let mut request = request(text);
        request.args = IndexMap::from([("V".to_owned(), "3.21".to_owned())]);
        request.bases =
            IndexMap::from([("mine:1".to_owned(), "m.example/mine:2".parse().unwrap())]);
        let folder = NamedContext::Folder("x".into());
        request.contexts = IndexMap::from([("folder".to_owned(), folder)]);
        let bases: Vec<String> =
            bases(&request).iter().map(|base| format!("{} {}", base.line, base.image)).collect();
        assert_eq!(
            bases,
            [
                "3 docker.io/library/alpine:3.21",
                "7 docker.io/library/debian:12",
                "8 docker.io/library/ubuntu",
                "9 m.example/mine:2",
                "13 docker.io/library/node:20",
            ]
        );
    }

    #[test]
    fn the_base_is_that_of_the_last_stage_or_of_the_target() {
        for (dockerfile, target, wanted) in [
            ("FROM alpine:3.20\nRUN x\n", None, Some("alpine:3.20")),
            ("from --platform=$BUILDPLATFORM golang AS b\nFROM ubuntu\n", None, Some("ubuntu")),
            ("FROM golang AS b\nFROM ubuntu\n", Some("B"), Some("golang")),
            ("FROM golang AS b\nFROM ubuntu\n", Some("1"), Some("ubuntu")),
            ("FROM alpine AS a\nFROM a AS c\nFROM C\n", None, Some("alpine")),
            ("FROM alpine AS alpine\nFROM alpine\n", None, Some("alpine")),
            ("FROM \\\n  alpine\nRUN <<E\nFROM debian\nE\n", None, Some("alpine")),
            ("ARG V=1\nARG B=alpine:$V\nFROM ${B}\n", None, Some("alpine:1")),
            ("ARG B\nFROM $B\n", None, None),
            ("FROM alpine-$TARGETARCH\n", None, None),
            ("FROM scratch\n", None, None),
            ("FROM a\n", Some("missing"), None),
            ("FROM a\n", Some("7"), None),
            ("", None, None),
            ("FROM\n", None, None),
        ] {
            let target = target.map(str::to_owned);
            let request = BuildRequest { target, ..request(dockerfile) };
            let found = built_on(&request).map(|(base, _)| base.written);
            assert_eq!(found.as_deref(), wanted, "{dockerfile}");
        }
    }

    #[test]
    fn a_base_is_pinned_whatever_it_is_called_and_whatever_stood_in_for_it() {
        let digest = crate::image::Digest::of(b"x");
        let image = |name: &str| NamedContext::Image(name.parse().unwrap());
        let wanted =
            BaseWanted { labels: BaseLabels::NameAndDigest, annotations: BaseLabels::Name };
        for (dockerfile, contexts, bases, name, key) in [
            ("FROM a\n", vec![], vec![], "docker.io/library/a", "a"),
            (
                "FROM a\n",
                vec![],
                vec![("docker.io/library/a", "b:1")],
                "docker.io/library/b:1",
                "a",
            ),
            ("FROM a\n", vec![("a:latest", "c")], vec![("a", "b:1")], "docker.io/library/c", "a"),
            ("FROM x AS s\nFROM s\n", vec![("s", "c:2")], vec![], "docker.io/library/c:2", "s"),
        ] {
            let mut request = request(dockerfile);
            request.contexts =
                contexts.iter().map(|(k, to)| ((*k).to_owned(), image(to))).collect();
            request.bases =
                bases.iter().map(|(k, to)| ((*k).to_owned(), to.parse().unwrap())).collect();
            label(wanted, &mut request);
            assert_eq!(request.labels[NAME], name, "{dockerfile}");
            assert_eq!(request.annotations[NAME], name);
            let pinned = request.pinned(&request.pin.clone().unwrap(), &digest);
            assert_eq!((pinned.contexts.len(), pinned.bases.len()), (0, 1));
            assert_eq!(pinned.bases[key].to_string(), format!("{name}@{digest}"));
            assert_eq!(pinned.labels[DIGEST], digest.to_string());
            assert!(!pinned.annotations.contains_key(DIGEST));
        }
    }

    #[test]
    fn a_digest_that_is_written_or_given_is_not_asked_for() {
        let both = BaseWanted {
            labels: BaseLabels::NameAndDigest,
            annotations: BaseLabels::NameAndDigest,
        };
        let digest = crate::image::Digest::of(b"x");
        let mut written = request(&format!("FROM a:1@{digest}\n"));
        label(both, &mut written);
        assert_eq!((&written.labels[DIGEST], &written.pin), (&digest.to_string(), &None));
        assert_eq!(written.annotations[DIGEST], digest.to_string());
        let mut given = request("FROM a:1\n");
        given.labels.insert(DIGEST.to_owned(), "mine".to_owned());
        label(both, &mut given);
        let pin = given.pin.unwrap();
        assert_eq!(
            (given.labels[DIGEST].as_str(), pin.labels, pin.annotations),
            ("mine", false, true)
        );
        let mut folder = request("FROM a\n");
        folder.contexts.insert("a".to_owned(), NamedContext::Folder("x".into()));
        label(both, &mut folder);
        assert_eq!((folder.labels.len(), &folder.pin), (0, &None));
    }
}
