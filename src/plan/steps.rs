//! The platforms on which a build runs programs. An engine must be able to run these; files it can copy
//! into an image of any platform.

use super::bases::{chosen, root};
use super::request::{BuildRequest, Recipe};
use crate::allow::allowed;
use crate::dockerfile::Dockerfile;
use crate::image::Platform;

/// A program that a build runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunsOn {
    pub platform: Platform,
    /// The line of the `RUN` in the rendered Dockerfile, from 1; `None` for the smoke test.
    pub line: Option<u32>,
}

impl BuildRequest {
    /// The platforms on which its build or its smoke test runs programs, each with the first of them.
    /// `native` is the platform of the engine. What only BuildKit knows is left out: another frontend, and
    /// `ONBUILD` of a base image.
    pub(crate) fn runs_on(&self, native: &Platform) -> Vec<RunsOn> {
        let mut found = steps(&self.recipe, &self.recipe.instructions(), native);
        if self.policy.smoke.is_some() && !self.policy.skip_smoke {
            for platform in &self.recipe.platforms {
                if !found.iter().any(|one| one.platform == *platform) {
                    found.push(RunsOn { platform: platform.clone(), line: None });
                }
            }
        }
        found
    }
}

fn steps(recipe: &Recipe, file: &Dockerfile, native: &Platform) -> Vec<RunsOn> {
    let mut found: Vec<RunsOn> = Vec::new();
    if file.is_foreign(&recipe.inputs.args) {
        return found;
    }
    for platform in &recipe.platforms {
        let evaluated = recipe.stages(file, platform, Some(native));
        let reachable = evaluated.stages.iter().enumerate().filter(|(_, one)| one.is_reachable);
        for (number, stage) in reachable {
            let Some(line) = stage.first_run else { continue };
            let (_, root) = root(&evaluated.stages, number);
            // The base may be for another platform, and BuildKit then uses that one.
            let comments = file.comments_of(root.line);
            if comments.iter().any(|comment| allowed(&comment.text, "base-platform")) {
                continue;
            }
            let platform = match &root.platform {
                None => platform.clone(),
                Some(_) => match chosen(root) {
                    Some(chosen) => chosen,
                    // Unknown, or invalid, which BuildKit reports.
                    None => continue,
                },
            };
            if !found.iter().any(|one| one.platform == platform) {
                found.push(RunsOn { platform, line: Some(line) });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::template::Rendered;

    fn found(dockerfile: &str, change: &dyn Fn(&mut BuildRequest)) -> Vec<String> {
        let mut request = BuildRequest::sample("v1");
        request.recipe.dockerfile = Arc::new(Rendered::verbatim("Dockerfile", dockerfile));
        request.recipe.platforms =
            ["linux/amd64", "linux/riscv64"].map(|name| name.parse().unwrap()).to_vec();
        change(&mut request);
        let found = request.runs_on(&"linux/amd64".parse().unwrap());
        let shown = |one: &RunsOn| match one.line {
            Some(line) => format!("{} {line}", one.platform.short()),
            None => format!("{} test", one.platform.short()),
        };
        found.iter().map(shown).collect()
    }

    #[test]
    fn only_run_needs_the_platform_of_its_stage() {
        const CROSS: &str = "FROM --platform=$BUILDPLATFORM a AS b\nRUN x\n";
        for (dockerfile, wanted) in [
            ("FROM a\nRUN x\nRUN y\n", &["amd64 2", "riscv64 2"][..]),
            ("FROM a\nCOPY a b\nWORKDIR /x\nCMD [\"x\"]\nHEALTHCHECK CMD x\n", &[]),
            ("FROM scratch\nADD https://x.example/a /\n", &[]),
            (&format!("{CROSS}FROM scratch\nCOPY --from=b a b\n"), &["amd64 2"]),
            (
                "ARG BUILDPLATFORM\nFROM --platform=$BUILDPLATFORM a AS b\nRUN x\nFROM a\nCOPY --from=b a b\n",
                &["amd64 3"],
            ),
            (&format!("{CROSS}FROM a\nCOPY --from=b a b\nRUN y\n"), &["amd64 2", "riscv64 5"]),
            (
                "FROM --platform=linux/arm64 a AS b\nRUN x\nFROM a\nCOPY --from=b a b\n",
                &["arm64 2"],
            ),
            ("FROM --platform=arm64 a AS b\nRUN x\nFROM a\nCOPY --from=b a b\n", &["arm64 2"]),
            (
                "FROM --platform=linux/$TARGETARCH a AS b\nRUN x\nFROM scratch\nCOPY --from=b a b\n",
                &["amd64 2", "riscv64 2"],
            ),
            // The first stage determines the platform of all that are based on it.
            (
                &format!("{CROSS}FROM b AS c\nRUN y\nFROM scratch\nCOPY --from=c a b\n"),
                &["amd64 2"],
            ),
            (&format!("{CROSS}FROM --platform=linux/arm64 b\nRUN y\n"), &["amd64 2"]),
            // A stage that is not needed is not built.
            ("FROM a AS unused\nRUN x\nFROM scratch\nCOPY a b\n", &[]),
            (
                "FROM a AS tool\nRUN x\nFROM scratch\nCOPY --from=tool a b\n",
                &["amd64 2", "riscv64 2"],
            ),
            (
                &format!("{CROSS}FROM a AS t\nRUN y\nFROM scratch\nCOPY --from=b a b\n"),
                &["amd64 2"],
            ),
            // A stage inherits the triggers of the stage below.
            ("FROM a AS b\nONBUILD RUN x\nFROM b\n", &["amd64 2", "riscv64 2"]),
            ("FROM a\nONBUILD RUN x\n", &[]),
            // Unknown, invalid, or read by another frontend.
            ("FROM --platform=$NONE a\nRUN x\n", &[]),
            ("# syntax=example.com/other\nFROM a\nRUN x\n", &[]),
            ("# syntax=docker/dockerfile:1\nFROM a\nRUN x\n", &["amd64 3", "riscv64 3"]),
            ("# onebuild: allow base-platform (data)\nFROM a@sha256:x\nRUN x\n", &[]),
            ("", &[]),
        ] {
            assert_eq!(found(dockerfile, &|_| ()), wanted, "{dockerfile}");
        }
    }

    #[test]
    fn the_target_and_named_contexts_decide_which_stages_are_built() {
        let dockerfile = "FROM a AS b\nRUN x\nFROM scratch\n";
        assert!(found(dockerfile, &|_| ()).is_empty());
        let to = |target: &'static str| {
            move |request: &mut BuildRequest| request.recipe.inputs.target = Some(target.into())
        };
        assert_eq!(found(dockerfile, &to("b")), ["amd64 2", "riscv64 2"]);
        assert_eq!(found(dockerfile, &to("B")), ["amd64 2", "riscv64 2"]);
        assert!(found(dockerfile, &to("none")).is_empty());
        let replaced = |request: &mut BuildRequest| {
            let context = crate::input::NamedContext::Folder("x".into());
            request.recipe.inputs.contexts = [("b".to_owned(), context)].into_iter().collect();
        };
        assert!(
            found("FROM a AS b\nRUN x\nFROM scratch\nCOPY --from=b a b\n", &replaced).is_empty()
        );
    }
}
