//! Steps that leave the build sandbox: `RUN --network=host` and `RUN --security=insecure`.
//!
//! BuildKit refuses them unless the request has the entitlement. One that is not found here, such as
//! a trigger of a base image, gets none and fails.

use std::collections::BTreeSet;

use super::request::Recipe;
use crate::dockerfile::{InstructionKind, RunInstruction, Source};

/// What the steps of a build ask for, each with the line (from 1) of the first step that does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Privileges {
    /// The network of the engine's machine.
    pub network_host: Option<u32>,
    /// No sandbox.
    pub insecure: Option<u32>,
}

/// What the Dockerfile of `recipe` asks for in the stages that are built.
pub(super) fn privileges(recipe: &Recipe) -> Privileges {
    let mut found = Privileges::default();
    let dockerfile = &recipe.dockerfile;
    // Few do. A flag that is cut in two by a line break is not found, and BuildKit refuses it.
    if !dockerfile.mentions("--network") && !dockerfile.mentions("--security") {
        return found;
    }
    let file = recipe.instructions();
    // Stages that are built, by the lines of their `FROM`, and those that others are built on, which
    // run their triggers.
    let (mut built, mut triggers) = (BTreeSet::new(), BTreeSet::new());
    for platform in recipe.differing_platforms() {
        let stages = recipe.stages(&file, platform, None).stages;
        for stage in stages.iter().filter(|stage| stage.is_reachable && !stage.is_replaced) {
            built.insert(stage.line);
            if let Source::Stage(number) = stage.base {
                triggers.extend(stages.get(number).map(|base| base.line));
            }
        }
    }
    let mut stage = 0;
    for step in &file.instructions {
        match &step.kind {
            InstructionKind::From(_) => stage = step.first,
            InstructionKind::Run(run) if built.contains(&stage) => found.add(step.first, run),
            InstructionKind::Onbuild(trigger) if triggers.contains(&stage) => {
                if let InstructionKind::Run(run) = &trigger.kind {
                    found.add(step.first, run);
                }
            }
            _ => {}
        }
    }
    found
}

impl Privileges {
    fn add(&mut self, line: u32, run: &RunInstruction) {
        if run.network.as_deref() == Some("host") {
            self.network_host.get_or_insert(line);
        }
        if run.security.as_deref() == Some("insecure") {
            self.insecure.get_or_insert(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::template::Rendered;

    #[test]
    fn only_steps_that_are_built_ask_for_something() {
        for (text, target, wanted) in [
            ("FROM a\nRUN x", None, (None, None)),
            ("FROM a\nRUN --network=host x", None, (Some(2), None)),
            ("FROM a\nRUN --network=none x\nRUN --security=sandbox y", None, (None, None)),
            ("FROM a\nRUN --security=insecure --network=host x", None, (Some(2), Some(2))),
            ("FROM a\nRUN echo --network=host", None, (None, None)),
            (
                "FROM a\nRUN \\\n  --security=insecure x\nRUN --security=insecure y",
                None,
                (None, Some(2)),
            ),
            ("FROM a AS b\nRUN --network=host x\nFROM a", None, (None, None)),
            ("FROM a AS b\nRUN --network=host x\nFROM a", Some("b"), (Some(2), None)),
            ("FROM a AS b\nRUN --network=host x\nFROM b", None, (Some(2), None)),
            ("FROM a AS b\nRUN --network=host x\nFROM a\nCOPY --from=b / /", None, (Some(2), None)),
            ("FROM a AS b\nONBUILD RUN --security=insecure x\nFROM b", None, (None, Some(2))),
            ("FROM a AS b\nONBUILD RUN --security=insecure x", None, (None, None)),
        ] {
            let rendered = Rendered::verbatim("Dockerfile", text);
            let mut recipe = Recipe { dockerfile: Arc::new(rendered), ..Recipe::sample() };
            recipe.inputs.target = target.map(Into::into);
            let Privileges { network_host, insecure } = privileges(&recipe);
            assert_eq!((network_host, insecure), wanted, "{text}");
        }
    }
}
