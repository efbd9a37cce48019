//! The images that a rendered Dockerfile is based on or copies files from.

use std::collections::HashSet;

use super::request::Recipe;
use crate::dockerfile::{
    Dockerfile, Evaluated, Given, Instruction, InstructionKind, Source, Stage, Unexpanded, Use,
    UsedBy,
};
use crate::image::{Platform, Reference};
use crate::input::NamedContext;

/// An external image, and the line that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// The first line of the instruction, from 1.
    pub line: u32,
    /// The name in the Dockerfile, with variables expanded. Replacements refer to this name.
    pub written: String,
    /// The image that is used, after replacement by the matrix.
    pub image: Reference,
}

impl Recipe {
    /// The instructions of its Dockerfile.
    pub fn instructions(&self) -> Dockerfile {
        Dockerfile::parse(&self.dockerfile.text())
    }

    /// The platforms to evaluate its Dockerfile for: only one if the platform makes no difference.
    pub(super) fn differing_platforms(&self) -> &[Platform] {
        let differ = self.dockerfile.mentions("TARGET");
        let count = if differ { self.platforms.len() } else { 1 };
        &self.platforms[..count.min(self.platforms.len())]
    }

    /// The stages of `file`, its Dockerfile, for one platform. `native` is the platform of the
    /// engine, if it is known.
    pub(crate) fn stages(
        &self,
        file: &Dockerfile,
        platform: &Platform,
        native: Option<&Platform>,
    ) -> Evaluated {
        file.stages(&Given {
            args: &self.inputs.args,
            target: self.inputs.target.as_deref(),
            platform: Some(platform),
            build_platform: native,
            is_replaced: &|name| replaced(self, name).is_some(),
        })
    }
}

/// The images of `FROM`, `COPY --from` and `RUN --mount=from=`, ordered by line. A line may have several
/// that differ by platform. An image that depends on values known only to BuildKit is left out.
pub(crate) fn bases(recipe: &Recipe, file: &Dockerfile) -> Vec<Base> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for platform in recipe.differing_platforms() {
        for stage in recipe.stages(file, platform, None).stages {
            for used in stage.uses {
                let Source::Named(name) = used.source else { continue };
                if seen.insert((used.line, name.clone())) {
                    found.extend(taken(recipe, used.line, name));
                }
            }
        }
    }
    found.sort_by_key(|base| base.line);
    found
}

/// An image that the build of one platform needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NeededImage {
    pub base: Base,
    pub by: UsedBy,
    /// The requested platform.
    pub asked: Platform,
    /// The platforms that the image may have; empty if the Dockerfile selects one itself.
    pub fitting: Vec<Platform>,
}

/// The images that a build for `platform` needs, on an engine whose platform is `native`.
pub(crate) fn needed_images(
    recipe: &Recipe,
    file: &Dockerfile,
    platform: &Platform,
    native: &Platform,
) -> Vec<NeededImage> {
    if file.is_foreign(&recipe.inputs.args) {
        return Vec::new();
    }
    let evaluated = recipe.stages(file, platform, Some(native));
    let chain = final_chain(&evaluated);
    let of_stage = |number: usize| {
        let (_, root) = root(&evaluated.stages, number);
        chosen(root).unwrap_or_else(|| platform.clone())
    };
    let mut found = Vec::new();
    let stages = evaluated.stages.iter().enumerate();
    for (number, stage) in stages.filter(|(_, stage)| stage.is_reachable) {
        for used in &stage.uses {
            let Use { line, by, source: Source::Named(name), .. } = used else { continue };
            let Some(base) = taken(recipe, *line, name.clone()) else { continue };
            let (asked, fitting) = match (by, chosen(stage)) {
                (UsedBy::From, None) => (platform.clone(), vec![platform.clone()]),
                // `final_platform` reports an image of another platform.
                (UsedBy::From, Some(chosen)) => {
                    let is_final = chain.contains(&number) && chosen.serves(platform);
                    (chosen, if is_final { vec![platform.clone()] } else { Vec::new() })
                }
                // BuildKit requests the cell's platform, but a stage of another platform may need its own.
                (UsedBy::Copy | UsedBy::Mount, _) => {
                    (platform.clone(), vec![platform.clone(), of_stage(number)])
                }
            };
            found.push(NeededImage { base, by: *by, asked, fitting });
        }
    }
    found
}

/// A `FROM --platform` that makes the platform of the image differ from that of the cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OtherPlatform {
    /// Line of the `FROM`, from 1.
    pub line: u32,
    /// The flag's value.
    pub written: String,
    /// The resulting platform; `None` if it is that of an unknown engine.
    pub found: Option<Platform>,
    /// The platform of the cell that it conflicts with.
    pub wanted: Platform,
}

impl OtherPlatform {
    pub(crate) const HELP: &str =
        "leave `--platform` out of this FROM, or copy the files into a stage without it";

    pub(crate) fn message(&self) -> String {
        let wanted = &self.wanted;
        match &self.found {
            Some(found) => {
                format!("the final stage is built on {found}, the cell is built for {wanted}")
            }
            None => format!(
                "the final stage is built on `{}`, which is a single platform; the cell is built for \
                 several",
                self.written
            ),
        }
    }
}

/// Whether the `FROM` of the final stage, or of a stage it is based on, selects another platform than
/// the cell's. If the engine's platform is unknown, only a conflict on every engine counts.
pub(crate) fn final_platform(
    recipe: &Recipe,
    file: &Dockerfile,
    native: Option<&Platform>,
) -> Option<OtherPlatform> {
    let chooses = |one: &Instruction| match &one.kind {
        InstructionKind::From(from) => from.platform.is_some(),
        _ => false,
    };
    if !file.instructions.iter().any(chooses) || file.is_foreign(&recipe.inputs.args) {
        return None;
    }
    let any = |native: Option<&Platform>| -> Result<Option<OtherPlatform>, Unexpanded> {
        for platform in &recipe.platforms {
            let evaluated = recipe.stages(file, platform, native);
            if let Some(other) = other_platform(recipe, &evaluated, platform)? {
                return Ok(Some(other));
            }
        }
        Ok(None)
    };
    match any(native) {
        Ok(found) => found,
        // Whichever of them the engine has, the others conflict with it.
        Err(Unexpanded::Unknown) if native.is_none() && recipe.platforms.len() > 1 => {
            let every = recipe.platforms.iter().map(|native| any(Some(native)).ok().flatten());
            let found = every.collect::<Option<Vec<_>>>()?.pop()?;
            Some(OtherPlatform { found: None, ..found })
        }
        Err(_) => None,
    }
}

fn other_platform(
    recipe: &Recipe,
    evaluated: &Evaluated,
    platform: &Platform,
) -> Result<Option<OtherPlatform>, Unexpanded> {
    let Some(target) = evaluated.target else { return Ok(None) };
    let (_, stage) = root(&evaluated.stages, target);
    let has_one = match &stage.base {
        Source::Scratch => false,
        // A directory has no platform.
        Source::Named(name) => taken(recipe, stage.line, name.clone()).is_some(),
        Source::Unknown(_) | Source::Stage(_) => true,
    };
    let Some(text) = stage.platform.as_ref().filter(|_| has_one) else { return Ok(None) };
    // BuildKit refuses an invalid platform.
    let Ok(found) = text.value.clone()?.parse::<Platform>() else { return Ok(None) };
    let (line, written, wanted) = (stage.line, text.written.clone(), platform.clone());
    let differs = !found.serves(platform);
    Ok(differs.then_some(OtherPlatform { line, written, found: Some(found), wanted }))
}

/// The target stage and the stages it is based on.
fn final_chain(evaluated: &Evaluated) -> Vec<usize> {
    let mut chain: Vec<usize> = evaluated.target.into_iter().collect();
    while let Some(Source::Stage(below)) =
        chain.last().map(|number| &evaluated.stages[*number].base)
    {
        chain.push(*below);
    }
    chain
}

/// The first stage of the chain that stage `number` is based on.
pub(super) fn root(stages: &[Stage], mut number: usize) -> (usize, &Stage) {
    while let Source::Stage(below) = stages[number].base {
        number = below;
    }
    (number, &stages[number])
}

/// The platform that a `FROM` selects.
pub(super) fn chosen(stage: &Stage) -> Option<Platform> {
    stage.platform.as_ref()?.known()?.parse().ok()
}

/// The image that BuildKit uses for this name; `None` for a directory, a URL, or an invalid name.
pub(super) fn taken(recipe: &Recipe, line: u32, written: String) -> Option<Base> {
    let image = match replaced(recipe, &written) {
        Some(other) => other?,
        None => written.parse().ok()?,
    };
    Some(Base { line, written, image })
}

/// The replacement of a name, if any, and whether it is an image. Contexts take precedence over bases,
/// as in the request to BuildKit.
pub(super) fn replaced(recipe: &Recipe, name: &str) -> Option<Option<Reference>> {
    let context = recipe.inputs.contexts.iter().find(|(known, _)| same(known, name));
    let context = context.map(|(_, context)| match context {
        NamedContext::Image(image) => Some(image.clone()),
        NamedContext::Folder(_) | NamedContext::Layout(_) | NamedContext::Url(_) => None,
    });
    let base = || recipe.inputs.bases.iter().find(|(known, _)| same(known, name));
    context.or_else(|| base().map(|(_, image)| Some(image.clone())))
}

/// Whether two names refer to the same image: `alpine` and `docker.io/library/alpine:latest`.
pub(super) fn same(one: &str, other: &str) -> bool {
    let short = |name: &str| name.parse::<Reference>().ok().map(|name| name.short());
    one == other || short(one).is_some_and(|one| short(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indexmap::IndexMap;

    use super::*;
    use crate::template::Rendered;

    fn recipe(dockerfile: &str) -> Recipe {
        let dockerfile = Arc::new(Rendered::verbatim("t/Dockerfile", dockerfile));
        Recipe { dockerfile, ..Recipe::sample() }
    }

    #[test]
    fn bases_are_the_external_images_that_buildkit_uses() {
        let text = "ARG V=3.20 NONE\nARG \"W\"=x\nFROM --platform=$BUILDPLATFORM alpine:${V} AS Build\nFROM scratch\n\
                    FROM build\nFROM $NONE\nFROM ${NONE:-debian}:12\nFROM ubuntu AS u\nFROM mine:1\nFROM folder\n\
                    COPY --from=build a b\nCOPY --from=0 a b\nCOPY --from=docker.io/library/node:20 a b\n\
                    RUN --mount=from=busybox:1.36,target=/b --mount=from=build,target=/c x\n\
                    RUN --mount=type=bind,from=mine:1,target=/b --mount=from=folder,target=/c x\n\
                    FROM a-$TARGETARCH AS arch\nONBUILD COPY --from=c a b\nFROM arch\n";
        let mut recipe = recipe(text);
        recipe.inputs.args = IndexMap::from([("V".into(), "3.21".into())]);
        recipe.inputs.bases =
            IndexMap::from([("mine:1".to_owned(), "m.example/mine:2".parse().unwrap())]);
        let folder = NamedContext::Folder("x".into());
        recipe.inputs.contexts = IndexMap::from([("folder".to_owned(), folder)]);
        let bases: Vec<String> = bases(&recipe, &recipe.instructions())
            .iter()
            .map(|base| format!("{} {}", base.line, base.image))
            .collect();
        assert_eq!(
            bases,
            [
                "3 docker.io/library/alpine:3.21",
                "7 docker.io/library/debian:12",
                "8 docker.io/library/ubuntu",
                "9 m.example/mine:2",
                "13 docker.io/library/node:20",
                "14 docker.io/library/busybox:1.36",
                "15 m.example/mine:2",
                "16 docker.io/library/a-amd64",
                "17 docker.io/library/c",
            ]
        );
    }

    fn platforms(names: &[&str]) -> Vec<Platform> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn the_image_has_the_platform_of_the_stages_it_is_based_on() {
        const BUILD: &str = "FROM --platform=$BUILDPLATFORM a AS b\n";
        let two = &["linux/amd64", "linux/arm64"][..];
        for (dockerfile, cell, native, wanted) in [
            ("FROM a\n", two, Some("linux/amd64"), None),
            ("FROM --platform=$TARGETPLATFORM a\n", two, Some("linux/amd64"), None),
            (BUILD, two, Some("linux/amd64"), Some((1, Some("linux/amd64"), "linux/arm64"))),
            (BUILD, two, Some("linux/arm64"), Some((1, Some("linux/arm64"), "linux/amd64"))),
            (BUILD, two, None, Some((1, None, "linux/amd64"))),
            (BUILD, &["linux/arm64"], None, None),
            (BUILD, &["linux/arm64"], Some("linux/arm64"), None),
            (
                BUILD,
                &["linux/arm64"],
                Some("linux/amd64"),
                Some((1, Some("linux/amd64"), "linux/arm64")),
            ),
            (
                "FROM --platform=linux/amd64 a\n",
                two,
                None,
                Some((1, Some("linux/amd64"), "linux/arm64")),
            ),
            ("FROM --platform=linux/amd64 a\n", &["linux/amd64"], None, None),
            ("FROM --platform=linux/amd64 a\n", &["linux/amd64/v2"], None, None),
            (
                "FROM --platform=linux/arm/v7 a\n",
                &["linux/arm/v6"],
                None,
                Some((1, Some("linux/arm/v7"), "linux/arm/v6")),
            ),
            ("FROM --platform=linux/$TARGETARCH a\n", two, None, None),
            // The first stage determines the platform.
            (
                "FROM --platform=linux/amd64 a AS b\nFROM b AS c\nFROM c\n",
                two,
                None,
                Some((1, Some("linux/amd64"), "linux/arm64")),
            ),
            ("FROM a AS b\nFROM --platform=linux/amd64 b\n", two, None, None),
            // A stage that files are only copied from may have any platform.
            (
                "FROM --platform=$BUILDPLATFORM a AS b\nFROM scratch\nCOPY --from=b a b\n",
                two,
                None,
                None,
            ),
            ("FROM --platform=linux/amd64 scratch\n", two, None, None),
            ("FROM --platform=linux/amd64 folder\n", two, None, None),
            ("FROM --platform=nonsense a\n", two, None, None),
            ("FROM --platform=$NONE a\n", two, None, None),
            ("", two, None, None),
        ] {
            let mut recipe = recipe(dockerfile);
            recipe.platforms = platforms(cell);
            let folder = NamedContext::Folder("x".into());
            recipe.inputs.contexts = IndexMap::from([("folder".to_owned(), folder)]);
            let native: Option<Platform> = native.map(|native| native.parse().unwrap());
            let found = final_platform(&recipe, &recipe.instructions(), native.as_ref());
            let found =
                found.map(|f| (f.line, f.found.map(|p| p.to_string()), f.wanted.to_string()));
            let wanted = wanted
                .map(|(line, found, wanted)| (line, found.map(str::to_owned), wanted.to_owned()));
            assert_eq!(found, wanted, "{dockerfile} {cell:?} {native:?}");
        }
    }

    #[test]
    fn an_image_is_needed_for_the_platform_of_the_cell_or_of_its_stage() {
        let text = "FROM --platform=$BUILDPLATFORM go AS build\nCOPY --from=xx / /\nFROM unused\n\
                    FROM alpine AS below\nRUN --mount=from=tools,target=/t x\nCOPY --from=build a b\n\
                    FROM below\nCOPY --from=1 a b\n";
        for (target, wanted) in [
            (
                None,
                &[
                    "1 From go linux/amd64 []",
                    "2 Copy xx linux/arm64 [linux/arm64 linux/amd64]",
                    "3 From unused linux/arm64 [linux/arm64]",
                    "4 From alpine linux/arm64 [linux/arm64]",
                    "5 Mount tools linux/arm64 [linux/arm64 linux/arm64]",
                ][..],
            ),
            (
                Some("build"),
                &["1 From go linux/amd64 []", "2 Copy xx linux/arm64 [linux/arm64 linux/amd64]"],
            ),
        ] {
            let mut recipe = recipe(text);
            recipe.inputs.target = target.map(Into::into);
            let found = platforms(&["linux/arm64", "linux/amd64"]);
            let needed = needed_images(&recipe, &recipe.instructions(), &found[0], &found[1]);
            let shown = |list: &[Platform]| {
                list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            };
            let needed: Vec<String> = needed
                .iter()
                .map(|one| {
                    let (line, name) = (one.base.line, &one.base.written);
                    format!("{line} {:?} {name} {} [{}]", one.by, one.asked, shown(&one.fitting))
                })
                .collect();
            assert_eq!(needed, wanted, "{target:?}");
        }
    }
}
