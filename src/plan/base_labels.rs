//! Labels and annotations that name the base image, and the pin to exactly that image.

use super::bases::{Base, replaced, root, same, taken};
use super::request::{Pin, Recipe};
use crate::dockerfile::{Dockerfile, Evaluated, InstructionKind, Source, Unexpanded};
use crate::image::{Digest, Platform, Reference};
use crate::matrix::{BaseLabels, BaseWanted};

pub(crate) const NAME: &str = "org.opencontainers.image.base.name";
pub(crate) const DIGEST: &str = "org.opencontainers.image.base.digest";

/// Why no label can name the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownBase {
    /// Line of the `FROM`, from 1.
    pub(super) line: u32,
    pub(super) message: String,
}

/// The base of the final stage.
#[derive(Debug, PartialEq, Eq)]
enum BuiltOn {
    Image(Base, Option<Platform>),
    /// `scratch`, a directory or a URL.
    NoImage,
    Unknown(UnknownBase),
}

/// Labels a recipe with its base, unless the matrix sets the label itself. The build resolves a digest
/// that is not known here: [`Recipe::pin`]. If one label cannot name the base, it is empty, because a
/// label inherited from the base image would name a different image.
pub(super) fn label(wanted: BaseWanted, recipe: &mut Recipe) -> Option<UnknownBase> {
    if wanted == BaseWanted::default() {
        return None;
    }
    let file = recipe.instructions();
    match built_on(recipe, &file) {
        None | Some(BuiltOn::NoImage) => None,
        Some(BuiltOn::Unknown(why)) => {
            let own = own_labels(recipe, &file);
            let mut open = wanted.annotations != BaseLabels::None
                && !recipe.inputs.annotations.contains_key(NAME);
            if wanted.labels != BaseLabels::None {
                for name in [NAME, DIGEST] {
                    let is_given = own.iter().any(|own| own == name);
                    if !is_given && !recipe.inputs.labels.contains_key(name) {
                        recipe.inputs.labels.insert(name.into(), "".into());
                        open |= name == NAME;
                    }
                }
            }
            open.then_some(why)
        }
        Some(BuiltOn::Image(base, platform)) => {
            name(wanted, recipe, base, platform);
            None
        }
    }
}

fn name(wanted: BaseWanted, recipe: &mut Recipe, base: Base, platform: Option<Platform>) {
    let image = base.image.clone();
    let mut pin = Pin { base, platform, labels: false, annotations: false };
    for (wanted, map, is_pinned) in [
        (wanted.labels, &mut recipe.inputs.labels, &mut pin.labels),
        (wanted.annotations, &mut recipe.inputs.annotations, &mut pin.annotations),
    ] {
        if wanted == BaseLabels::None {
            continue;
        }
        map.entry(NAME.into()).or_insert_with(|| image.to_string().into());
        if wanted == BaseLabels::NameAndDigest && !map.contains_key(DIGEST) {
            match &image.digest {
                Some(digest) => drop(map.insert(DIGEST.into(), digest.to_string().into())),
                None => *is_pinned = true,
            }
        }
    }
    if pin.labels || pin.annotations {
        recipe.pin = Some(pin);
    }
}

impl Recipe {
    /// This recipe, pinned to the image with this digest and labelled with it. Other stages with the
    /// same base use the same image.
    #[must_use]
    pub fn pinned(&self, pin: &Pin, digest: &Digest) -> Self {
        let mut pinned = self.clone();
        let image = Reference { digest: Some(digest.clone()), ..pin.base.image.clone() };
        let other = |name: &str| !same(name, &pin.base.written);
        pinned.inputs.bases.retain(|name, _| other(name));
        pinned.inputs.contexts.retain(|name, _| other(name));
        pinned.inputs.bases.insert(pin.base.written.clone(), image);
        if pin.labels {
            pinned.inputs.labels.insert(DIGEST.into(), digest.to_string().into());
        }
        if pin.annotations {
            pinned.inputs.annotations.insert(DIGEST.into(), digest.to_string().into());
        }
        pinned.pin = None;
        pinned
    }
}

/// The digest label, if the image would inherit it from its base although `recipe` names another base:
/// the inherited digest would then belong to a different image.
pub(crate) fn inherited_label(recipe: &Recipe) -> Option<&'static str> {
    let labels = &recipe.inputs.labels;
    let is_open = labels.contains_key(NAME) && !labels.contains_key(DIGEST) && recipe.pin.is_none();
    let is_own = || own_labels(recipe, &recipe.instructions()).iter().any(|own| own == DIGEST);
    (is_open && !is_own()).then_some(DIGEST)
}

/// The images that `recipe` inherits labels from, each with the requested platform.
pub(crate) fn label_sources(recipe: &Recipe) -> Vec<(Reference, Platform)> {
    let file = recipe.instructions();
    let on = |platform: &Platform| match on_one(
        recipe,
        &recipe.stages(&file, platform, None),
        platform,
    )? {
        BuiltOn::Image(base, asked) => Some((base.image, asked?)),
        BuiltOn::NoImage | BuiltOn::Unknown(_) => None,
    };
    recipe.platforms.iter().filter_map(on).collect()
}

/// The image that the target stage is based on, directly or through other stages, and its requested
/// platform. `None` if there is no such stage.
fn built_on(recipe: &Recipe, file: &Dockerfile) -> Option<BuiltOn> {
    let mut found: Option<BuiltOn> = None;
    for platform in recipe.differing_platforms() {
        let evaluated = recipe.stages(file, platform, None);
        let next = on_one(recipe, &evaluated, platform)?;
        match (&found, &next) {
            (None, _) | (_, BuiltOn::Unknown(_)) => {}
            (Some(BuiltOn::Image(one, _)), BuiltOn::Image(other, _))
                if one.image == other.image && same(&one.written, &other.written) =>
            {
                continue;
            }
            (Some(BuiltOn::NoImage), BuiltOn::NoImage) => continue,
            _ => {
                // One warning, at the stage that is built.
                let line = evaluated.stages[evaluated.target?].line;
                let line = diverges(recipe, file).unwrap_or(line);
                let message = "the base image differs by platform, but a label has one value \
                               for all platforms"
                    .to_owned();
                return Some(BuiltOn::Unknown(UnknownBase { line, message }));
            }
        }
        let is_unknown = matches!(next, BuiltOn::Unknown(_));
        found = Some(next);
        if is_unknown {
            break;
        }
    }
    found
}

/// The first `FROM` that differs by platform.
fn diverges(recipe: &Recipe, file: &Dockerfile) -> Option<u32> {
    let ways: Vec<Vec<(u32, Source)>> = recipe
        .platforms
        .iter()
        .filter_map(|platform| {
            let evaluated = recipe.stages(file, platform, None);
            let mut number = evaluated.target?;
            let mut way = Vec::new();
            loop {
                let stage = &evaluated.stages[number];
                way.push((stage.line, stage.base.clone()));
                match stage.base {
                    Source::Stage(below) => number = below,
                    _ => return Some(way),
                }
            }
        })
        .collect();
    let first = ways.first()?;
    let differs = |at: usize| ways.iter().any(|way| way.get(at) != first.get(at));
    (0..first.len()).find(|at| differs(*at)).map(|at| first[at].0)
}

fn on_one(recipe: &Recipe, evaluated: &Evaluated, platform: &Platform) -> Option<BuiltOn> {
    let (_, stage) = root(&evaluated.stages, evaluated.target?);
    Some(match &stage.base {
        Source::Named(written) => match taken(recipe, stage.line, written.clone()) {
            Some(base) => {
                let asked = match &stage.platform {
                    None => Some(platform.clone()),
                    Some(text) => text.known().and_then(|text| text.parse().ok()),
                };
                BuiltOn::Image(base, asked)
            }
            // BuildKit refuses invalid names.
            None if replaced(recipe, written).is_none() => return None,
            None => BuiltOn::NoImage,
        },
        Source::Scratch | Source::Stage(_) => BuiltOn::NoImage,
        Source::Unknown(Unexpanded::Invalid(_)) => return None,
        Source::Unknown(Unexpanded::Unknown) => BuiltOn::Unknown(UnknownBase {
            line: stage.line,
            message: "the base image depends on the platform of the engine".to_owned(),
        }),
    })
}

/// The labels that the Dockerfile sets.
fn own_labels(recipe: &Recipe, file: &Dockerfile) -> Vec<String> {
    let Some(platform) = recipe.platforms.first() else { return Vec::new() };
    let evaluated = recipe.stages(file, platform, None);
    let mut number = evaluated.target;
    let mut lines = Vec::new();
    while let Some(at) = number {
        let stage = &evaluated.stages[at];
        let end = evaluated.stages.get(at + 1).map_or(u32::MAX, |next| next.line);
        lines.push(stage.line..end);
        number = match stage.base {
            Source::Stage(below) => Some(below),
            _ => None,
        };
    }
    let inside =
        file.instructions.iter().filter(|one| lines.iter().any(|l| l.contains(&one.first)));
    let pairs = inside.filter_map(|one| match &one.kind {
        InstructionKind::Label(pairs) => Some(pairs),
        _ => None,
    });
    let plain = |name: &str| name.trim_matches(['"', '\'']).to_owned();
    pairs.flatten().map(|(name, _)| plain(name)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::input::NamedContext;
    use crate::template::Rendered;

    fn recipe(dockerfile: &str) -> Recipe {
        let dockerfile = Arc::new(Rendered::verbatim("t/Dockerfile", dockerfile));
        Recipe { dockerfile, ..Recipe::sample() }
    }

    #[test]
    fn the_base_is_that_of_the_last_stage_or_of_the_target() {
        for (dockerfile, target, wanted) in [
            ("FROM alpine:3.20\nRUN x\n", None, Some("alpine:3.20")),
            ("from --platform=$BUILDPLATFORM golang AS b\nFROM ubuntu\n", None, Some("ubuntu")),
            ("FROM golang AS b\nFROM ubuntu\n", Some("B"), Some("golang")),
            ("FROM golang AS b\nFROM ubuntu\n", Some("1"), None),
            ("FROM alpine AS a\nFROM a AS c\nFROM C\n", None, Some("alpine")),
            ("FROM alpine AS alpine\nFROM alpine\n", None, Some("alpine")),
            ("FROM \\\n  alpine\nRUN <<E\nFROM debian\nE\n", None, Some("alpine")),
            ("ARG V=1\nARG B=alpine:$V\nFROM ${B}\n", None, Some("alpine:1")),
            ("ARG B\nFROM $B\n", None, None),
            ("FROM alpine-$TARGETARCH\n", None, Some("alpine-amd64")),
            ("FROM alpine-$BUILDARCH\n", None, None),
            ("ARG V=1.0\nFROM a:${V%.*}\n", None, Some("a:1")),
            ("FROM alpine:\\\n3.20 AS x\nFROM x\n", None, Some("alpine:3.20")),
            ("FROM alpine$NONE\n", None, Some("alpine")),
            ("FROM scratch\n", None, None),
            ("FROM a\n", Some("missing"), None),
            ("FROM a\n", Some("7"), None),
            ("", None, None),
            ("FROM\n", None, None),
        ] {
            let mut recipe = recipe(dockerfile);
            recipe.inputs.target = target.map(Into::into);
            let found = match built_on(&recipe, &recipe.instructions()) {
                Some(BuiltOn::Image(base, _)) => Some(base.written),
                _ => None,
            };
            assert_eq!(found.as_deref(), wanted, "{dockerfile}");
        }
    }

    #[test]
    fn a_base_is_pinned_under_any_name_and_after_any_replacement() {
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
            let mut recipe = recipe(dockerfile);
            recipe.inputs.contexts =
                contexts.iter().map(|(k, to)| ((*k).to_owned(), image(to))).collect();
            recipe.inputs.bases =
                bases.iter().map(|(k, to)| ((*k).to_owned(), to.parse().unwrap())).collect();
            label(wanted, &mut recipe);
            assert_eq!(&*recipe.inputs.labels[NAME], name, "{dockerfile}");
            assert_eq!(&*recipe.inputs.annotations[NAME], name);
            let pinned = recipe.pinned(&recipe.pin.clone().unwrap(), &digest);
            assert_eq!((pinned.inputs.contexts.len(), pinned.inputs.bases.len()), (0, 1));
            assert_eq!(pinned.inputs.bases[key].to_string(), format!("{name}@{digest}"));
            assert_eq!(*pinned.inputs.labels[DIGEST], digest.to_string());
            assert!(!pinned.inputs.annotations.contains_key(DIGEST));
        }
    }

    #[test]
    fn a_known_digest_is_not_looked_up() {
        let both = BaseWanted {
            labels: BaseLabels::NameAndDigest,
            annotations: BaseLabels::NameAndDigest,
        };
        let digest = crate::image::Digest::of(b"x");
        let mut written = recipe(&format!("FROM a:1@{digest}\n"));
        label(both, &mut written);
        assert_eq!((&*written.inputs.labels[DIGEST], &written.pin), (&*digest.to_string(), &None));
        assert_eq!(*written.inputs.annotations[DIGEST], digest.to_string());
        let mut given = recipe("FROM a:1\n");
        given.inputs.labels.insert(DIGEST.into(), "mine".into());
        label(both, &mut given);
        let pin = given.pin.unwrap();
        assert_eq!(
            (&*given.inputs.labels[DIGEST], pin.labels, pin.annotations),
            ("mine", false, true)
        );
        let mut folder = recipe("FROM a\n");
        folder.inputs.contexts.insert("a".to_owned(), NamedContext::Folder("x".into()));
        label(both, &mut folder);
        assert_eq!((folder.inputs.labels.len(), &folder.pin), (0, &None));
    }

    #[test]
    fn a_base_that_no_label_can_name_leaves_empty_labels_and_a_warning() {
        let both = BaseWanted { labels: BaseLabels::NameAndDigest, annotations: BaseLabels::None };
        let arch = "FROM u AS b-amd64\nFROM a AS b-arm64\nFROM b-$TARGETARCH AS c\nFROM c\n";
        let folder = [("f".to_owned(), NamedContext::Folder("x".into()))];
        for (dockerfile, line, labels) in [
            (arch, Some(3), &[NAME, DIGEST][..]),
            ("FROM a-$TARGETARCH\n", Some(1), &[NAME, DIGEST]),
            (
                "FROM scratch AS b-amd64\nFROM a AS b-arm64\nFROM b-$TARGETARCH\n",
                Some(3),
                &[NAME, DIGEST],
            ),
            ("FROM a-$BUILDARCH\n", Some(1), &[NAME, DIGEST]),
            // The Dockerfile's own label remains.
            (
                "FROM a-$BUILDARCH\nLABEL \"org.opencontainers.image.base.name\"=x\n",
                None,
                &[DIGEST],
            ),
            ("FROM scratch\n", None, &[]),
            ("FROM f\n", None, &[]),
            ("FROM $NONE\n", None, &[]),
            ("", None, &[]),
        ] {
            let mut recipe = recipe(dockerfile);
            recipe.platforms = ["linux/amd64", "linux/arm64"].map(|p| p.parse().unwrap()).into();
            recipe.inputs.contexts = folder.clone().into();
            let found = label(both, &mut recipe);
            assert_eq!(found.map(|unknown| unknown.line), line, "{dockerfile}");
            let empty: Vec<&str> = recipe.inputs.labels.keys().map(|name| &**name).collect();
            assert_eq!(empty, labels, "{dockerfile}");
            assert!(
                recipe.inputs.labels.values().all(|text| text.is_empty()) && recipe.pin.is_none()
            );
        }
    }

    #[test]
    fn a_base_with_one_name_on_all_platforms_is_known() {
        let wanted = BaseWanted { labels: BaseLabels::Name, annotations: BaseLabels::None };
        let text = "FROM a:1 AS b-amd64\nFROM a:1 AS b-arm64\nFROM b-$TARGETARCH\n";
        let mut recipe = recipe(text);
        recipe.platforms = ["linux/amd64", "linux/arm64"].map(|p| p.parse().unwrap()).into();
        assert_eq!(label(wanted, &mut recipe), None);
        assert_eq!(&*recipe.inputs.labels[NAME], "docker.io/library/a:1");
        // The matrix takes precedence even if the base is unknown.
        let mut given = self::recipe("FROM a-$BUILDARCH\n");
        given.inputs.labels.insert(NAME.into(), "mine".into());
        assert_eq!(label(wanted, &mut given), None);
        assert_eq!(&*given.inputs.labels[NAME], "mine");
    }
}
